from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from blampert_env.errors import ConfigError, UsageError
from blampert_env.workspace import Workspace, load_config
from blampert_env.workspace.create import create
from blampert_env.workspace.folders import project_folders
from blampert_env.workspace.info import health
from blampert_env.workspace.venv import problem


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "venv" not in path.parts
    }


def test_a_second_create_changes_nothing(workspace: Workspace) -> None:
    before = contents(workspace.root)
    report = create()
    assert report.existed
    assert (report.made, report.copied, report.venv.built, report.venv.installed) == ([], [], None, [])
    after = contents(workspace.root)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() <= {"data/.workspace.lock", "data/.venv.lock"}


def test_create_mends_and_never_overwrites(workspace: Workspace) -> None:
    source = workspace.projects / "calculator" / "calculator.py"
    source.write_text(source.read_text().replace("# TODO", "# TODO mine:"))
    (workspace.models / "thompson_1.zip").write_bytes(b"policy")
    workspace.config_path.write_text('{"agent": {"seed": 4}}')
    shutil.rmtree(workspace.streaming)
    shutil.rmtree(workspace.projects / "data_processor")
    assert health(workspace) == ["streaming/ missing: mend it with `blampert workspace create`"]
    report = create()
    assert (report.made, report.copied) == (["streaming/"], ["data_processor"])
    assert "# TODO mine:" in source.read_text()
    assert (workspace.models / "thompson_1.zip").read_bytes() == b"policy"
    assert load_config(workspace).agent.seed == 4
    assert health(workspace) == []


def test_settings_that_were_removed_come_back(workspace: Workspace) -> None:
    workspace.config_path.unlink()
    workspace.marker.unlink()
    workspace.config_path.write_text("{}")
    assert create().made == ["data/"]
    assert workspace.marker.is_file()


@pytest.mark.parametrize("content", ['{"agent": ', '{"agnet": {}}'])
def test_wrong_settings_are_not_replaced(content: str, workspace: Workspace) -> None:
    workspace.config_path.write_text(content)
    with pytest.raises(ConfigError):
        create()
    assert workspace.config_path.read_text() == content


def test_a_folder_with_other_files_is_refused_and_left_alone(home: Path) -> None:
    (home / "code").mkdir()
    (home / "code" / "main.py").write_text("print(1)\n")
    with pytest.raises(UsageError, match=r"holds other files \(main.py\)"):
        create(home / "code")
    assert [path.name for path in (home / "code").iterdir()] == ["main.py"]
    with pytest.raises(UsageError, match="is a file"):
        create(home / "code" / "main.py")


@pytest.mark.parametrize("mend", ["rm stamp", "rm python", "rm venv", "moved"])
def test_a_broken_venv_is_noticed(mend: str, workspace: Workspace) -> None:
    folders = project_folders(workspace)
    assert problem(workspace, folders) is None
    if mend == "rm stamp":
        (workspace.venv / ".blampert.json").unlink()
    elif mend == "rm python":
        workspace.python.unlink()
    elif mend == "rm venv":
        shutil.rmtree(workspace.venv)
    else:
        workspace.root.rename(workspace.root.parent / "moved")
        workspace = Workspace(workspace.root.parent / "moved")
        assert problem(workspace, project_folders(workspace), moved_matters=False) is None
    said = problem(workspace, project_folders(workspace))
    assert said is not None
    assert "mend it with `blampert workspace create" in said


def test_a_requirement_that_was_added_is_noticed(workspace: Workspace) -> None:
    (workspace.projects / "calculator" / "requirements.txt").write_text("pytest>=8.3\nattrs\n")
    said = problem(workspace, project_folders(workspace))
    assert said is not None
    assert "lacks the requirements of calculator: install them with" in said


def test_a_link_for_a_venv_is_not_removed(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    shutil.rmtree(workspace.venv)
    workspace.venv.symlink_to(outside)
    with pytest.raises(UsageError, match="no folder of this workspace"):
        create()
    assert (outside / "precious").read_text() == "x"


@pytest.mark.slow
def test_offline_is_one_line_and_the_rest_is_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_NO_CACHE_DIR": "1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError) as caught:
        create(home / "ws")
    said = str(caught.value)
    assert "no package index answers (offline?): connect to the network; then `blampert workspace create" in said
    assert "\n" not in said
    assert sorted(path.name for path in (home / "ws" / "projects").iterdir())[0] == "calculator"


@pytest.mark.slow
def test_a_real_one_moved_and_copied_with_a_requirement_that_cannot_be_had(home: Path, tmp_path: Path) -> None:
    """One story, as the virtual environment takes seconds: made, moved, copied; with a wrong requirement dropped in."""
    report = create(home / "ws")
    assert any(line.startswith("pytest ") for line in report.venv.installed)
    assert report.copied == ["calculator", "data_processor", "math_operations"]
    place = report.workspace
    has = subprocess.run([place.venv / "bin" / "pip", "--version"], capture_output=True, text=True, check=True)
    assert str(place.venv) in has.stdout
    probe = [place.python, "-c", "import importlib.util as u; print(u.find_spec('blampert_env'), u.find_spec('torch'))"]
    seen = subprocess.run(probe, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert seen.stdout == "None None\n", "the tests see nothing of the trainer"

    moved = Workspace(home / "moved")
    place.root.rename(moved.root)
    written = [path for path in moved.root.rglob("*") if path.is_file() and "venv" not in path.parts]
    assert [path for path in written if str(home).encode() in path.read_bytes()] == []
    for name, requirement in (("good", "attrs"), ("bad", "no-such-package-of-blampert>=1")):
        shutil.copytree(moved.projects / "calculator", moved.projects / name)
        (moved.projects / name / "requirements.txt").write_text(f"{requirement}\n")
    report = create(moved.root)
    assert report.venv.built is not None
    assert "was moved here from" in report.venv.built
    assert any(line.startswith("attrs ") for line in report.venv.installed)
    assert list(report.venv.failed) == ["bad"]
    assert "no-such-package-of-blampert" in report.venv.failed["bad"]
    subprocess.run([moved.venv / "bin" / "pytest", "--version"], capture_output=True, check=True)
    assert problem(moved, {"good": moved.projects / "good"}) is None

    shutil.rmtree(moved.projects / "bad")
    shutil.copytree(moved.root, home / "copy", symlinks=True)
    copy = create(home / "copy")
    assert copy.venv.built is not None
    assert sorted(copy.workspace.projects.iterdir())[0].name == "calculator"
    assert health(copy.workspace) == []
    assert json.loads((moved.venv / ".blampert.json").read_text())["path"] == str(moved.venv)


_CREATE = "import sys; from blampert_env.workspace.create import create; r = create(sys.argv[1]); print(len(r.copied))"


@pytest.mark.slow
def test_eight_processes_create_at_once(home: Path) -> None:
    command = [sys.executable, "-c", _CREATE, str(home / "ws")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    printed = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0] * 8
    assert sorted(printed) == ["0\n"] * 7 + ["3\n"], "one copied the projects, the others found them"
    assert health(Workspace(home / "ws")) == []
    assert not list((home / "ws" / "projects").glob(".*"))
