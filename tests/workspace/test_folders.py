"""Drop a folder in and it is there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.workspace import Workspace
from blampert_env.workspace.folders import clashes, project_folders
from blampert_env.workspace.template import new_project


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Runs in a process of its own: ids are registered when the package is imported."""
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)


def test_a_dropped_in_folder_is_an_environment(workspace: Workspace, lend_venv: Callable[[Workspace], None]) -> None:
    folder = new_project("word_tools", workspace.projects)
    lend_venv(workspace)
    code = f"""
import gymnasium as gym, json
env = gym.make("blampert_env:Blampert-WordTools-v0", actions="edit")
env.reset(seed=0)
*_, info = env.step(open({str(folder / "solution" / "word_tools.py")!r}).read())
print(json.dumps([info["tests_passed"], info["tests_total"], env.unwrapped.grader.python, env.spec.to_json()]))
"""
    done = python(code)
    assert done.returncode == 0, done.stderr
    passed, total, interpreter, spec = json.loads(done.stdout)
    assert (passed, total) == (4, 4)
    assert Path(interpreter) == workspace.python
    assert json.loads(spec)["kwargs"]["project"] == str(folder)


def test_requirements_that_are_not_installed_are_said(workspace: Workspace) -> None:
    new_project("word_tools", workspace.projects)
    done = python("import blampert_env, gymnasium as gym; gym.make('Blampert-WordTools-v0')")
    assert "lacks the requirements of word_tools: install them with `blampert workspace create`" in done.stderr


def test_bundled_names_keep_their_meaning(workspace: Workspace) -> None:
    (workspace.projects / "calculator" / "calculator.py").write_text("def add():\n    # TODO: x\n    pass\n")
    done = python("import blampert_env, gymnasium as gym; print(gym.spec('Blampert-Calculator-v0').kwargs)")
    assert done.stdout == "{'project': 'calculator'}\n"


@pytest.mark.parametrize("what", ["empty folder", "broken settings", "no projects", "unreadable names"])
def test_nothing_in_a_workspace_breaks_the_import(what: str, workspace: Workspace) -> None:
    if what == "empty folder":
        (workspace.projects / "nothing").mkdir()
    elif what == "broken settings":
        workspace.config_path.write_text("{")
    elif what == "no projects":
        shutil.rmtree(workspace.projects)
    else:
        (workspace.projects / "Ünïcode & so on").mkdir()
        (workspace.projects / "--").mkdir()
    done = python("import blampert_env; print('fine')")
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_a_user_without_a_home_can_import() -> None:
    homeless = "import os, pwd; os.environ.pop('HOME', None); pwd.getpwuid = {}.__getitem__; "
    done = python(f"import warnings; warnings.simplefilter('default'); {homeless}import blampert_env; print('fine')")
    assert done.stdout == "fine\n"
    assert "the workspace's projects are not registered" in done.stderr
    done = python(f"{homeless}os.environ['BLAMPERT_WORKSPACE'] = '/nowhere'; import blampert_env; print('fine')")
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_importing_makes_nothing(workspace: Workspace) -> None:
    before = sorted(workspace.root.rglob("*"))
    assert python("import blampert_env").returncode == 0
    assert sorted(workspace.root.rglob("*")) == before


def test_two_folders_of_one_name(workspace: Workspace) -> None:
    for name in ("my-app", "my_app", "_private", ".hidden"):
        (workspace.projects / name).mkdir()
    assert project_folders(workspace)["my_app"].name == "my-app"
    assert [folder.name for folder in clashes(workspace)] == ["my_app"]
    assert not {"private", "hidden"} & project_folders(workspace).keys()
