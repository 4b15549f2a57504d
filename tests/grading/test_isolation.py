"""What a candidate can see, and what happens to it when the trainer is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from blampert_env.errors import GraderError
from blampert_env.grading import Grader, make_grader
from blampert_env.grading.opened import STRICT
from blampert_env.grading.server import server
from blampert_env.projects import Project

from ..processes import evaluations_alive, processes_of
from .conftest import ONE, SOLVED, STUB, TESTS

PYTEST_NEEDS = ("pytest", "_pytest", "py.py", "pluggy", "iniconfig", "packaging", "pygments")
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")


def seen(project: Project, expression: str, **arguments: object) -> str:
    """What an expression gives inside a candidate in a process of its own."""
    source = f"import glob, os, sys, time\ndef double(x): raise ValueError({expression})\n"
    grader = make_grader(project, **{"isolation": "strict", **arguments})  # type: ignore[arg-type]
    return grader.grade({"tiny.py": source}).failures[ONE]


def test_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("PYTHONPATH", "/planted")
    said = seen(project, "' '.join([*os.environ, *os.environ.values(), *sys.path])")
    assert "planted" not in said
    assert "OPENAI_API_KEY" not in said
    assert "PYTHONHASHSEED" in said


def test_other_processes_are_hidden(project: Project) -> None:
    is_own = "pid-namespace" in make_grader(project).layers
    with subprocess.Popen([sys.executable, "-c", "input()"], env={"KEY": "sk-planted"}, stdin=subprocess.PIPE) as other:
        said = seen(project, "b''.join(open(p, 'rb').read() for p in glob.glob('/proc/[0-9]*/environ'))")
        visible = seen(project, "f\"{len(glob.glob('/proc/*'))} entries\"")
        other.communicate(b"\n")
    assert "planted" not in said
    assert not is_own or ": 0 entries" in visible


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("sys.stdin.read() or 'empty'", "empty"),
        ("time.tzname", "('UTC', 'UTC')"),
        ("os.listdir(os.environ['HOME'])", "[]"),
        ("sorted(os.listdir())", "['tiny.py']"),
        ("'blampert_env' in sys.modules", "False"),
    ],
)
def test_surroundings(project: Project, expression: str, said: str) -> None:
    assert said in seen(project, expression)


def test_layers(project: Project) -> None:
    layers = make_grader(project).layers
    assert layers[0] == "process-group"
    assert make_grader(project, isolation="none").layers == ("process-group", "limits")
    if set(STRICT) <= set(layers):
        strict = make_grader(project, isolation="strict")
        assert strict.grade({"tiny.py": SOLVED}).all_passed
        assert strict.method == "apart"


ORDINARY = """
import os, sys
from blampert_env.grading import Grader
from blampert_env.projects import Project
from tests.grading.conftest import SOLVED, STUB, TESTS
grader = Grader(Project.from_files("tiny", {"tiny.py": STUB, "test_tiny.py": TESTS}), cache_size=0, isolation="strict")
assert os.getuid() == 1000
assert grader.grade({"tiny.py": SOLVED}).all_passed
print(grader.method, *grader.layers)
"""


@LINUX
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare of util-linux")
def test_an_ordinary_user_gets_the_whole_sandbox() -> None:
    root = Path(__file__).resolve().parents[2]
    command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", sys.executable, "-c", ORDINARY]
    done = subprocess.run(
        command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True
    )
    if "unshare" in done.stderr:
        pytest.skip("this system makes no user namespaces")
    assert done.stderr == ""
    method, *layers = done.stdout.split()
    assert method == "apart"
    assert {*STRICT, "user-namespace", "landlock"} <= set(layers) | {"landlock"}


@LINUX
@pytest.mark.slow
def test_an_environment_below_tmp(project: Project) -> None:
    """Its modules are found during an evaluation, though candidates have a ``/tmp`` of their own."""
    with environment_below_tmp() as (python, _):
        grader = Grader(project, python=python, cache_size=0)
        assert grader.grade({"tiny.py": SOLVED}).all_passed
        assert grader.method == "plain"
        late = "def double(x):\n    import iniconfig.exceptions\n    return 2 * x\n"
        assert grader.grade({"tiny.py": late}).all_passed


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["default", "strict"])
def test_a_library_that_starts_threads_when_it_is_imported(isolation: Literal["default", "strict"]) -> None:
    """Such as pyarrow with its allocator: a process with threads cannot enter a user namespace."""
    files = {"tiny.py": f"import threaded\n\n\n{STUB}", "test_tiny.py": TESTS}
    project = Project.from_files("tiny", files)
    with environment_below_tmp() as (python, packages):
        text = "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n"
        (packages / "threaded.py").write_text(text)
        grader = Grader(project, python=python, cache_size=0, isolation=isolation)
        assert grader.grade({"tiny.py": f"import threaded\n\n\n{SOLVED}"}).all_passed


@contextmanager
def environment_below_tmp() -> Iterator[tuple[str, Path]]:
    """A virtual environment with pytest: its interpreter, its packages."""
    with tempfile.TemporaryDirectory(dir="/tmp") as private:  # the user that candidates become may not enter that
        folder = Path(private, "venv")
        venv.create(folder, with_pip=False)
        packages = next((folder / "lib").glob("python*")) / "site-packages"
        for found in (Path(pytest.__file__).parents[1] / name for name in PYTEST_NEEDS):
            (shutil.copytree if found.is_dir() else shutil.copy)(found, packages / found.name)
        python = f"{folder}/bin/python"
        yield python, packages
        server(python).close()


def test_without_a_sandbox(project: Project) -> None:
    grader = make_grader(project, isolation="none")
    assert grader.grade({"tiny.py": SOLVED}).all_passed
    assert grader.grade({"tiny.py": SOLVED}).method == grader.method == "subprocess"


@LINUX
def test_a_system_without_namespaces(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything but the namespaces still holds, it is said once, and ``strict`` refuses."""
    monkeypatch.setattr("blampert_env.grading.engine.server", lambda python: server(python, ()))
    bare = Project.from_files("bare", {**project.sources, **project.tests, "data.txt": "another fingerprint"})
    with pytest.warns(UserWarning, match=r"the sandbox lacks mount-namespace, pid-namespace, network-namespace"):
        baseline = Grader(bare, cache_size=0).baseline
    assert baseline.passed == 0
    grader = Grader(bare, cache_size=0)
    daemon = "import os\ndef double(x):\n    while not os.fork():\n        os.setsid()\n    return 2 * x\n"
    assert grader.grade({"tiny.py": SOLVED}).all_passed
    assert grader.grade({"tiny.py": daemon}).all_passed
    assert "pid-namespace" not in grader.layers
    with pytest.raises(GraderError, match="needs mount-namespace"):
        _ = Grader(bare, isolation="strict").baseline
    server(sys.executable, ()).close()


