"""The folder of one run: what it was told, what it is at, what it found.

::

    logs/thompson_1/
        config.json        resolved settings, seed, versions, model
        actions.db         every step (SQLite)
        bus.db             the message bus, where no workspace has one (SQLite)
        .dspy_reports/     figures of the bus: the newest, and their history
        events.out.tfevents...   TensorBoard
        status.json        figures of the moment, once a second (for ``blampert monitor``)
        .lock              held while a process trains in it
        state.json         where the run is; names the policy file that belongs to it
        policy-0003.*      the policy after iteration 3
        best/<project>/    the best code as files, and changes.diff against the untouched project
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from blampert_env.atomic import atomic_write_bytes, atomic_write_text
from blampert_env.editing import unified_diff
from blampert_env.errors import StorageError, UsageError
from blampert_env.projects import Project

LOCK_NAME = ".lock"


class RunFolder:
    """One run's folder.

    Args:
        path: An existing folder; use :meth:`create` or :meth:`open`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, log_folder: Path, algo: str, models_folder: Path, remembered: Iterable[str] = ()) -> RunFolder:
        """Make the next free ``<log_folder>/<algo>_<n>``; safe when several runs start at once.

        A number is free if neither folder has it, so that no run overwrites another's policy, and it is not among the
        names ``remembered`` by records that outlive a run's folder.

        Raises:
            StorageError: The folder cannot be made.
        """
        try:
            log_folder.mkdir(parents=True, exist_ok=True)
            entries = [*log_folder.iterdir(), *(models_folder.iterdir() if models_folder.is_dir() else ())]
            names = [*(entry.name for entry in entries), *remembered]
            taken = [int(m[1]) for name in names if (m := re.fullmatch(rf"{algo}_(\d+)(\.zip)?", name))]
            number = max(taken, default=0)
            while True:
                number += 1
                try:
                    (log_folder / f"{algo}_{number}").mkdir()
                except FileExistsError:
                    continue
                return cls(log_folder / f"{algo}_{number}")
        except OSError as error:
            raise StorageError(f"cannot make a run in {log_folder}: {error.strerror}; choose another -f") from error

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing run.

        Raises:
            UsageError: There is no run at ``path``.
        """
        if not (path / "config.json").is_file():
            known = sorted(entry.name for entry in path.parent.glob("*/") if (entry / "config.json").is_file())
            hint = f" (runs beside it: {', '.join(known)})" if known else ""
            raise UsageError(f"no run at {path}: expected a folder with config.json{hint}")
        return cls(path)

    @property
    def name(self) -> str:
        """The folder's name, which is the run's id."""
        return self.path.name

    @property
    def actions(self) -> Path:
        """The SQLite file of steps."""
        return self.path / "actions.db"

    def policy_path(self, iteration: int) -> Path:
        """Where the policy after ``iteration`` iterations is kept."""
        return self.path / f"policy-{iteration:04d}.zip"

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Hold the run: no other process trains in it or removes it meanwhile; the kernel lets go if this one dies.

        Raises:
            UsageError: Another process holds it.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.path / LOCK_NAME, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise UsageError(f"{self.path} is in use by another process: wait for it or start a new run") from None
        try:
            yield
        finally:
            lock.release()

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write ``config.json``."""
        self._write_json("config.json", config)

    def read_config(self) -> dict[str, Any]:
        """Read ``config.json``.

        Raises:
            UsageError: It is damaged.
        """
        return self._read_json("config.json")

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Write ``state.json``, then remove the policies it does not name: a kill in between loses nothing."""
        self._write_json("state.json", state)
        for old in self.path.glob("policy-*.zip"):
            if old.name != state["policy"]:
                with suppress(OSError):  # a stale policy does no harm
                    old.unlink()

    def read_state(self) -> dict[str, Any] | None:
        """Read ``state.json``; None if the run was stopped before its first iteration ended."""
        return self._read_json("state.json") if (self.path / "state.json").is_file() else None

    def write_best(self, project: Project, files: Mapping[str, str]) -> None:
        """Keep ``files`` as the best code of ``project``: each source, and the diff against the untouched project."""
        folder = self.path / "best" / project.name
        for path, text in files.items():
            _make_folder((folder / path).parent)
            atomic_write_text(folder / path, text)
        atomic_write_text(folder / "changes.diff", unified_diff(project.sources, files))

    def read_best(self, project: Project) -> dict[str, str]:
        """The best code so far; the untouched sources where there is none."""
        folder = self.path / "best" / project.name
        return {
            path: (folder / path).read_bytes().decode() if (folder / path).is_file() else text
            for path, text in project.sources.items()
        }

    def publish_policy(self, policy: Path, models_folder: Path) -> Path:
        """Copy the policy to ``<models_folder>/<run name>.zip``.

        Raises:
            StorageError: It cannot be written.
        """
        goal = models_folder / f"{self.name}.zip"
        _make_folder(models_folder)
        atomic_write_bytes(goal, policy.read_bytes())
        return goal

    def _write_json(self, name: str, content: Mapping[str, Any]) -> None:
        atomic_write_text(self.path / name, json.dumps(content, indent=2, sort_keys=True) + "\n")

    def _read_json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(f"{path} cannot be read ({error}); the run cannot be resumed, start a new one") from error


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make the folder {path}: {error.strerror}; what was saved before is kept") from error
