"""A bus in figures: the objects of ``/metrics``, and a thread that saves them to ``.dspy_reports/``."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any, Self

from blampert_env.atomic import atomic_write_text
from blampert_env.errors import StorageError
from blampert_env.telemetry.bus.protocol import Bus

REPORTS = ".dspy_reports"
_LOG = logging.getLogger("blampert.bus")


def bus_metrics(bus: Bus) -> dict[str, Any]:
    """The ``dlq`` and ``bus`` objects of ``/metrics``.

    ::

        {"dlq": {"total": 3, "by_topic": {"agent.metrics": 3}, "last_ts": 1726789012.12},
         "bus": {"dlq_total": 3, "topics": {"agent.results.backend": [0, 1]},
                 "groups": {"agent.results": {"worker-A": [0], "worker-B": [0]}}}}

    ``topics`` has the messages that wait for each subscriber, ``groups`` those each group has not acknowledged;
    ``last_ts`` is the Unix time of the newest dead letter, None without one.

    Raises:
        StorageError: The bus cannot be read.
    """
    counts, depths = bus.dead_letters.counts(), bus.depths()
    total = sum(counts.values())
    return {
        "dlq": {"total": total, "by_topic": counts, "last_ts": bus.dead_letters.last_ts},
        "bus": {"dlq_total": total, "topics": depths.topics, "groups": depths.groups},
    }


class BusReporter:
    """Looks at a bus from a thread of its own and saves what it sees. A context manager.

    ::

        .dspy_reports/bus_metrics.json      the newest: {"time": ..., "dlq": ..., "bus": ...}
        .dspy_reports/bus_metrics.jsonl     a line for each; at ``max_bytes`` it becomes .jsonl.1, that .jsonl.2, ...

    A view that can be had again: where it cannot be written, or the bus not be read, that is said once.

    Args:
        bus: What to look at.
        folder: Where ``.dspy_reports`` is made.
        period_s: Seconds between two looks, > 0.
        save_s: Seconds between two saved ones, >= ``period_s``.
        max_bytes: Longest history file.
        keep: History files that are kept beside the one that grows, >= 1.
    """

    def __init__(
        self,
        bus: Bus,
        folder: Path,
        *,
        period_s: float = 2.0,
        save_s: float = 10.0,
        max_bytes: int = 2_000_000,
        keep: int = 3,
    ) -> None:
        self.folder = folder / REPORTS
        self._bus = bus
        self._period_s, self._save_s = period_s, save_s
        self._max_bytes, self._keep = max_bytes, keep
        self._latest = bus_metrics(bus)
        self._saved = float("-inf")
        self._warned = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="bus metrics", daemon=True)

    def latest(self) -> dict[str, Any]:
        """What it saw last: at most ``period_s`` seconds old, and free to ask."""
        return self._latest

    def __enter__(self) -> Self:
        self._look(save=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look(save=True)

    def _loop(self) -> None:
        while not self._stop.wait(self._period_s):
            self._look(save=time.monotonic() - self._saved >= self._save_s)

    def _look(self, *, save: bool) -> None:
        try:
            self._latest = bus_metrics(self._bus)
            if save:
                self._save()
        except (StorageError, OSError) as error:
            if not self._warned:
                _LOG.warning("no new bus metrics in %s: %s", self.folder, error)
            self._warned = True
        else:
            self._warned = False

    def _save(self) -> None:
        self._saved = time.monotonic()
        self.folder.mkdir(exist_ok=True)
        text = json.dumps({"time": time.time(), **self._latest}, allow_nan=False)
        atomic_write_text(self.folder / "bus_metrics.json", text + "\n")
        history = self.folder / "bus_metrics.jsonl"
        if history.is_file() and history.stat().st_size + len(text) > self._max_bytes:
            self._rotate(history)
        with history.open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    def _rotate(self, history: Path) -> None:
        """Move every history file one number on; the last one goes."""
        for number in range(self._keep, 0, -1):
            older = history.with_name(f"{history.name}.{number}")
            newer = history if number == 1 else history.with_name(f"{history.name}.{number - 1}")
            if newer.exists():
                os.replace(newer, older)
