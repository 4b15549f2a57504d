"""Keeps topics bounded, and buries what had to go before a group got it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from blampert_env.telemetry.bus import dead_letters
from blampert_env.telemetry.bus.values import TOPIC_DEAD_LETTER, DeadLetter


def trim(db: sqlite3.Connection, topic: str, max_length: int) -> None:
    """Remove all but the newest ``max_length`` messages of a topic, within the caller's transaction.

    What a group has not been handed yet becomes its dead letter. What is on loan stays until it is acknowledged.
    """
    row = db.execute(
        "SELECT id FROM messages WHERE topic = ? ORDER BY id DESC LIMIT 1 OFFSET ?", (topic, max_length)
    ).fetchone()
    if row is None:
        return
    last = row[0]
    for group, position in db.execute("SELECT name, position FROM groups WHERE topic = ?", (topic,)).fetchall():
        missed = db.execute(
            "SELECT key, body FROM messages WHERE topic = ? AND id > ? AND id <= ?"
            " AND (only_group IS NULL OR only_group = ?)",
            (topic, position, last, group),
        ).fetchall()
        reason, now = f"queue full ({max_length} messages)", time.time()
        bury(db, [DeadLetter("", topic, group, key, body, None, reason, 0, now) for key, body in missed])
        db.execute(
            "UPDATE groups SET position = MAX(position, ?) WHERE topic = ? AND name = ?",
            (last, topic, group),
        )
    gone = "FROM messages WHERE topic = ?1 AND id <= ?2 AND id NOT IN (SELECT message FROM deliveries WHERE topic = ?1)"
    for_all = db.execute(f"SELECT COUNT(*) {gone} AND only_group IS NULL", (topic, last)).fetchone()[0]
    db.execute(
        "INSERT INTO trimmed VALUES (?1, ?2) ON CONFLICT DO UPDATE SET messages = messages + ?2",
        (topic, for_all),
    )
    db.execute(f"DELETE {gone}", (topic, last))


def bury(db: sqlite3.Connection, letters: Sequence[DeadLetter]) -> None:
    """Keep dead letters and announce them, within the caller's transaction."""
    dead_letters.add(db, letters)
    announce(db, letters)


def announce(db: sqlite3.Connection, letters: Sequence[DeadLetter]) -> None:
    """Say on ``agent.deadletter`` what died; the dead of that topic itself are not announced."""
    db.executemany(
        "INSERT INTO messages (topic, key, body, only_group, time) VALUES (?, ?, ?, NULL, ?)",
        [
            (TOPIC_DEAD_LETTER, letter.key, json.dumps(notice(letter)), letter.time)
            for letter in letters
            if letter.topic != TOPIC_DEAD_LETTER
        ],
    )


def notice(letter: DeadLetter) -> dict[str, Any]:
    """What is said of a letter on the topic ``agent.deadletter``."""
    return {"topic": letter.topic, "group": letter.group, "key": letter.key, "reason": letter.reason}
