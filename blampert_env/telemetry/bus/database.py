"""The SQLite file of a bus: its tables, and its pragmas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from blampert_env.telemetry.sqlite_file import SqliteFile

_TABLE = "deliveries"  # no other kind of file has it
# One entry a schema version; a released entry is never edited: add the next one.
_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE messages (
            id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, key TEXT, body TEXT NOT NULL,
            only_group TEXT, time REAL NOT NULL)""",
        "CREATE INDEX messages_by_topic ON messages (topic, id)",
        # every message up to `position` was handed out (or buried); what is not acknowledged is in `deliveries`
        """CREATE TABLE groups (
            topic TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (topic, name))
            WITHOUT ROWID""",
        # owner NULL: refused, comes again at `due`. Else: on loan until `due`
        """CREATE TABLE deliveries (
            topic TEXT NOT NULL, grp TEXT NOT NULL, message INTEGER NOT NULL, owner TEXT, attempts INTEGER NOT NULL,
            due REAL NOT NULL, PRIMARY KEY (topic, grp, message)) WITHOUT ROWID""",
        """CREATE TABLE dead (
            id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, grp TEXT, key TEXT, body TEXT, repr TEXT,
            reason TEXT NOT NULL, attempts INTEGER NOT NULL, time REAL NOT NULL)""",
        "CREATE INDEX dead_by_topic ON dead (topic)",
        """CREATE TABLE subscribers (
            id INTEGER PRIMARY KEY AUTOINCREMENT, pattern TEXT NOT NULL, owner TEXT NOT NULL,
            position INTEGER NOT NULL)""",
        # messages of a topic that were removed, so that a subscriber can tell what it missed
        "CREATE TABLE trimmed (topic TEXT PRIMARY KEY, messages INTEGER NOT NULL) WITHOUT ROWID",
    ),
)
BUS_VERSION = len(_MIGRATIONS)
"""The schema this code writes, kept in the file's ``PRAGMA user_version``."""


class Database(SqliteFile):
    """A connection to a bus's file; made with its folder if missing. Safe from several threads.

    Args:
        path: The file; None for a private temporary one that goes with the connection.
        synchronous: ``FULL`` syncs each commit to the disk, ``NORMAL`` leaves that to the system.

    Raises:
        StorageError: The file cannot be opened or made.
        UsageError: It is no bus, or was written by a newer Blampert.
    """

    def __init__(self, path: Path | None, *, synchronous: Literal["FULL", "NORMAL"] = "FULL") -> None:
        super().__init__("bus", path)
        with self.opening():
            self._prepare(synchronous if path is not None else "OFF")

    def _prepare(self, synchronous: str) -> None:
        self.db.execute(f"PRAGMA synchronous = {synchronous}")
        if self.version() == BUS_VERSION:
            return
        if self.path is not None:
            with self._one_snapshot():
                self.check(_TABLE, BUS_VERSION)
            self._switch_to_wal()
        self.lift(_TABLE, _MIGRATIONS)

    @contextmanager
    def _one_snapshot(self) -> Iterator[None]:
        """Look at the file as of one moment, also where another process makes it at the same time."""
        self.db.execute("BEGIN")
        try:
            yield
        finally:
            self.db.execute("ROLLBACK")

    def _switch_to_wal(self) -> None:
        """Under a file lock: the switch does not wait for other processes by itself."""
        from filelock import FileLock

        with FileLock(f"{self.path}.lock", timeout=60.0):
            self.db.execute("PRAGMA journal_mode = WAL")
