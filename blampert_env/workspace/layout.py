"""Where a workspace is and what lies in it.

::

    ~/.blampert_workspace/
        venv/               the interpreter that runs the projects' tests
        projects/           one folder a project
        data/               databases, the marker that says "this is a workspace", the lock
        streaming/          the message bus
        logs/               one folder a run
        models/             one policy a run
        agent_config.json   settings
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blampert_env.errors import StorageError, UsageError

ENVIRONMENT = "BLAMPERT_WORKSPACE"
DEFAULT_FOLDER = "~/.blampert_workspace"
CONFIG_NAME = "agent_config.json"
FOLDERS = ("venv", "projects", "data", "streaming", "logs", "models")
MARKER = Path("data") / ".blampert_workspace"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The paths of a workspace; nothing need exist.

    Attributes:
        root: The folder that holds ``venv/``, ``data/``, ``streaming/``, ``logs/`` and ``models/``, absolute.
        config_folder: The folder of ``agent_config.json``; None: ``root``. Another one if ``workspace.root`` says so.
        projects_folder: None: ``root/projects``. Another one if ``workspace.projects`` says so.
    """

    root: Path
    config_folder: Path | None = None
    projects_folder: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder the user names: that of ``agent_config.json``."""
        return self.config_folder or self.root

    @property
    def config_path(self) -> Path:
        """``agent_config.json``."""
        return self.folder / CONFIG_NAME

    @property
    def projects(self) -> Path:
        """One folder a project."""
        return self.projects_folder or self.root / "projects"

    @property
    def data(self) -> Path:
        """Databases."""
        return self.root / "data"

    @property
    def streaming(self) -> Path:
        """The message bus."""
        return self.root / "streaming"

    @property
    def logs(self) -> Path:
        """One folder a run."""
        return self.root / "logs"

    @property
    def models(self) -> Path:
        """One policy a run, ``<run>.zip``."""
        return self.root / "models"

    @property
    def venv(self) -> Path:
        """The virtual environment that the projects' tests run in."""
        return self.root / "venv"

    @property
    def python(self) -> Path:
        """The interpreter of :attr:`venv`; links are kept, a virtual environment's python is one."""
        return self.venv / "bin" / "python"

    @property
    def marker(self) -> Path:
        """The file that says that this folder is a workspace; nothing is ever deleted where it is missing."""
        return self.root / MARKER

    @property
    def exists(self) -> bool:
        """Whether there is a workspace here."""
        return self.config_path.is_file() or self.marker.is_file()

    @contextmanager
    def lock(self, name: str = "workspace", timeout_s: float = 300.0) -> Iterator[None]:
        """Hold a lock between processes, for what several agents may change at once; the kernel frees it if one dies.

        Args:
            name: What is guarded; locks of other names do not wait for one another.
            timeout_s: Seconds to wait for it.

        Raises:
            StorageError: Another process holds it for longer, or it cannot be made.
        """
        from filelock import FileLock, Timeout

        path = self.data / f".{name}.lock"
        lock = FileLock(path, timeout=timeout_s)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise StorageError(
                f"another process has held {path} for {timeout_s:.0f} s: end it and try again"
            ) from error
        except OSError as error:
            raise StorageError(f"cannot make {path}: {error.strerror or error}; check its permissions") from error
        try:
            yield
        finally:
            lock.release()

    def __str__(self) -> str:
        return str(self.folder)


def default_folder() -> Path:
    """``$BLAMPERT_WORKSPACE`` if it is set and not empty, else ``~/.blampert_workspace``.

    Raises:
        UsageError: This user has no home folder.
    """
    return _expanded(os.environ.get(ENVIRONMENT) or DEFAULT_FOLDER)


def _expanded(path: str | Path) -> Path:
    """An absolute path, with ``~`` followed."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise UsageError(f"{path}: there is no such home folder; set {ENVIRONMENT} to a folder") from error


def is_named(path: str | Path | None = None) -> bool:
    """Whether the user says which workspace: by ``path`` or by the environment."""
    return bool(path or os.environ.get(ENVIRONMENT))


def workspace_at(path: str | Path | None = None) -> Workspace:
    """The workspace at ``path``, or at the default place, whether there is one or not.

    ``workspace.root`` and ``workspace.projects`` are followed if the settings can be read; who acts on them calls
    :func:`~blampert_env.workspace.load_config`, which says what is wrong with them.
    """
    folder = _expanded(path) if path else default_folder()
    settings = _placement(folder / CONFIG_NAME)
    root = resolve(settings.get("root"), folder)
    projects = resolve(settings.get("projects"), folder) if settings.get("projects") else root / "projects"
    return Workspace(
        root,
        config_folder=None if root == folder else folder,
        projects_folder=None if projects == root / "projects" else projects,
    )


def resolve(value: Any, folder: Path) -> Path:
    """A path of the settings, relative to ``folder``, that of ``agent_config.json``; None is that folder itself."""
    if not isinstance(value, str) or not value:
        return folder
    return Path(os.path.normpath(_expanded(value) if value.startswith("~") else folder / value))


def find_workspace(path: str | Path | None = None) -> Workspace | None:
    """The workspace at ``path``, else at ``$BLAMPERT_WORKSPACE``, else at ``~/.blampert_workspace``.

    The first of these that is given decides: an unset-but-existing default never stands in for a folder that was named.

    Returns:
        None if there is no workspace.
    """
    workspace = workspace_at(path)
    return workspace if workspace.exists else None


def require_workspace(path: str | Path | None = None) -> Workspace:
    """As :func:`find_workspace`.

    Raises:
        UsageError: There is none; says how to make it.
    """
    workspace = workspace_at(path)
    if not workspace.exists:
        what = f"{workspace} is not a workspace" if workspace.folder.exists() else f"no workspace at {workspace}"
        raise UsageError(f"{what}: make one with `{create_command(workspace)}`")
    return workspace


def create_command(workspace: Workspace) -> str:
    """What to type to make or mend ``workspace``."""
    try:
        named = workspace.folder != default_folder()
    except UsageError:  # no home folder: only a path can name it
        named = True
    return "blampert workspace create" + (f" --path {workspace.folder}" if named else "")


def _placement(config_path: Path) -> dict[str, Any]:
    """The ``workspace`` section as it stands in the file and the environment; empty if it cannot be read."""
    try:
        content = json.loads(config_path.read_bytes())
        section = dict(content["workspace"])
    except (OSError, ValueError, KeyError, TypeError):
        section = {}
    named = {key: os.environ.get(f"BLAMPERT_WORKSPACE_{key.upper()}") for key in ("root", "projects")}
    return section | {key: value for key, value in named.items() if value}
