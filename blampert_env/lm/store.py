"""The SQLite file behind the sample pool."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import threading
import time
import uuid
import weakref
from collections.abc import Iterator
from pathlib import Path

from blampert_env.errors import StorageError
from blampert_env.lm.completion import Completion

SCHEMA_VERSION = 2

_SCHEMA = """
CREATE TABLE IF NOT EXISTS samples (
    key TEXT NOT NULL, slot INTEGER NOT NULL, text TEXT NOT NULL, prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL, finish_reason TEXT NOT NULL, latency_s REAL NOT NULL, created REAL NOT NULL,
    PRIMARY KEY (key, slot)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (
    key TEXT NOT NULL, slot INTEGER NOT NULL, owner TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
    expires REAL NOT NULL, PRIMARY KEY (key, slot)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (key TEXT NOT NULL PRIMARY KEY, about TEXT NOT NULL) WITHOUT ROWID;
"""


_INSERT = "INSERT OR IGNORE INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class SampleStore:
    """One connection for each process, opened at the first use; threads take turns.

    Each method raises StorageError where the file is damaged, cannot be opened, or cannot be used.

    Args:
        path: The SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._pid = -1

    def get(self, key: str, slot: int) -> Completion | None:
        """The sample in a slot, or None."""
        with self._open() as db:
            row = db.execute(
                "SELECT text, prompt_tokens, completion_tokens, finish_reason, latency_s FROM samples"
                " WHERE key = ? AND slot = ?",
                (key, slot),
            ).fetchone()
        return Completion(row[0], row[1], row[2], row[3], True, row[4]) if row else None

    def put(self, key: str, slot: int, sample: Completion) -> Completion:
        """Write a sample unless the slot is taken; what lies there afterwards is returned."""
        with self._open() as db:
            db.execute(_INSERT, _row(key, slot, sample, time.time()))
        winner = self.get(key, slot)
        assert winner is not None
        return winner

    def describe(self, key: str, about: str) -> None:
        """Keep what a request was, as JSON, beside its samples."""
        with self._open() as db:
            db.execute("INSERT OR IGNORE INTO requests VALUES (?, ?)", (key, about))

    def add(self, key: str, slot: int, sample: Completion, created: float, about: str) -> bool:
        """Write a sample that was drawn elsewhere, and what its request was; whether the slot was free."""
        with self._open() as db:
            is_new = db.execute(_INSERT, _row(key, slot, sample, created)).rowcount == 1
        if is_new:
            self.describe(key, about)
        return is_new

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Everything that is written meanwhile is synced once, or not written at all."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            yield
            db.execute("COMMIT")

    def all(self) -> Iterator[tuple[str, int, Completion, float, str | None]]:
        """Every sample by key and slot: key, slot, sample, when it was drawn, what the request was if that is known."""
        with self._open() as db:
            rows = db.execute(
                "SELECT key, slot, text, prompt_tokens, completion_tokens, finish_reason, latency_s, created, about"
                " FROM samples LEFT JOIN requests USING (key) ORDER BY key, slot"
            ).fetchall()
        for key, slot, text, prompt, completion, reason, latency_s, created, about in rows:
            yield key, slot, Completion(text, prompt, completion, reason, True, latency_s), created, about

    def claim(self, key: str, slot: int, seconds: float) -> str | None:
        """Reserve a slot for drawing; None if somebody alive holds it. A claim ends with its process or its time."""
        owner, now = uuid.uuid4().hex, time.time()
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            row = db.execute("SELECT host, pid, expires FROM claims WHERE key = ? AND slot = ?", (key, slot)).fetchone()
            taken = row is not None and row[2] > now and not _is_dead(row[0], row[1])
            if not taken:
                db.execute(
                    "INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?, ?)",
                    (key, slot, owner, socket.gethostname(), os.getpid(), now + seconds),
                )
            db.execute("COMMIT")
        return None if taken else owner

    def release(self, key: str, slot: int, owner: str) -> None:
        """Give a claim back."""
        with self._open() as db:
            db.execute("DELETE FROM claims WHERE key = ? AND slot = ? AND owner = ?", (key, slot, owner))

    def count(self) -> int:
        """Samples in the file."""
        with self._open() as db:
            return int(db.execute("SELECT COUNT(*) FROM samples").fetchone()[0])

    def close(self) -> None:
        """Close this process's connection."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time; a transaction that fails is rolled back."""
        with self._lock:
            try:
                if self._connection is None or self._pid != os.getpid():
                    self._connect()
                assert self._connection is not None
                yield self._connection
            except BaseException as error:
                if self._connection is not None and self._connection.in_transaction:
                    self._connection.rollback()
                if isinstance(error, sqlite3.DatabaseError):
                    raise self._trouble(error) from error
                raise

    def _connect(self) -> None:
        if self._connection is not None:
            _inherited.append(self._connection)
            self._connection = None
        try:
            self._connection, self._pid = _connect(self.path), os.getpid()
        except OSError as error:
            raise StorageError(f"cannot open {self.path}: {error.strerror or error}; set BLAMPERT_CACHE") from error
        weakref.finalize(self, _close, self._connection, self._pid)

    def _trouble(self, error: sqlite3.DatabaseError) -> StorageError:
        if isinstance(error, sqlite3.OperationalError):
            return StorageError(f"cannot use the sample pool {self.path} ({error}); check space and permissions")
        return StorageError(f"the sample pool {self.path} is damaged ({error}); move it away to start a new one")


def _row(key: str, slot: int, sample: Completion, created: float) -> tuple[object, ...]:
    figures = sample.prompt_tokens, sample.completion_tokens, sample.finish_reason, sample.latency_s
    return key, slot, sample.text, *figures, created


# A connection that came through fork is the parent's: closing it here would release the parent's locks.
_inherited: list[sqlite3.Connection] = []


def _close(connection: sqlite3.Connection, pid: int) -> None:
    if pid == os.getpid():
        connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    """Open, and make the tables where they are missing.

    ``synchronous=FULL``: a sample costs seconds to draw and a millisecond to sync.
    """
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = FULL")
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version in (0, 1):  # what 2 has more is a table
            with FileLock(f"{path}.lock", timeout=60.0):  # switching to WAL does not wait for others by itself
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            raise StorageError(
                f"{path} was written by another version of Blampert (schema {version}, not {SCHEMA_VERSION}); "
                "move it away or upgrade"
            )
    except BaseException:
        db.close()
        raise
    return db


def _is_dead(host: str, pid: int) -> bool:
    """Whether the process is known to be gone; False for another host's."""
    if host != socket.gethostname():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
