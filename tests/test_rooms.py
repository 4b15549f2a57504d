"""Who may import whom, and what an import may load (DESIGN: Rooms)."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
JAIL = ROOT / "blampert_env" / "grading" / "blampert_jail"
LEAVES = {"errors", "resources", "atomic", "parsing", "quality"}
MAY_IMPORT = {
    "projects": set(),
    "editing": {"projects"},
    "grading": {"projects", "editing"},
    "lm": set(),
    "coding": {"projects", "editing", "lm"},
    "envs": {"projects", "editing", "grading", "lm", "coding", "rewards"},
    "telemetry": set(),
    "workspace": {"projects", "grading", "lm", "envs"},
}
FORBIDDEN = {
    "projects": {"gymnasium", "dspy"},
    "editing": {"gymnasium", "dspy"},
    "grading": {"gymnasium", "dspy"},
    "telemetry": {"gymnasium", "dspy", "torch"},
}


def imports(folder: Path) -> set[str]:
    """Every module named by an import statement below ``folder``, wherever it stands."""
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        if file.name == "__main__.py":
            continue  # a way in from the command line: it composes rooms
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                # the jail's processes know their package by another name
                assert node.level == 0 or JAIL in file.parents, f"{file}: relative import"
                found.add("" if node.level else node.module or "")
    return found


def test_the_jail_knows_nothing_of_blampert() -> None:
    assert not {name for name in imports(JAIL) if name.startswith("blampert")} - {"blampert_jail", "blampert_jail.base"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    named = imports(ROOT / "blampert_env" / room)
    rooms = {name.split(".")[1] for name in named if name.startswith("blampert_env.")} - {room} - LEAVES
    assert rooms <= MAY_IMPORT[room]
    assert not {name.split(".")[0] for name in named} & FORBIDDEN.get(room, set())
    assert "blampert_agents" not in {name.split(".")[0] for name in named}


def test_agents_know_neither_grading_nor_lm() -> None:
    named = {name for name in imports(ROOT / "agents" / "blampert_agents") if name.startswith("blampert_env")}
    assert {name.split(".")[1] for name in named} <= LEAVES


HEAVY = ("dspy", "torch", "litellm", "stable_baselines3", "sb3_contrib", "xllamacpp", "pytest", "tensorboard", "ray")


@pytest.mark.parametrize("module", ["blampert_env", "blampert_env.cli", "blampert_agents", "blampert_env.train"])
def test_importing_is_cheap_and_silent_and_creates_nothing(module: str, tmp_path: Path) -> None:
    code = f"import {module}, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={
            "HOME": str(tmp_path),
            "PATH": "",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'agents'}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    assert done.stdout == "[]\n"
    assert done.stderr == ""
    assert not list(tmp_path.iterdir())
