"""``status.json`` in a run's folder: what the run is at, for a monitor that is another process."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from blampert_env.errors import BlampertError
from blampert_env.telemetry.exporter.figures import RunFigures

FILE = "status.json"
PERIOD_S = 1.0
SILENT_S = 10.0
"""A run that has not written for so long, and has not said that it ended, is taken for stopped."""
_LOG = logging.getLogger(__name__)


class LiveStatus:
    """Writes the document once a second from a thread of its own, and a last time at the end. A context manager.

    A view that can be had again: where the disk is full, that is said once and the run goes on. The last document's
    ``state`` is ``finished``, ``failed``, or what the figures' ``state`` was set to; a killed run's stays ``running``.

    Args:
        figures: What to write.
        folder: The run's folder.
        period_s: Seconds between two writes, > 0.
    """

    def __init__(self, figures: RunFigures, folder: Path, period_s: float = PERIOD_S) -> None:
        self._figures = figures
        self._path = folder / FILE
        self._period_s = period_s
        self._stop = threading.Event()
        self._warned = False
        self._thread = threading.Thread(target=self._loop, name="status", daemon=True)

    def __enter__(self) -> Self:
        self._write()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self._figures.state == "running":
            self._figures.state = "finished" if error is None else "failed"
        self._write()

    def _loop(self) -> None:
        while not self._stop.wait(self._period_s):
            self._write()

    def _write(self) -> None:
        """Replace the file; no fsync, as after a crash of the machine the status means nothing anyway."""
        temporary = self._path.with_suffix(f".{os.getpid()}.tmp")
        try:
            temporary.write_text(json.dumps(self._figures.document()), encoding="utf-8")
            os.replace(temporary, self._path)
        except (OSError, BlampertError) as error:  # the disk, or a bus that cannot be read
            if not self._warned:
                _LOG.warning("cannot write %s: %s; a monitor will take this run for stopped", self._path, error)
            self._warned = True


def read_status(folder: Path) -> dict[str, Any] | None:
    """The document of a run's folder; None if there is none. The ``state`` of a killed run is ``stopped``."""
    try:
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # not written yet, or by something else
    if not isinstance(document, Mapping) or "lm_circuit" not in document:
        return None
    status = dict(document)
    if status.get("state") == "running" and time.time() - float(status.get("updated", 0)) > SILENT_S:
        status["state"] = "stopped"
    return status
