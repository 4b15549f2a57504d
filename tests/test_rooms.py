"""Who may import whom, and what an import may load (DESIGN: Rooms)."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
JAIL = ROOT / "blampert_env" / "grading" / "jail"
LEAVES = {"errors", "resources", "atomic", "parsing", "quality", "commands"}
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
                found.update(f"{node.module}.{alias.name}" for alias in node.names if node.module == "blampert_env")
    return found


def test_the_jail_knows_nothing_of_blampert() -> None:
    assert not {name for name in imports(JAIL) if name.startswith("blampert")} - {
        "blampert_jail.stages.base",
        "blampert_jail.stages.runner",
    }


ORDER = ("walls", "wire", "stages")


@pytest.mark.parametrize("number", range(len(ORDER)), ids=ORDER)
def test_rooms_of_the_jail_import_only_those_before_them(number: int) -> None:
    for file in (JAIL / ORDER[number]).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 2 and node.module:
                room = node.module.split(".")[0]
                assert room not in ORDER[number + 1 :], f"{file.name} imports {node.module}"


def graph(folder: Path) -> dict[Path, set[Path]]:
    """File to the files of the same folder that it imports, wherever the import stands."""
    found: dict[Path, set[Path]] = {}
    for file in folder.rglob("*.py"):
        names: set[Path] = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                base = file.parents[node.level - 1] if node.level else ROOT
                place = base.joinpath(*(node.module or "").split(".")) if node.module else base
                names |= {place.with_suffix(".py"), *(place / f"{alias.name}.py" for alias in node.names)}
        found[file] = {name for name in names if name.is_file() and name.is_relative_to(folder)} - {file}
    return found


def test_nobody_imports_the_commands() -> None:
    """What composes them, ``__main__`` files, aside."""
    for folder in (ROOT / "blampert_env").iterdir():
        if folder.is_dir() and folder.name not in ("cli", "__pycache__"):
            assert not {name for name in imports(folder) if name.startswith("blampert_env.cli")}, folder.name
    for file in (ROOT / "blampert_env").glob("*.py"):
        assert "blampert_env.cli" not in file.read_text(), file.name


@pytest.mark.parametrize("room", [*MAY_IMPORT, "training", "cli"])
def test_no_two_files_import_each_other(room: str) -> None:
    imported = graph(ROOT / "blampert_env" / room)
    order: list[Path] = []

    def visit(file: Path, above: tuple[Path, ...]) -> None:
        assert file not in above, " -> ".join(part.name for part in (*above[above.index(file) :], file))
        if file not in order:
            for other in sorted(imported[file]):
                visit(other, (*above, file))
            order.append(file)

    for file in sorted(imported):
        visit(file, ())
    assert len(order) == len(imported) > 5


@pytest.mark.parametrize("room", ["grading", "projects", "editing"])
def test_a_file_is_no_longer_than_one_idea(room: str) -> None:
    lengths = {file.name: len(file.read_text().splitlines()) for file in (ROOT / "blampert_env" / room).rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


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
