"""One SQLite connection that threads share: transactions, schema versions, and errors in one line."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from blampert_env.errors import StorageError, UsageError


class SqliteFile:
    """A connection to a file, which is made with its folder if missing. Safe from several threads.

    Args:
        kind: What it is, for messages, such as "bus".
        path: The file; None for a private temporary one that goes with the connection.
        readonly: Only read; the file must exist.

    Raises:
        StorageError: The file cannot be opened or made.
    """

    def __init__(self, kind: str, path: Path | None, *, readonly: bool = False) -> None:
        self.path = path
        self._kind = kind
        self._lock = threading.RLock()
        with self.errors("open"):
            if path is not None and not readonly:
                path.parent.mkdir(parents=True, exist_ok=True)
            self.db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={'ro' if readonly else 'rwc'}" if path is not None else "",
                uri=path is not None,
                timeout=30.0,
                isolation_level=None,  # autocommit: a statement is a transaction of its own where none was begun
                check_same_thread=False,
            )

    @contextmanager
    def opening(self) -> Iterator[None]:
        """For what prepares the file: if that fails, the connection is closed."""
        try:
            with self.errors("open"):
                yield
        except BaseException:
            self.db.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: all of it is stored on leaving, or none if the body raises.

        Raises:
            StorageError: It could not be written.
        """
        with self._lock, self.errors("write to"):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                self.db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite has rolled back by itself where the disk is full
                    self.db.execute("ROLLBACK")
                raise

    def read(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query.

        Raises:
            StorageError: It could not be read.
        """
        with self._lock, self.errors("read"):
            return self.db.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the connection; calling it twice is fine."""
        with self._lock, self.errors("close"):
            self.db.close()

    @contextmanager
    def errors(self, doing: str) -> Iterator[None]:
        """Turn SQLite's errors and the system's into one line."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StorageError(f"cannot {doing} the {self._kind} {self.path or 'in memory'}: {reason}") from error

    def version(self) -> int:
        """The schema of the file, kept in its ``PRAGMA user_version``; 0 for a new one."""
        return int(self.db.execute("PRAGMA user_version").fetchone()[0])

    def tables(self) -> set[str]:
        """Names of its tables."""
        return {row[0] for row in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def check(self, table: str, newest: int) -> None:
        """Refuse a file that is not ours, or newer than we are.

        Args:
            table: One that each of ours has.
            newest: The newest schema that is known.

        Raises:
            UsageError: It is.
        """
        version, tables = self.version(), self.tables()
        if version > newest:
            raise UsageError(f"{self.path} has schema {version}, this Blampert knows {newest}; upgrade Blampert")
        if (table in tables) != (version > 0) or (tables and not version):
            raise UsageError(f"{self.path} is a SQLite file, but not {_article(self._kind)}; choose another path")

    def lift(self, table: str, migrations: Sequence[Sequence[str]]) -> None:
        """Check the file and bring its schema up to date; several processes may ask at once, one does it.

        Args:
            table: One that each file of ours has.
            migrations: Statements by version, from 1 on, each from the one before.

        Raises:
            UsageError: It is not ours, or newer than we are.
            StorageError: It could not be written.
        """
        with self.transaction() as db:
            self.check(table, len(migrations))
            version = self.version()
            for number, statements in enumerate(migrations[version:], start=version + 1):
                for statement in statements:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {number}")


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
