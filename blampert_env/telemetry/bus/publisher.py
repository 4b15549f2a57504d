"""What buses that store messages elsewhere do alike with what is published, before they store it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from blampert_env.telemetry.bus.codec import Unserialisable, clean, describe, encode
from blampert_env.telemetry.bus.outbox import Outbox
from blampert_env.telemetry.bus.values import DeadLetter, Policy, check_topic

Row = tuple[str, str | None, str, float]
"""A message to be stored: topic, key, text, time."""
Batch = Sequence[Row | DeadLetter]


class Publisher:
    """Writes values as JSON and buffers them; what JSON cannot hold goes to the dead letters in their place.

    Args:
        store: Stores a batch whole or raises a :class:`BlampertError`; called from a thread of its own.
        policy: The bus's bounds.
        name: What to call the bus in messages.
    """

    def __init__(self, store: Callable[[Batch], None], policy: Policy, name: str) -> None:
        self._known: set[str] = set()
        self._outbox: Outbox[Row | DeadLetter] = Outbox(store, policy, name)

    def publish(self, topic: str, value: Any, key: str | None = None) -> int:
        """See :meth:`Bus.publish`."""
        if topic not in self._known:
            check_topic(topic)
            self._known.add(topic)
        try:
            text = encode(value)
        except Unserialisable as error:
            shown = describe(value)
            letter = DeadLetter("", topic, None, clean(key), None, shown, str(error), 0, time.time())
            return self._outbox.put(letter, len(shown))
        return self._outbox.put((topic, clean(key), text, time.time()), len(text))

    def flush(self, timeout_s: float | None = None) -> None:
        """See :meth:`Bus.flush`."""
        self._outbox.flush(timeout_s)

    def close(self) -> None:
        """See :meth:`Bus.close`."""
        self._outbox.close()

    @property
    def waiting(self) -> int:
        """Messages that are not stored yet."""
        return self._outbox.waiting

    @property
    def refused(self) -> int:
        """Messages there was no room for."""
        return self._outbox.refused


def rows_of(batch: Batch) -> list[Row]:
    """The messages of a batch."""
    return [item for item in batch if not isinstance(item, DeadLetter)]


def to_trim(fresh: dict[str, int], rows: Sequence[Row], max_length: int) -> Iterator[str]:
    """Count stored messages in; gives the topics that grew by a tenth since they were trimmed, for the caller to trim.

    Args:
        fresh: Messages by topic since it was trimmed; a topic starts again from 0 once the caller has trimmed it.
        rows: The new ones.
        max_length: Messages that a topic keeps.
    """
    for row in rows:
        fresh[row[0]] = fresh.get(row[0], 0) + 1
    for topic, count in fresh.items():
        if count * 10 >= max_length:
            yield topic
            fresh[topic] = 0
