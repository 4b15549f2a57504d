"""What a person at a terminal sees: a progress bar or plain lines, and the final table."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from blampert_env.training.trainer import ProjectResult


class RunConsole:
    """Prints lines and, if asked, a progress bar. A context manager; safe from several threads.

    Args:
        bar: Draw a progress bar (``-P``). Off a terminal it becomes a line now and then.
    """

    def __init__(self, *, bar: bool) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("{task.percentage:>3.0f}%"),
            BarColumn(bar_width=30),
            TaskProgressColumn(text_format=""),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=self.console,
            transient=True,
            disable=not (bar and self.console.is_terminal),
        )
        self._task = self._bar.add_task("starting", total=1.0)
        self._quiet_since = time.monotonic()
        self._lock = threading.Lock()

    def __enter__(self) -> RunConsole:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        with self._lock:
            self.console.print(line, markup=False)
            self._quiet_since = time.monotonic()

    def progress(self, line: str, done: float) -> None:
        """Show what goes on and the share done in [0, 1]; without a bar, iterations and a sign of life every 10 s."""
        self._bar.update(self._task, completed=done, description=line)
        if line.startswith("iteration") or (self._bar.disable and time.monotonic() - self._quiet_since > 10):
            self.say(f"{done:4.0%} {line}")

    def table(self, title: str, rows: Sequence[ProjectResult]) -> None:
        """Print the final table; before, after and held-out are tests passed."""
        table = Table(title=f"{title}; tests passed", title_justify="left")
        table.add_column("project", no_wrap=True)
        for heading in ("before", "after", "held-out", "LM calls", "tokens", "time"):
            table.add_column(heading, justify="right")
        for row in rows:
            held_out = f"{row.held_out[0]}/{row.held_out[1]}" if row.held_out else "-"
            table.add_row(
                row.project,
                f"{row.before}/{row.total}",
                f"{row.after}/{row.total}",
                held_out,
                f"{row.lm_calls:,}",
                f"{row.tokens:,}",
                f"{row.seconds:.1f} s",
            )
        self.console.print(table)
