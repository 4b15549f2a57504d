"""The project folders of a workspace, and their environments: drop a folder in and it is there."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from blampert_env.errors import UsageError
from blampert_env.workspace.layout import Workspace, find_workspace, workspace_at


def project_folders(workspace: Workspace) -> dict[str, Path]:
    """Name (snake case) to folder, sorted by name; hidden folders and those that begin with ``_`` are left out.

    Of two folders with the same name (``my-app``, ``my_app``) the first counts: :func:`clashes` names the other.
    """
    return _sorted_folders(workspace.projects)[0]


def clashes(workspace: Workspace) -> dict[Path, str]:
    """Folders that cannot be reached, as another one has their name; folder to name."""
    return _sorted_folders(workspace.projects)[1]


def register_workspace() -> None:
    """Register the projects of the user's workspace, if there is one; called when ``blampert_env`` is imported.

    Nothing is read but the names of the folders: a folder that is no project says so when it is made. Bundled names
    keep their meaning, whatever the workspace holds, so that a script gives everywhere what it gives here.
    """
    import gymnasium as gym

    from blampert_env.projects import env_id

    try:
        workspace = find_workspace()
        folders = project_folders(workspace) if workspace else {}
    except (OSError, UsageError) as error:  # no home, or one that this user may not read
        warnings.warn(f"the workspace's projects are not registered: {error}; see `blampert doctor`", stacklevel=2)
        return
    for name, folder in folders.items():
        identity = env_id(name)
        if identity not in gym.registry:
            gym.register(
                identity,
                entry_point="blampert_env.workspace.folders:make_env",
                kwargs={"project": str(folder), "workspace": str(workspace)},
            )


def make_env(project: str, *, workspace: str, **kwargs: Any) -> Any:
    """Entry point of the ids of workspace projects: as for a bundled one, with the workspace's interpreter.

    Args:
        project: The folder.
        workspace: Folder of the workspace.
        kwargs: Arguments of the environment; ``python`` names another interpreter for the tests.

    Raises:
        UsageError: The workspace's virtual environment cannot run the project's tests; says how to mend it.
    """
    from blampert_env.envs.registration import make_env as make
    from blampert_env.projects.project import snake_case
    from blampert_env.workspace.venv import problem

    place = workspace_at(workspace)
    if kwargs.get("python") is None:
        if wrong := problem(place, {snake_case(Path(project).name): Path(project)}, moved_matters=False):
            raise UsageError(wrong)
        kwargs["python"] = str(place.python)
    return make(project, **kwargs)


def _sorted_folders(projects: Path) -> tuple[dict[str, Path], dict[Path, str]]:
    from blampert_env.projects.project import snake_case

    found: dict[str, Path] = {}
    clashing: dict[Path, str] = {}
    if not projects.is_dir():
        return found, clashing
    with os.scandir(projects) as entries:
        names = sorted(e.name for e in entries if not e.name.startswith((".", "_")) and e.is_dir())
    for folder in (projects / name for name in names):
        name = snake_case(folder.name)
        if name in found:
            clashing[folder] = name
        else:
            found[name] = folder
    return dict(sorted(found.items())), clashing