def test_an_interpreter_without_pytest_is_no_zero(project: Project, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    with pytest.raises(GraderError, match=r"pytest cannot be imported by .*install pytest there"):
        _ = make_grader(project, python=str(python)).baseline


@pytest.mark.parametrize("script", ["exit 3", "kill -9 $$", "echo no memory >&2; exit 1"])
def test_an_interpreter_that_does_not_start_is_no_zero(project: Project, tmp_path: Path, script: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    with pytest.raises(GraderError, match=r"did not start: (exit code 3|SIGKILL|exit code 1 .no memory)"):
        _ = make_grader(project, python=str(python)).baseline


def test_a_full_disk_is_no_zero(project: Project, scratch: Path) -> None:
    grader = Grader(project, isolation="none", cache_size=0)
    _ = grader.baseline
    scratch.rmdir()
    with pytest.raises(GraderError, match=r"cannot grade tiny: .*No such file"):
        grader.grade({"tiny.py": SOLVED})
    scratch.mkdir()
    assert grader.grade({"tiny.py": SOLVED}).all_passed


TRAINER = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from blampert_env.grading import Grader
from blampert_env.projects import Project
from tests.grading.conftest import STUB, TESTS
project = Project.from_files("tiny", {"tiny.py": STUB, "test_tiny.py": TESTS})
grader = Grader(project, timeout_s=60, isolation=sys.argv[2])
grader.baseline
print("ready", flush=True)
grader.grade({"tiny.py": "import os, time\\nfor _ in range(3):\\n    if not os.fork(): os.setsid()\\ntime.sleep(60)"})
"""


@LINUX
@pytest.mark.slow
def test_a_killed_trainer_leaves_nothing(project: Project, scratch: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", TRAINER, str(scratch), "default"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=root) as trainer:
        assert trainer.stdout is not None
        assert trainer.stdout.readline() == b"ready\n"
        wait_until(lambda: len(evaluations_alive()) >= 5)
        running = evaluations_alive()
        trainer.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in running))
    wait_until(lambda: not processes_of(scratch))
    assert list(scratch.iterdir()) == []


def wait_until(condition: object) -> None:
    """Up to ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)
