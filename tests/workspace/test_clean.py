from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from blampert_env.errors import UsageError
from blampert_env.training.run_folder import RunFolder
from blampert_env.workspace import Workspace
from blampert_env.workspace.clean import carry_out, plan
from blampert_env.workspace.info import health


@pytest.fixture
def used(workspace: Workspace) -> Workspace:
    """A workspace that was worked in."""
    for path in (
        "logs/thompson_1/config.json",
        "logs/thompson_1/best/calculator/calculator.py",
        "logs/train.log",
        "models/thompson_1.zip",
        "data/learning.json",
        "streaming/bus.db",
        "projects/calculator/__pycache__/calculator.pyc",
        "projects/calculator/.pytest_cache/README.md",
        "projects/.blampert-draft-x.1/x.py",
        "projects/.git/objects/__pycache__/x",
    ):
        (workspace.root / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace.root / path).write_text("{}")
    return workspace


def clean(workspace: Workspace, parts: Sequence[str] = (), *, everything: bool = False) -> set[str]:
    """Clean; what went, as relative paths."""
    what = plan(workspace, parts, everything=everything)
    assert carry_out(what) == len(what.paths)
    assert not any(path.exists() or path.is_symlink() for path in what.paths)
    return {path.relative_to(workspace.root).as_posix() for path in what.paths}


CACHE = {"projects/calculator/__pycache__", "projects/calculator/.pytest_cache", "projects/.blampert-draft-x.1"}


@pytest.mark.parametrize(
    ("parts", "gone"),
    [
        (["runs"], {"logs/thompson_1"}),
        (["logs"], {"logs/train.log"}),
        (["cache"], CACHE),
        (["runs", "logs", "cache"], {"logs/thompson_1", "logs/train.log", *CACHE}),
    ],
)
def test_a_part_is_all_that_goes(parts: list[str], gone: set[str], used: Workspace) -> None:
    assert clean(used, parts) == gone
    assert clean(used, parts) == set()
    assert (used.projects / "calculator" / "calculator.py").is_file()


def test_all_keeps_what_cannot_be_made_again(used: Workspace) -> None:
    gone = clean(used, everything=True)
    assert {"models/thompson_1.zip", "data/learning.json", "streaming/bus.db", "logs/thompson_1"} <= gone
    assert used.marker.is_file()
    assert (used.projects / ".git/objects/__pycache__/x").is_file()
    assert health(used) == [], "projects, venv and settings are as they were"


def test_a_folder_that_is_no_workspace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "mine.log").write_text("x")
    (tmp_path / "agent_config.json").write_text("{}")
    with pytest.raises(UsageError, match=r"is not a workspace .* nothing was removed"):
        plan(Workspace(tmp_path), ["logs"])
    assert (tmp_path / "logs" / "mine.log").is_file()


def test_links_are_removed_and_never_followed(used: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "__pycache__").mkdir(parents=True)
    (outside / "config.json").write_text("{}")
    (used.logs / "thompson_9").symlink_to(outside)
    (used.logs / "thompson_1" / "link").symlink_to(outside)
    (used.projects / "linked").symlink_to(outside)
    (used.models / "loop.zip").symlink_to("loop.zip")
    clean(used, everything=True)
    assert {path.name for path in outside.iterdir()} == {"__pycache__", "config.json"}
    assert not (used.logs / "thompson_9").is_symlink()
    assert (used.projects / "linked").is_symlink()


@pytest.mark.parametrize("name", ["logs", "data", "models"])
def test_a_linked_folder_is_refused(name: str, used: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (used.root / name).rename(outside)
    (used.root / name).symlink_to(outside)
    before = sorted(outside.rglob("*"))
    with pytest.raises(UsageError, match="is a link"):
        plan(used, [], everything=True)
    assert sorted(outside.rglob("*")) == before


def test_caches_of_projects_elsewhere_are_not_ours(used: Workspace, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "a" / "__pycache__").mkdir(parents=True)
    assert clean(Workspace(used.root, projects_folder=elsewhere), ["cache"]) == set()
    assert (elsewhere / "a" / "__pycache__").is_dir()


def test_a_run_that_is_trained_in_stays(used: Workspace) -> None:
    (used.logs / "thompson_2").mkdir()
    (used.logs / "thompson_2" / "config.json").write_text("{}")
    (used.models / "thompson_2.zip").write_text("x")
    with RunFolder(used.logs / "thompson_2").in_use():
        gone = clean(used, everything=True)
        assert gone == {"logs/thompson_1", "logs/train.log", "models/thompson_1.zip", *CACHE}
    assert "logs/thompson_2" in clean(used, ["runs"])


def test_a_run_that_came_into_use_after_the_question_stays(used: Workspace) -> None:
    run = RunFolder(used.logs / "thompson_1")
    with run.in_use():
        pass
    what = plan(used, ["runs"])
    with run.in_use():
        assert carry_out(what) == 0
    assert (run.path / "config.json").is_file()
