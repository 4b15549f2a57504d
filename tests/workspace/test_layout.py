from __future__ import annotations

import json
from pathlib import Path

import pytest

from blampert_env.errors import UsageError
from blampert_env.workspace import Workspace, find_workspace, load_config, require_workspace
from blampert_env.workspace.layout import FOLDERS, workspace_at


def write_config(folder: Path, **workspace: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "agent_config.json").write_text(json.dumps({"workspace": workspace}))


def test_the_guides_layout_and_nothing_else(workspace: Workspace) -> None:
    guide = {"venv", "projects", "data", "streaming", "logs", "models", "agent_config.json"}
    assert {path.name for path in workspace.root.iterdir()} == guide
    assert {getattr(workspace, name) for name in FOLDERS} == {workspace.root / name for name in FOLDERS}
    assert {path.name for path in workspace.projects.iterdir()} == {"calculator", "math_operations", "data_processor"}


def test_none_where_there_is_none(home: Path) -> None:
    assert find_workspace() is None
    assert workspace_at().root == home / ".blampert_workspace"
    assert list(home.iterdir()) == []


def test_path_goes_before_environment_before_default(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (".blampert_workspace", "b", "c"):
        write_config(home / name)
    found = [find_workspace()]
    monkeypatch.setenv("BLAMPERT_WORKSPACE", "~/b")
    found += [find_workspace(), find_workspace("~/c"), find_workspace(home / "c")]
    assert [place and place.root for place in found] == [home / n for n in (".blampert_workspace", "b", "c", "c")]


def test_the_default_never_stands_in_for_one_that_was_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(home / ".blampert_workspace")
    assert find_workspace(home / "other") is None
    monkeypatch.setenv("BLAMPERT_WORKSPACE", str(home / "other"))
    assert find_workspace() is None


@pytest.mark.parametrize(("path", "command"), [(None, "create`"), ("x", "create --path {home}/x`")])
def test_require_says_how_to_make_it(home: Path, path: str | None, command: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_workspace(home / path if path else None)
    assert f"`blampert workspace {command.format(home=home)}" in str(caught.value)


def test_a_home_that_is_not_there_is_one_line() -> None:
    with pytest.raises(UsageError, match="there is no such home folder"):
        find_workspace("~nobody-of-this-name/ws")


def test_workspace_root_moves_everything_but_the_settings(home: Path) -> None:
    write_config(home / "ws", root="../big")
    place = find_workspace(home / "ws")
    assert place is not None
    assert (place.root, place.config_path) == (home / "big", home / "ws" / "agent_config.json")
    assert (place.venv, place.projects, place.folder) == (home / "big/venv", home / "big/projects", home / "ws")
    load_config(place)


@pytest.mark.parametrize(("value", "expected"), [("code", "ws/code"), ("~/mine", "mine"), ("../near", "near")])
def test_workspace_projects_may_lie_elsewhere(home: Path, value: str, expected: str) -> None:
    write_config(home / "ws", projects=value)
    place = find_workspace(home / "ws")
    assert place is not None
    assert (place.root, place.projects) == (home / "ws", home / expected)


def test_the_guides_own_settings_mean_the_default_place(home: Path) -> None:
    folder = "~/.blampert_workspace"
    write_config(home / ".blampert_workspace", root=folder, projects=f"{folder}/projects")
    assert find_workspace() == Workspace(home / ".blampert_workspace")
