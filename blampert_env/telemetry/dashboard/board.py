"""The runs below some log folders, looked at through mirrors that are kept; safe from several threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blampert_env.errors import UsageError
from blampert_env.telemetry.dashboard.mirror import StepMirror
from blampert_env.telemetry.dashboard.queries import overview
from blampert_env.telemetry.dashboard.runs import Run, find_runs, pick_run
from blampert_env.telemetry.dashboard.steps import code_quality

KEPT = 4
"""Mirrors kept in memory, about 30 MB each at 100,000 steps; the one that was looked at longest ago goes first."""
_SHARE = 0.1  # of a core, at most, goes into looking at a run that goes on


class Board:
    """What a monitor looks at.

    Args:
        roots: Log folders; they may come into being later.
        chosen: A run's name or folder to show first; None: the newest.
    """

    def __init__(self, roots: Sequence[Path], chosen: str | None = None) -> None:
        self.roots = list(roots)
        self.chosen = chosen
        self._views: dict[Path, _View] = {}
        self._lock = threading.Lock()

    def runs(self) -> list[Run]:
        """Every run, the newest first."""
        return find_runs(self.roots)

    def current(self) -> Run | None:
        """The run to show: the chosen one, else the newest that goes on, else the newest.

        Raises:
            UsageError: There is no run of the chosen name.
        """
        return pick_run(self.runs(), self.chosen)

    def find(self, name: str) -> Run:
        """The run of this id.

        Raises:
            UsageError: There is none.
        """
        for run in self.runs():
            if run.id == name:
                return run
        raise UsageError(f"no run {name!r}")

    def overview(self, run: Run) -> Mapping[str, Any]:
        """Settings, status and :func:`~blampert_env.telemetry.dashboard.queries.overview` of a run.

        Raises:
            StorageError: Its store cannot be read.
        """
        return {"run": run.describe(), "status": run.status(), **self._view(run).overview()}

    def quality(self, run: Run) -> Mapping[str, Any]:
        """Code quality of the run's edits.

        Raises:
            UsageError: ruff or radon is not installed.
            StorageError: Its store cannot be read.
        """
        return self._view(run).quality(run)

    def status(self) -> Mapping[str, Any] | None:
        """The status document of the current run, for ``/metrics``; None without one."""
        run = self.current()
        return run.status() if run else None

    def close(self) -> None:
        """Let go of every mirror; calling it twice is fine."""
        with self._lock:
            for view in self._views.values():
                view.mirror.close()
            self._views.clear()

    def _view(self, run: Run) -> _View:
        with self._lock:
            view = self._views.pop(run.path, None) or _View(run)
            self._views[run.path] = view  # the newest is last
            if len(self._views) > KEPT:
                self._views.pop(next(iter(self._views))).mirror.close()
            return view


class _View:
    """One run's mirror, and what was made of it last; made anew when steps came, but not all the time."""

    def __init__(self, run: Run) -> None:
        self.mirror = StepMirror(run.actions, run.name)
        self._lock = threading.Lock()
        self._made: tuple[tuple[int, int], Mapping[str, Any]] | None = None
        self._rest_until = 0.0
        self._quality: tuple[tuple[int, int], Mapping[str, Any]] | None = None

    def overview(self) -> Mapping[str, Any]:
        """From the mirror as it is now, or was a moment ago."""
        with self._lock:
            if self._made is not None and time.monotonic() < self._rest_until:
                return self._made[1]
            started = time.monotonic()
            self.mirror.refresh()
            if self._made is None or self._made[0] != self.mirror.version:
                self._made = self.mirror.version, overview(self.mirror)
            now = time.monotonic()
            self._rest_until = now + (now - started) / _SHARE
            return self._made[1]

    def quality(self, run: Run) -> Mapping[str, Any]:
        """The same for the code's quality."""
        with self._lock:
            self.mirror.refresh()
            if self._quality is None or self._quality[0] != self.mirror.version:
                self._quality = self.mirror.version, code_quality(run, self.mirror)
            return self._quality[1]
