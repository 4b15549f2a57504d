"""The runs and policies of a workspace, as their folders tell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blampert_env.workspace.layout import Workspace

RUN_CONFIG, RUN_STATE, RUN_LOCK = "config.json", "state.json", ".lock"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run.

    Attributes:
        path: Its folder.
        algo: Its algorithm; empty if ``config.json`` cannot be read.
        iterations: Iterations that are done.
        timesteps: Steps of training.
        projects: Name to ``before``, ``after`` and ``total``: visible tests passed untouched, by the best code, of all.
        in_use: A process trains in it now.
        damaged: Why it cannot be read; None if it can.
    """

    path: Path
    algo: str = ""
    iterations: int = 0
    timesteps: int = 0
    projects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    in_use: bool = False
    damaged: str | None = None

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name


def is_run(path: Path) -> bool:
    """Whether a folder is a run: links are none."""
    return not path.is_symlink() and path.is_dir() and (path / RUN_CONFIG).is_file()


def list_runs(workspace: Workspace) -> list[RunSummary]:
    """Every run of the workspace, oldest first."""
    if not workspace.logs.is_dir():
        return []
    folders = [path for path in workspace.logs.iterdir() if is_run(path)]
    return [_summary(path) for path in sorted(folders, key=lambda path: ((path / RUN_CONFIG).stat().st_mtime, path))]


def list_policies(workspace: Workspace) -> list[Path]:
    """The policies in ``models/``, by name."""
    return sorted(workspace.models.glob("*.zip")) if workspace.models.is_dir() else []


@contextmanager
def held(run: Path) -> Iterator[bool]:
    """Hold a run's lock if it is free; gives whether it is. A run that was never locked is free, and stays as it is."""
    from filelock import FileLock, Timeout

    if not (run / RUN_LOCK).exists():
        yield True
        return
    lock = FileLock(run / RUN_LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _summary(path: Path) -> RunSummary:
    try:
        with held(path) as free:
            in_use = not free
        config = json.loads((path / RUN_CONFIG).read_bytes())
        state = json.loads((path / RUN_STATE).read_bytes()) if (path / RUN_STATE).is_file() else {}
        projects = {
            str(name): {key: int(row[key]) for key in ("before", "after", "total")}
            for name, row in state.get("projects", {}).items()
        }
        return RunSummary(
            path,
            algo=str(config["algo"]),
            iterations=int(state.get("iteration", 0)),
            timesteps=int(state.get("timesteps", 0)),
            projects=projects,
            in_use=in_use,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return RunSummary(path, damaged=f"{type(error).__name__}: {error}")
