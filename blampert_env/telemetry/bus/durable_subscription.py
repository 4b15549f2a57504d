"""A subscriber of the durable bus: a place in the log that moves on as it reads."""

from __future__ import annotations

import threading
import time

from blampert_env.telemetry.bus.database import Database
from blampert_env.telemetry.bus.owner import is_gone, this_process
from blampert_env.telemetry.bus.polling import poll
from blampert_env.telemetry.bus.receiver import ReceiverBase
from blampert_env.telemetry.bus.values import Message, matches

_NOTE_S = 1.0  # how often its place is written down, for depths()


class DurableSubscription(ReceiverBase):
    """See :class:`~blampert_env.telemetry.bus.Subscription`."""

    def __init__(self, database: Database, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0  # id of the last message it has passed
        self._database = database
        self._closed = threading.Event()
        self._topics: dict[str, bool] = {}
        self._seen = 0
        with database.transaction() as db:
            owners = {row[0] for row in db.execute("SELECT DISTINCT owner FROM subscribers")}
            db.executemany("DELETE FROM subscribers WHERE owner = ?", [(it,) for it in owners if is_gone(it)])
            row = db.execute("SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'messages'").fetchone()
            self.position = self._noted = int(row[0])
            self._before = self._published()
            self.id: int = db.execute(
                "INSERT INTO subscribers (pattern, owner, position) VALUES (?, ?, ?)",
                (pattern, this_process(), self.position),
            ).lastrowid  # type: ignore[assignment]
        self._noted_at = time.monotonic()

    @property
    def missed(self) -> int:
        """Messages that fell out before it came to read them."""
        query = "SELECT topic, COUNT(*) FROM messages WHERE id > ? AND only_group IS NULL GROUP BY topic"
        waiting = sum(int(count) for topic, count in self._database.read(query, [self.position]) if self._wants(topic))
        return self._published() - self._before - self._seen - waiting

    def get_many(self, limit: int = 100, timeout_s: float | None = 0.0) -> list[Message]:
        """See :meth:`Receiver.get_many`."""
        return poll(lambda: self._take(limit), timeout_s, self._closed)

    def close(self) -> None:
        """Stop listening."""
        if not self._closed.is_set():
            self._closed.set()
            with self._database.transaction() as db:
                db.execute("DELETE FROM subscribers WHERE id = ?", (self.id,))

    def _take(self, limit: int) -> list[Message]:
        rows = self._database.read(
            "SELECT id, topic, key, body, time, only_group FROM messages WHERE id > ? ORDER BY id LIMIT ?",
            (self.position, max(limit, 100)),
        )
        taken: list[Message] = []
        for number, topic, key, body, published, only_group in rows:
            if only_group is None and self._wants(topic):
                if len(taken) == limit:
                    break
                taken.append(Message(str(number), topic, key, body, published))
            self.position = number
        self._seen += len(taken)
        self._note()
        return taken if taken or not rows else self._take(limit)

    def _wants(self, topic: str) -> bool:
        if topic not in self._topics:
            self._topics[topic] = matches(topic, self.pattern)
        return self._topics[topic]

    def _published(self) -> int:
        """Messages its topics have had so far, those that are gone included."""
        rows = self._database.read(
            "SELECT topic, COUNT(*) FROM messages WHERE only_group IS NULL GROUP BY topic"
            " UNION ALL SELECT topic, messages FROM trimmed"
        )
        return sum(int(count) for topic, count in rows if self._wants(topic))

    def _note(self) -> None:
        """Write its place down now and then."""
        now = time.monotonic()
        if self.position != self._noted and now - self._noted_at >= _NOTE_S:
            with self._database.transaction() as db:
                db.execute("UPDATE subscribers SET position = ? WHERE id = ?", (self.position, self.id))
            self._noted, self._noted_at = self.position, now
