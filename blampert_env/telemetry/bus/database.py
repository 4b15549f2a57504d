"""One SQLite connection that threads share, with the pragmas and errors of a bus."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from blampert_env.errors import StorageError, UsageError

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


class Database:
    """A connection to a bus's file; made with its folder if missing. Safe from several threads.

    Args:
        path: The file; None for a private temporary one that goes with the connection.
        synchronous: ``FULL`` syncs each commit to the disk, ``NORMAL`` leaves that to the system.

    Raises:
        StorageError: The file cannot be opened or made.
        UsageError: It is no bus, or was written by a newer Blampert.
    """

    def __init__(self, path: Path | None, *, synchronous: Literal["FULL", "NORMAL"] = "FULL") -> None:
        self.path = path
        self._lock = threading.RLock()
        with self.errors("open"):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path or "", timeout=30.0, isolation_level=None, check_same_thread=False)
        try:
            with self.errors("open"):
                self._prepare(synchronous if path is not None else "OFF")
        except BaseException:
            self._db.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: all of it is stored on leaving, or none if the body raises.

        Raises:
            StorageError: It could not be written.
        """
        with self._lock, self.errors("write to"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite has rolled back by itself where the disk is full
                    self._db.execute("ROLLBACK")
                raise

    def read(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query.

        Raises:
            StorageError: It could not be read.
        """
        with self._lock, self.errors("read"):
            return self._db.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the connection; calling it twice is fine."""
        with self._lock:
            self._db.close()

    @contextmanager
    def errors(self, doing: str) -> Iterator[None]:
        """Turn SQLite's errors and the system's into one line."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StorageError(f"cannot {doing} the bus {self.path or 'in memory'}: {reason}") from error

    def _prepare(self, synchronous: str) -> None:
        self._db.execute(f"PRAGMA synchronous = {synchronous}")
        if self._version() == BUS_VERSION:
            return
        self._check()
        if self.path is not None:
            self._switch_to_wal()
        with self.transaction():
            version = self._version()  # another process may have been faster
            for number, statements in enumerate(_MIGRATIONS[version:], start=version + 1):
                for statement in statements:
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {number}")

    def _check(self) -> None:
        """Leave a file alone that is not ours, or newer than we are."""
        version = self._version()
        names = {row[0] for row in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if version > BUS_VERSION:
            raise UsageError(f"{self.path} has schema {version}, this Blampert knows {BUS_VERSION}; upgrade it")
        if names and ("deliveries" not in names or not version):
            raise UsageError(f"{self.path} is a SQLite file, but not a bus; choose another path")

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _switch_to_wal(self) -> None:
        """Under a file lock: the switch does not wait for other processes by itself."""
        from filelock import FileLock

        with FileLock(f"{self.path}.lock", timeout=60.0):
            self._db.execute("PRAGMA journal_mode = WAL")
