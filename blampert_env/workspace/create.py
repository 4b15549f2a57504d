"""Makes a workspace, or mends one: what is missing comes back, what is there stays as it is."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from blampert_env.atomic import atomic_write_text
from blampert_env.errors import StorageError, UsageError
from blampert_env.workspace.config import AgentConfig, load_config
from blampert_env.workspace.folders import project_folders
from blampert_env.workspace.layout import CONFIG_NAME, FOLDERS, Workspace, workspace_at
from blampert_env.workspace.venv import VenvReport, ensure

DRAFT = ".blampert-draft-"
_MARKER_TEXT = "This folder is a workspace of Blampert; `blampert workspace clean` works only where this file is.\n"


@dataclass(slots=True)
class CreateReport:
    """What was done.

    Attributes:
        workspace: Where.
        existed: There was a workspace before.
        made: Folders and files that were missing, as relative paths.
        copied: Bundled projects that were put into ``projects/``.
        venv: What was done to the virtual environment.
        seconds: Wall-clock time.
    """

    workspace: Workspace
    existed: bool
    made: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    venv: VenvReport = field(default_factory=VenvReport)
    seconds: float = 0.0


def create(path: str | Path | None = None, say: Callable[[str], None] = lambda line: None) -> CreateReport:
    """Make the workspace at ``path``, at ``$BLAMPERT_WORKSPACE`` or at the default place; mend it if it is there.

    Several processes may ask at once: one works, the others wait and find nothing left to do.

    Args:
        path: The folder; made if missing.
        say: Called with a line before something that takes time.

    Raises:
        UsageError: The folder holds something else, or its settings are wrong; nothing was changed.
        StorageError: It cannot be written; what was there is untouched.
    """
    started = time.perf_counter()
    workspace = workspace_at(path)
    report = CreateReport(workspace, existed=workspace.exists)
    if workspace.exists:
        load_config(workspace)
    for folder in {workspace.folder, workspace.root}:
        _check_folder(folder, known=workspace.exists)
    with _errors(workspace):
        workspace.data.mkdir(parents=True, exist_ok=True)
        with workspace.lock():
            make_layout(workspace, report)
            copy_projects(workspace, report)
    report.venv = ensure(workspace, project_folders(workspace), say)
    report.seconds = time.perf_counter() - started
    return report


def make_layout(workspace: Workspace, report: CreateReport) -> None:
    """Make the folders, the marker and the settings that are missing."""
    for folder in (getattr(workspace, name) for name in FOLDERS if name != "venv"):
        if not folder.is_dir():
            folder.mkdir(parents=True)
            report.made.append(f"{folder.name}/")
    if not workspace.marker.is_file():
        atomic_write_text(workspace.marker, _MARKER_TEXT)
        if "data/" not in report.made:
            report.made.append("data/")
    if not workspace.config_path.is_file():
        atomic_write_text(workspace.config_path, json.dumps(AgentConfig().to_json(), indent=2) + "\n")
        report.made.append(CONFIG_NAME)


def copy_projects(workspace: Workspace, report: CreateReport) -> None:
    """Copy bundled projects that are missing: whole, then renamed, so that a kill leaves no half of one."""
    from blampert_env.projects import bundled_projects

    there = project_folders(workspace)
    for name, source in bundled_projects().items():
        if name in there:
            continue
        draft = workspace.projects / f"{DRAFT}{name}.{secrets.token_hex(4)}"
        try:
            shutil.copytree(source, draft, ignore=shutil.ignore_patterns("__pycache__", ".*_cache", "*.pyc"))
            draft.rename(workspace.projects / name)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        report.copied.append(name)


def _check_folder(folder: Path, *, known: bool) -> None:
    """Refuse a folder that holds something else than a workspace.

    Raises:
        UsageError: It does, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: give a folder that is empty or missing")
    if known or not folder.is_dir():
        return
    with _errors(Workspace(folder)):
        foreign = sorted(entry.name for entry in folder.iterdir() if entry.name not in (*FOLDERS, CONFIG_NAME))
    if foreign:
        some = ", ".join(foreign[:3]) + (", ..." if len(foreign) > 3 else "")
        raise UsageError(
            f"{folder} holds other files ({some}) and is no workspace: give a folder that is empty or missing"
        )


@contextmanager
def _errors(workspace: Workspace) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or workspace
        raise StorageError(f"cannot make {where}: {error.strerror or error}; choose another --path") from error
