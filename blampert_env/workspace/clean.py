"""Removes what runs and tests left in a workspace, and nothing else.

Links are removed, never followed; a run that a process trains in stays; without the workspace's marker nothing goes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from blampert_env.errors import StorageError, UsageError
from blampert_env.workspace.config import load_config
from blampert_env.workspace.create import DRAFT
from blampert_env.workspace.layout import Workspace, create_command
from blampert_env.workspace.runs import held, is_run

PARTS = {
    "runs": "run folders in logs/",
    "logs": "what else lies in logs/",
    "cache": "__pycache__, .pytest_cache and the like in projects/, and left-over temporary files",
}
ALL = "runs, logs, cache, and whatever lies in models/, data/ and streaming/; projects/, venv/ and settings stay"
_CACHES = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis")


@dataclass(frozen=True, slots=True)
class Plan:
    """What would go.

    Attributes:
        workspace: Whose.
        paths: Files, folders and links, each below the workspace.
        size: Bytes in them.
        kept: Runs that stay, as a process trains in them.
    """

    workspace: Workspace
    paths: tuple[Path, ...]
    size: int
    kept: tuple[Path, ...]


def plan(workspace: Workspace, parts: Iterable[str], *, everything: bool = False) -> Plan:
    """Look what there is to remove; nothing is touched.

    Args:
        workspace: Which.
        parts: Keys of :data:`PARTS`.
        everything: All of them, and models, data and streaming.

    Raises:
        UsageError: The folder is no workspace, or one of its folders is a link.
    """
    if not workspace.marker.is_file():
        raise UsageError(
            f"{workspace} is not a workspace ({workspace.marker} is missing), nothing was removed: if it is one, run "
            f"`{create_command(workspace)}` first"
        )
    load_config(workspace)
    chosen = set(PARTS) if everything else set(parts)
    logs = list(_entries(workspace.logs))
    runs = [path for path in logs if is_run(path)]
    kept = tuple(path for path in runs if _in_use(path))
    paths: list[Path] = []
    if "runs" in chosen:
        paths += [path for path in runs if path not in kept]
    if "logs" in chosen:
        paths += [path for path in logs if path not in runs]
    if "cache" in chosen:
        paths += _caches(workspace)
    if everything:
        locks = {path for path in _entries(workspace.data) if path.suffix == ".lock"}
        stay = {workspace.marker, *locks, *(workspace.models / f"{run.name}.zip" for run in kept)}
        # a process that trains writes to data and streaming, too
        for folder in (workspace.models, *(() if kept else (workspace.data, workspace.streaming))):
            paths += [path for path in _entries(folder) if path not in stay]
    return Plan(workspace, tuple(paths), sum(map(size_of, paths)), kept)


def carry_out(what: Plan) -> int:
    """Remove it; what is gone already is fine, and so is a run that came into use meanwhile: it stays.

    Returns:
        How many of the paths are gone.

    Raises:
        StorageError: Something could not be removed; what is left is named.
    """
    removed = 0
    with what.workspace.lock():
        for path in what.paths:
            try:
                if path.is_symlink() or not path.is_dir():
                    path.unlink(missing_ok=True)
                elif is_run(path):
                    with held(path) as free:
                        if not free:
                            continue
                        shutil.rmtree(path)
                else:
                    shutil.rmtree(path)
                removed += 1
            except FileNotFoundError:
                removed += 1
            except OSError as error:
                raise StorageError(f"cannot remove {path}: {error.strerror}; remove it by hand") from error
    return removed


def size_of(path: Path) -> int:
    """Bytes of a file or of everything below a folder; links count as themselves."""
    total = path.lstat().st_size if not path.is_dir() or path.is_symlink() else 0
    for folder, _, names in os.walk(path) if not path.is_symlink() else ():
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                continue  # removed since
    return total


def _entries(folder: Path) -> Iterator[Path]:
    """What lies in a folder of the workspace, by name.

    Raises:
        UsageError: The folder is a link, which leads who knows where.
    """
    if folder.is_symlink():
        raise UsageError(f"{folder} is a link to {os.readlink(folder)}, which is not followed: clean that by hand")
    if folder.is_dir():
        yield from sorted(folder.iterdir())


def _in_use(run: Path) -> bool:
    with held(run) as free:
        return not free


def _caches(workspace: Workspace) -> list[Path]:
    """Caches and drafts below ``projects/``, found without following a link."""
    projects = workspace.projects
    if not projects.resolve().is_relative_to(workspace.root.resolve()):
        return []  # agent_config.json, or a link, puts them elsewhere: not ours to clean
    found = []
    for folder, folders, _ in os.walk(projects):
        here = Path(folder)
        unwanted = [name for name in folders if name in _CACHES or (here == projects and name.startswith(DRAFT))]
        found += [here / name for name in unwanted]
        folders[:] = [name for name in folders if name not in unwanted and name != ".git"]
    return sorted(path for path in found if not path.is_symlink())
