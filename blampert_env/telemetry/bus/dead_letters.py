"""The dead-letter queue in SQLite: of a durable bus in its file, of one in memory in a temporary file of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence

from blampert_env.errors import UsageError
from blampert_env.telemetry.bus.database import Database
from blampert_env.telemetry.bus.values import DeadLetter, matches

_INSERT = "INSERT INTO dead (topic, grp, key, body, repr, reason, attempts, time) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT id, topic, grp, key, body, repr, reason, attempts, time FROM dead"


class SqliteDeadLetters:
    """See :class:`~blampert_env.telemetry.bus.DeadLetters`.

    Args:
        database: Where they are kept.
        republish: Puts letters back into their topics, within the transaction it is given.
    """

    def __init__(
        self, database: Database, republish: Callable[[sqlite3.Connection, Sequence[DeadLetter]], None]
    ) -> None:
        self._database = database
        self._republish = republish

    def list(self, topic: str | None = None, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Up to ``limit`` letters (-1 for all), oldest first."""
        topics = [name for name in self.counts() if matches(name, topic)]
        where = f"WHERE topic IN ({', '.join('?' * len(topics))})" if topic is not None else ""
        values = topics if topic is not None else []
        return [_letter(row) for row in self._database.read(f"{_SELECT} {where} ORDER BY id LIMIT ?", [*values, limit])]

    def show(self, letter: str) -> DeadLetter:
        """The letter of this id.

        Raises:
            UsageError: There is none.
        """
        rows = self._database.read(f"{_SELECT} WHERE id = ?", [_number(letter)])
        if not rows:
            raise UsageError(f"no dead letter {letter!r}; `blampert dlq list` shows those there are")
        return _letter(rows[0])

    def redrive(self, topic: str | None = None, *, ids: Sequence[str] | None = None) -> int:
        """Send letters back; those that hold only a ``repr`` stay. Returns how many went."""
        with self._database.transaction() as db:
            letters = [letter for letter in self._chosen(topic, ids) if letter.text is not None]
            self._republish(db, letters)
            remove(db, letters)
        return len(letters)

    def purge(self, topic: str | None = None, *, ids: Sequence[str] | None = None) -> int:
        """Remove letters for good; returns how many."""
        with self._database.transaction() as db:
            letters = self._chosen(topic, ids)
            remove(db, letters)
        return len(letters)

    def counts(self) -> dict[str, int]:
        """Letters by topic."""
        return dict(self._database.read("SELECT topic, COUNT(*) FROM dead GROUP BY topic ORDER BY topic"))  # type: ignore[arg-type]

    @property
    def last_ts(self) -> float | None:
        """Unix time of the newest letter, in seconds."""
        rows = self._database.read("SELECT time FROM dead ORDER BY id DESC LIMIT 1")
        return float(rows[0][0]) if rows else None

    def _chosen(self, topic: str | None, ids: Sequence[str] | None) -> Sequence[DeadLetter]:
        return self.list(topic, limit=-1) if ids is None else [self.show(letter) for letter in dict.fromkeys(ids)]


def add(db: sqlite3.Connection, letters: Iterable[DeadLetter]) -> None:
    """Append letters (their ids are given by the file), within the caller's transaction."""
    db.executemany(
        _INSERT,
        ((it.topic, it.group, it.key, it.text, it.repr, it.reason, it.attempts, it.time) for it in letters),
    )


def remove(db: sqlite3.Connection, letters: Iterable[DeadLetter]) -> None:
    """Delete letters, within the caller's transaction."""
    db.executemany("DELETE FROM dead WHERE id = ?", ((int(letter.id),) for letter in letters))


def _letter(row: Sequence[object]) -> DeadLetter:
    return DeadLetter(str(row[0]), *row[1:])  # type: ignore[arg-type]


def _number(letter: str) -> int:
    """An id as the file has it; -1, which no letter has, for what is none."""
    return int(letter) if letter.isascii() and letter.isdigit() and len(letter) < 19 else -1
