"""The bus of one machine: a SQLite file (write-ahead log) that any number of processes share.

Publishers commit in batches with ``synchronous=FULL``: what ``flush`` has acknowledged survives a power cut too. What
groups do (take, acknowledge) commits with ``synchronous=NORMAL``: it survives ``kill -9``; after a power cut the last
moments of it may be done again, as "at least once" allows. SQLite rather than a log of our own: one writer at a time,
recovery after a crash, and a queue that is a query are what it was made for, and a batch of 2,000 costs one sync.
"""

from __future__ import annotations

import sqlite3
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from blampert_env.telemetry.bus import dead_letters
from blampert_env.telemetry.bus.database import Database
from blampert_env.telemetry.bus.durable_group import DurableConsumer
from blampert_env.telemetry.bus.durable_subscription import DurableSubscription
from blampert_env.telemetry.bus.owner import is_gone
from blampert_env.telemetry.bus.publisher import Batch, Publisher, rows_of, to_trim
from blampert_env.telemetry.bus.trimming import announce, trim
from blampert_env.telemetry.bus.values import DeadLetter, Depths, Policy, check_name, check_topic, matches

_INSERT = "INSERT INTO messages (topic, key, body, time) VALUES (?, ?, ?, ?)"
_INSERT_FOR = "INSERT INTO messages (topic, key, body, only_group, time) VALUES (?, ?, ?, ?, ?)"


class DurableEngine:
    """What :class:`~blampert_env.telemetry.bus.LocalBus` is with a path."""

    def __init__(self, path: Path, policy: Policy) -> None:
        self.policy = policy
        self._database = Database(path, synchronous="NORMAL")
        self._writing = Database(path, synchronous="FULL")
        self._fresh: dict[str, int] = {}  # messages since a topic was trimmed
        self._subscriptions: weakref.WeakValueDictionary[int, DurableSubscription] = weakref.WeakValueDictionary()
        self.dead_letters = dead_letters.SqliteDeadLetters(self._database, _republish)
        self._publisher = Publisher(self._store, policy, f"the bus {path}")

    def publish(self, topic: str, value: Any, key: str | None = None) -> int:
        """See :meth:`Bus.publish`."""
        return self._publisher.publish(topic, value, key)

    def flush(self, timeout_s: float | None = None) -> None:
        """See :meth:`Bus.flush`."""
        self._publisher.flush(timeout_s)

    def subscribe(self, pattern: str) -> DurableSubscription:
        """See :meth:`Bus.subscribe`."""
        subscription = DurableSubscription(self._database, pattern)
        self._subscriptions[subscription.id] = subscription
        return subscription

    def consume(self, topic: str, group: str, consumer: str) -> DurableConsumer:
        """See :meth:`Bus.consume`."""
        check_topic(topic)
        check_name("group", group)
        check_name("consumer", consumer)
        return DurableConsumer(self._database, self.policy, topic, group, consumer)

    def drop_group(self, topic: str, group: str) -> None:
        """See :meth:`Bus.drop_group`."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM groups WHERE topic = ? AND name = ?", (topic, group))
            db.execute("DELETE FROM deliveries WHERE topic = ? AND grp = ?", (topic, group))

    def depths(self) -> Depths:
        """See :meth:`Bus.depths`."""
        read = self._database.read
        stored = dict(read("SELECT topic, COUNT(*) FROM messages GROUP BY topic ORDER BY topic"))  # type: ignore[arg-type]
        topics: dict[str, list[int]] = {topic: [] for topic in stored}
        for number, pattern, owner, noted in read("SELECT id, pattern, owner, position FROM subscribers ORDER BY id"):
            mine = self._subscriptions.get(number)
            position = mine.position if mine else noted  # others write theirs down once a second
            for topic in topics if not is_gone(owner) else ():
                if matches(topic, pattern):
                    topics[topic].append(self._after(topic, position))
        groups: dict[str, dict[str, list[int]]] = {}
        for topic, name, position, held in read(
            "SELECT g.topic, g.name, g.position, (SELECT COUNT(*) FROM deliveries d WHERE d.topic = g.topic"
            " AND d.grp = g.name) FROM groups g ORDER BY g.topic, g.name"
        ):
            groups.setdefault(topic, {})[name] = [self._after(topic, position, name) + held]
        return Depths(topics, groups, stored, self._publisher.waiting, self._publisher.refused)

    def close(self) -> None:
        """See :meth:`Bus.close`."""
        self._publisher.close()
        self._writing.close()
        self._database.close()

    def _after(self, topic: str, position: int, group: str | None = None) -> int:
        query = "SELECT COUNT(*) FROM messages WHERE topic = ? AND id > ? AND (only_group IS NULL OR only_group = ?)"
        return int(self._database.read(query, (topic, position, group))[0][0])

    def _store(self, batch: Batch) -> None:
        """Store a batch in one transaction; called by the outbox's thread."""
        letters = [item for item in batch if isinstance(item, DeadLetter)]
        rows, fresh = rows_of(batch), dict(self._fresh)
        with self._writing.transaction() as db:
            db.executemany(_INSERT, rows)
            dead_letters.add(db, letters)
            announce(db, letters)
            for topic in to_trim(fresh, rows, self.policy.max_length):
                trim(db, topic, self.policy.max_length)
        self._fresh = fresh


def _republish(db: sqlite3.Connection, letters: Sequence[DeadLetter]) -> None:
    now = time.time()
    db.executemany(_INSERT_FOR, [(it.topic, it.key, str(it.text), it.group, now) for it in letters])
