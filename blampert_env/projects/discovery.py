"""Which projects there are, and what their environments are called."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from blampert_env.errors import ProjectError, unknown_name
from blampert_env.projects.project import snake_case
from blampert_env.resources import data_dir


def bundled_projects() -> dict[str, Path]:
    """Name to folder of the projects that ship with Blampert, sorted by name."""
    folders = (path for path in data_dir("projects").iterdir() if path.is_dir())
    return {path.name: path for path in sorted(folders) if not path.name.startswith((".", "_"))}


def find_project(name_or_path: str | Path, extra: Mapping[str, Path] | None = None) -> Path:
    """The folder of a project.

    Args:
        name_or_path: A name (of ``extra``, then of the bundled ones; ``-`` counts as ``_``), else an existing folder.
        extra: More names, such as the projects of a workspace.

    Raises:
        ProjectError: There is no such name or folder; the closest name is given.
    """
    known = {**bundled_projects(), **(extra or {})}
    if isinstance(name_or_path, str) and "/" not in name_or_path and os.sep not in name_or_path:
        for name in (name_or_path, snake_case(name_or_path)):
            if name in known:
                return Path(known[name])
    path = Path(name_or_path).expanduser()
    if path.is_dir() and str(name_or_path):
        return path
    if path.is_file():
        raise ProjectError(f"{name_or_path} is a file: give the folder that holds the project")
    raise ProjectError(unknown_name("project or folder", str(name_or_path), known))


def env_id(name: str) -> str:
    """``"math_operations"`` to ``"Blampert-MathOperations-v0"``."""
    words = snake_case(name).split("_")
    return f"Blampert-{''.join(word[:1].upper() + word[1:] for word in words)}-v0"
