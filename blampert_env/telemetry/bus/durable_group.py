"""A consumer group of the durable bus: loans in a table, taken and given back in transactions."""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

from blampert_env.telemetry.bus.database import Database
from blampert_env.telemetry.bus.owner import is_gone, this_process
from blampert_env.telemetry.bus.polling import poll
from blampert_env.telemetry.bus.receiver import ReceiverBase
from blampert_env.telemetry.bus.trimming import bury
from blampert_env.telemetry.bus.values import DeadLetter, Message, Policy

_CHECK_S = 0.5  # how often a group looks for members that died

_ANY = """SELECT EXISTS (SELECT 1 FROM messages m JOIN groups g ON g.topic = m.topic AND g.name = ?2
    WHERE m.topic = ?1 AND m.id > g.position) OR EXISTS (SELECT 1 FROM deliveries WHERE topic = ?1 AND grp = ?2
    AND due <= ?3)"""
_DUE = """SELECT m.id, m.topic, m.key, m.body, m.time, d.attempts, d.owner FROM deliveries d
    JOIN messages m ON m.id = d.message WHERE d.topic = ? AND d.grp = ? AND d.due <= ? ORDER BY m.id LIMIT ?"""
_NEW = """SELECT id, topic, key, body, time, 0, NULL FROM messages WHERE topic = ?1 AND id > ?2
    AND (only_group IS NULL OR only_group = ?3) ORDER BY id LIMIT ?4"""


class DurableConsumer(ReceiverBase):
    """See :class:`~blampert_env.telemetry.bus.Consumer`."""

    def __init__(self, database: Database, policy: Policy, topic: str, group: str, name: str) -> None:
        self.name = name
        self._database = database
        self._policy = policy
        self._topic, self._group = topic, group
        # two consumers of one name are two members; the process tells others whether it still lives
        self._owner = f"{name}#{uuid.uuid4().hex[:12]}@{this_process()}"
        self._closed = threading.Event()
        self._checked = 0.0
        with database.transaction() as db:
            first = db.execute("SELECT COALESCE(MIN(id), 1) - 1 FROM messages WHERE topic = ?", (topic,)).fetchone()[0]
            db.execute("INSERT OR IGNORE INTO groups VALUES (?, ?, ?)", (topic, group, first))

    def get_many(self, limit: int = 100, timeout_s: float | None = 0.0) -> list[Message]:
        """See :meth:`Receiver.get_many`."""
        return poll(lambda: self._take(limit), timeout_s, self._closed)

    def ack(self, *messages: Message) -> int:
        """See :meth:`Consumer.ack`."""
        with self._database.transaction() as db:
            return self._remove(db, messages)

    def nack(self, message: Message, reason: str = "refused") -> None:
        """See :meth:`Consumer.nack`."""
        with self._database.transaction() as db:
            if not self._is_mine(db, message):
                return
            if message.attempts >= self._policy.max_attempts:
                self._bury(db, message, reason)
                return
            self._again(db, int(message.id), time.time() + self._policy.delay(message.attempts))

    def close(self) -> None:
        """Leave the group: what is on loan goes to the others at once."""
        if not self._closed.is_set():
            self._closed.set()
            with self._database.transaction() as db:
                db.execute(
                    "UPDATE deliveries SET owner = NULL, due = 0 WHERE topic = ? AND grp = ? AND owner = ?",
                    (self._topic, self._group, self._owner),
                )

    def _take(self, limit: int) -> list[Message]:
        """Borrow up to ``limit`` messages: what is due again first, then new ones."""
        now = time.time()
        self._free_the_dead(now)
        place = (self._topic, self._group)
        if not self._database.read(_ANY, (*place, now))[0][0]:  # a look costs no lock
            return []
        with self._database.transaction() as db:
            rows = []
            for row in db.execute(_DUE, (*place, now, limit)).fetchall():
                if row[5] < self._policy.max_attempts:
                    rows.append(row)
                else:
                    why = f"not acknowledged within {self._policy.lease_s:g} s" if row[6] else "its consumer left"
                    self._bury(db, _message(row, row[5]), why)
            if len(rows) < limit:
                rows += self._take_new(db, limit - len(rows))
            due = now + self._policy.lease_s
            db.executemany(
                "INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?, ?)",
                [(*place, row[0], self._owner, row[5] + 1, due) for row in rows],
            )
        return [_message(row, row[5] + 1) for row in rows]

    def _take_new(self, db: sqlite3.Connection, limit: int) -> list[tuple[Any, ...]]:
        """Messages nobody in the group has had, at most as many on loan as the topic may hold."""
        place = (self._topic, self._group)
        held = db.execute("SELECT COUNT(*) FROM deliveries WHERE topic = ? AND grp = ?", place).fetchone()[0]
        limit = min(limit, self._policy.max_length - held)
        position = db.execute("SELECT position FROM groups WHERE topic = ? AND name = ?", place).fetchone()
        if position is None or limit <= 0:  # the group was dropped
            return []
        rows = db.execute(_NEW, (self._topic, position[0], self._group, limit)).fetchall()
        if rows:
            db.execute("UPDATE groups SET position = ? WHERE topic = ? AND name = ?", (rows[-1][0], *place))
        return rows

    def _free_the_dead(self, now: float) -> None:
        """Give back what members held whose process is gone, without waiting for their leases."""
        if now - self._checked < _CHECK_S:
            return
        self._checked = now
        place = (self._topic, self._group)
        owners = self._database.read(
            "SELECT DISTINCT owner FROM deliveries WHERE topic = ? AND grp = ? AND owner IS NOT NULL", place
        )
        gone = [(*place, owner) for (owner,) in owners if is_gone(owner.rpartition("@")[2])]
        if gone:
            with self._database.transaction() as db:
                db.executemany(
                    "UPDATE deliveries SET owner = NULL, due = 0 WHERE topic = ? AND grp = ? AND owner = ?", gone
                )

    def _is_mine(self, db: sqlite3.Connection, message: Message) -> bool:
        row = db.execute(
            "SELECT owner FROM deliveries WHERE topic = ? AND grp = ? AND message = ?",
            (self._topic, self._group, int(message.id)),
        ).fetchone()
        return row is not None and row[0] == self._owner

    def _remove(self, db: sqlite3.Connection, messages: Sequence[Message]) -> int:
        return db.executemany(
            "DELETE FROM deliveries WHERE topic = ? AND grp = ? AND message = ? AND owner = ?",
            [(self._topic, self._group, int(message.id), self._owner) for message in messages],
        ).rowcount

    def _again(self, db: sqlite3.Connection, number: int, due: float) -> None:
        db.execute(
            "UPDATE deliveries SET owner = NULL, due = ? WHERE topic = ? AND grp = ? AND message = ?",
            (due, self._topic, self._group, number),
        )

    def _bury(self, db: sqlite3.Connection, message: Message, reason: str) -> None:
        tries = message.attempts
        why = f"{reason} (delivered {tries} times)"
        letter = DeadLetter("", message.topic, self._group, message.key, message.text, None, why, tries, time.time())
        bury(db, [letter])
        db.execute(
            "DELETE FROM deliveries WHERE topic = ? AND grp = ? AND message = ?",
            (self._topic, self._group, int(message.id)),
        )


def _message(row: tuple[Any, ...], attempts: int) -> Message:
    return Message(str(row[0]), row[1], row[2], row[3], row[4], attempts)
