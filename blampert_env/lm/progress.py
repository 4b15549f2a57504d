"""How far a download is: a bar on a terminal, else one line every ten seconds. On stderr only."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any


class Progress:
    """Shows bytes done of a total; a context manager.

    Args:
        title: What is fetched.
        total: Bytes.
    """

    def __init__(self, title: str, total: int) -> None:
        self.title = title
        self.total = total
        self._bar: Any = None
        self._next_line = time.monotonic()

    def update(self, done: int, note: str = "") -> None:
        """Show that ``done`` bytes are there (it may fall, where a source is given up)."""
        if self._bar is not None:
            self._bar.update(0, completed=done, description=f"{self.title}{' ' + note if note else ''}")
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + 10.0
            note = f" ({note})" if note else ""
            print(f"{self.title}: {done / 1e6:.0f} of {self.total / 1e6:.0f} MB{note}", file=sys.stderr, flush=True)

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
            from rich.progress import Progress as RichProgress

            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
            self._bar = RichProgress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
            self._bar.add_task(self.title, total=self.total)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
