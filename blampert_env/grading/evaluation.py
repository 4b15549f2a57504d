"""One evaluation: the project with the candidate's sources in a scratch folder, and pytest run over it once."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from blampert_env.errors import ProjectError
from blampert_env.grading.files import encode
from blampert_env.grading.process import Containment, Pipe, Run, run
from blampert_env.grading.scratch import scratch_folder
from blampert_env.projects import Project

Tests = Literal["visible", "held_out", "all"]

MEMORY = 2 * 2**30
LIMITS = {
    "RLIMIT_DATA": MEMORY,
    "RLIMIT_AS": 4 * MEMORY,  # also counts what is reserved and never used
    "RLIMIT_FSIZE": 16 * 2**20,
    "RLIMIT_NOFILE": 512,
    "RLIMIT_CORE": 0,
}
NICE = 2  # the trainer goes first; more would make the time limit depend on what else runs
_RUNNER = str(Path(__file__).with_name("_runner.py"))
_CONFIGS = (
    ("pytest.ini", b""),
    ("pyproject.toml", b"[tool.pytest"),
    ("tox.ini", b"[pytest]"),
    ("setup.cfg", b"[tool:pytest]"),
)  # in pytest's order, with what makes each its configuration


class RunnerFailed(Exception):
    """The run did not come as far as the project's code; one line says why."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What every evaluation of a project shares.

    Attributes:
        project: The project.
        tests: Which of its tests run.
        python: The interpreter.
        containment: How the processes are held.
    """

    project: Project
    tests: Tests
    python: str
    containment: Containment

    @property
    def test_files(self) -> list[str]:
        """Paths of the test files to run.

        Raises:
            ProjectError: There are none.
        """
        held_out = [path for path in self.project.held_out if _is_test(path)]
        chosen = {"visible": [*self.project.tests], "held_out": held_out, "all": [*self.project.tests, *held_out]}
        if not chosen[self.tests]:
            kind = "held-out " if self.tests == "held_out" else ""
            raise ProjectError(f"{self.project.name} has no {kind}tests: add a test_*.py file for pytest")
        return chosen[self.tests]

    def files(self, sources: Mapping[str, bytes]) -> dict[str, bytes]:
        """Every file of the scratch folder: protected ones are the project's, sources the candidate's."""
        project = self.project
        files = {**encode(project.sources), **encode(project.tests), **project.support}
        if self.tests != "visible":
            files.update(project.held_out)
        return files | {path: sources[path] for path in project.sources if path in sources}


def evaluate(setup: Setup, sources: Mapping[str, bytes], limit_s: float) -> Run:
    """Run the tests once, in a fresh folder and a fresh process, and leave nothing behind.

    Args:
        setup: What to run.
        sources: The candidate's files; only paths of the project's sources are looked at.
        limit_s: Seconds from the start of pytest.

    Raises:
        RunnerFailed: The runner did not start.
        OSError: No folder, file or process could be made.
    """
    with scratch_folder() as scratch, Pipe() as report:
        root = scratch / "project"
        files = setup.files(sources)
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        for name in ("home", "tmp"):
            (scratch / name).mkdir()
        token = secrets.token_hex(16)
        spec = _spec(setup, files, root, token, report.write_fd)
        (scratch / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        result = run(
            setup.containment,
            setup.python,
            ["-P", "-s", _RUNNER, str(scratch / "spec.json")],
            cwd=root,
            env=_environment(setup.python, scratch),
            report=report,
            token=token,
            limit_s=limit_s,
        )
        _check_started(result, setup.python)
        return _without_paths(result, root)


def _spec(setup: Setup, files: Mapping[str, bytes], root: Path, token: str, report_fd: int) -> dict[str, object]:
    """What the runner is told; it reads the file before any code of the project runs and removes it."""
    tests = setup.test_files
    folders = _import_folders(files, tests)
    return {
        "token": token,
        "report_fd": report_fd,
        "limits": LIMITS,
        "nice": NICE,
        "tests": tests,
        "path": [str(root / folder) for folder in folders],
        "config": next((name for name, mark in _CONFIGS if name in files and mark in files[name]), os.devnull),
        "plugins": sorted({_distribution(line) for line in setup.project.requirements} - {"pytest"}),
        "modules": _top_modules(setup.project.sources, folders),
    }


def _import_folders(files: Mapping[str, bytes], tests: Sequence[str]) -> list[str]:
    """Folders on ``sys.path``: the root, ``src/``, and of each test file the first folder above that is no package."""
    folders = ["."]
    if any(path.startswith("src/") for path in files) and "src/__init__.py" not in files:
        folders.append("src")
    for test in tests:
        folder = PurePosixPath(test).parent
        while str(folder) != "." and str(folder / "__init__.py") in files:
            folder = folder.parent
        folders.append(str(folder))
    return list(dict.fromkeys(folders))


def _top_modules(sources: Mapping[str, str], folders: Sequence[str]) -> dict[str, str]:
    """Top-level module name to the source file that it should come from."""
    modules: dict[str, str] = {}
    for path in sources:
        for folder in folders:
            if PurePosixPath(path).is_relative_to(folder):
                first = PurePosixPath(path).relative_to(folder).parts[0]
                modules.setdefault(first.removesuffix(".py"), path)
    return modules


def _environment(python: str, scratch: Path) -> dict[str, str]:
    """The whole environment of a run; nothing of the trainer's, where API keys are."""
    environment = {
        "PATH": os.pathsep.join([os.path.dirname(python), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(scratch / "home"),
        "TMPDIR": str(scratch / "tmp"),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TF_BUILD": "1",  # Hypothesis takes its CI profile: no random seeds, no deadline in milliseconds
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):  # some interpreters do not start without
        if name in os.environ:
            environment[name] = os.environ[name]
    return environment


def _check_started(result: Run, python: str) -> None:
    if result.records.of_kind("started"):
        return
    for record in result.records.of_kind("no_pytest"):
        raise RunnerFailed(f"pytest cannot be imported by {python} ({record.get('failure')}): install pytest there")
    last = result.output.strip().splitlines()
    why = last[-1] if last else result.killed or f"exit code {result.exit_code}"
    raise RunnerFailed(f"the test process of {python} did not start: {why}")


def _without_paths(result: Run, root: Path) -> Run:
    """The same run with paths in texts relative to the project."""
    for record in result.records.all:
        if isinstance(record.get("failure"), str):
            record["failure"] = record["failure"].replace(f"{root}{os.sep}", "").replace(str(root.parent), "…")
    return result


def _distribution(requirement: str) -> str:
    name = requirement.split(";")[0]
    for end in " <>=!~[(@":
        name = name.split(end)[0]
    return name.lower().replace("_", "-").replace(".", "-")


def _is_test(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))
