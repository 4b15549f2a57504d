"""Reports by content, on disk and shared between processes; what was once decided about a project lies beside them."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blampert_env.errors import StorageError
from blampert_env.grading.report import TestReport

if TYPE_CHECKING:
    import sqlite3

MAX_REPORTS = 200_000


class ReportStore:
    """A SQLite file of reports; safe from several threads and processes.

    Args:
        path: The file; its folder is made when something is first kept.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_broken = False  # asking again would wait for a lock each time
        self._local = threading.local()

    def get(self, key: bytes) -> TestReport | None:
        """The report of a key, None if it is not there."""
        found = self.value(key)
        return None if found is None else TestReport.from_json(found)

    def put(self, key: bytes, report: TestReport) -> None:
        """Keep a report; a store that cannot be written (a full disk) keeps nothing, which costs time only."""
        self.keep(key, report.as_json())

    def value(self, key: bytes) -> Any:
        """What was kept under a key, None if nothing was."""
        import sqlite3

        if self._is_broken:
            return None
        try:
            row = self._connection().execute("SELECT value FROM reports WHERE key = ?", (key,)).fetchone()
            return None if row is None else json.loads(row[0])
        except (sqlite3.Error, StorageError, ValueError):
            self._is_broken = True
            return None

    def keep(self, key: bytes, value: Any) -> None:
        """Keep a JSON value under a key."""
        import sqlite3

        if self._is_broken:
            return
        try:
            connection = self._connection()
            with connection:
                connection.execute(
                    "INSERT OR REPLACE INTO reports VALUES (?, ?, ?)", (key, json.dumps(value), time.time())
                )
                if key[0] == 0:  # about one in 256
                    connection.execute(
                        "DELETE FROM reports WHERE used < "
                        "(SELECT used FROM reports ORDER BY used DESC LIMIT 1 OFFSET ?)",
                        (MAX_REPORTS,),
                    )
        except (sqlite3.Error, StorageError):
            self._is_broken = True

    def close(self) -> None:
        """Close this thread's connection; the next use opens another."""
        connection: sqlite3.Connection | None = self._local.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()

    def _connection(self) -> sqlite3.Connection:
        import sqlite3

        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StorageError(f"cannot make {self.path.parent}: {error.strerror}") from error
            connection = sqlite3.connect(self.path, timeout=2.0)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")  # losing a report costs one evaluation
            connection.execute("CREATE TABLE IF NOT EXISTS reports (key BLOB PRIMARY KEY, value TEXT, used REAL)")
            connection.execute("CREATE INDEX IF NOT EXISTS by_use ON reports (used)")
            self._local.connection = connection
        return connection
