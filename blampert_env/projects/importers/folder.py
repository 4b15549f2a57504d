"""Writes what was imported as a project folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from blampert_env.errors import ProjectError, StorageError
from blampert_env.projects.project import Project, snake_case


def checked_folder(path: Path, destination: Path, kind: str) -> Path:
    """The folder to import from, resolved; it and the one to make must not be in each other's way.

    Args:
        path: The folder to import from.
        destination: The folder to make.
        kind: What the first is, in a word.

    Raises:
        ProjectError: It is none, or the destination exists or lies in it.
    """
    root = path.expanduser().resolve()
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise ProjectError(f"{path} {what}: give the folder of a {kind}")
    if destination.exists() or destination.is_symlink():
        raise ProjectError(f"{destination} exists already: choose another folder, or remove it")
    if root in destination.resolve().parents:
        raise ProjectError(f"{destination} lies in the {kind} itself: choose a folder outside of it")
    return root


def write_project(destination: Path, files: Mapping[str, bytes], root: Path | None = None) -> None:
    """Write a project whole or not at all: beside the destination first.

    Args:
        destination: The folder to make.
        files: Relative path to content.
        root: Where they come from; their modes are taken from there.

    Raises:
        StorageError: It cannot be written; nothing is left there.
    """
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{snake_case(destination.name)}-", dir=destination.parent) as scratch:
            made = Path(scratch, "project")
            for path, content in files.items():
                goal = made / path
                goal.parent.mkdir(parents=True, exist_ok=True)
                goal.write_bytes(content)
                if root is not None and (root / path).is_file():
                    shutil.copymode(root / path, goal)
            made.rename(destination)
    except OSError as error:
        raise StorageError(f"cannot write {destination}: {error.strerror or error}; nothing was left there") from error


def project_files(project: Project, solution: Mapping[str, str]) -> dict[str, bytes]:
    """Every file of a project that is in memory, held-out tests included, and its solution's."""
    files: dict[str, str | bytes] = {**project.sources, **project.tests, **project.support, **project.held_out}
    files |= {f"solution/{path}": text for path, text in solution.items()}
    return {path: content.encode() if isinstance(content, str) else content for path, content in files.items()}
