"""The bus of one process: queues in memory, one lock."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from blampert_env.telemetry.bus import dead_letters
from blampert_env.telemetry.bus.codec import Unserialisable, clean, describe, encode
from blampert_env.telemetry.bus.database import Database
from blampert_env.telemetry.bus.memory_queues import GroupQueue, MemoryConsumer, MemorySubscription
from blampert_env.telemetry.bus.trimming import notice
from blampert_env.telemetry.bus.values import (
    TOPIC_DEAD_LETTER,
    DeadLetter,
    Depths,
    Message,
    Policy,
    check_name,
    check_topic,
    matches,
)


class _Topic:
    """One topic: the newest messages, and where new ones go."""

    def __init__(self, policy: Policy) -> None:
        self.log: deque[Message] = deque(maxlen=policy.max_length)
        self.subscriptions: list[MemorySubscription] = []
        self.groups: dict[str, GroupQueue] = {}


class MemoryEngine:
    """What :class:`~blampert_env.telemetry.bus.LocalBus` is without a path."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._lock = threading.Lock()
        self._topics: dict[str, _Topic] = {}
        self._subscriptions: list[MemorySubscription] = []
        self._count = 0
        self._graves = Database(None)
        self.dead_letters = dead_letters.SqliteDeadLetters(self._graves, self._redriven)

    def publish(self, topic: str, value: Any, key: str | None = None) -> int:
        """See :meth:`Bus.publish`; nothing is refused here: a full queue's oldest message makes room."""
        try:
            text = encode(value)
        except Unserialisable as error:
            check_topic(topic)
            self.bury([DeadLetter("", topic, None, clean(key), None, describe(value), str(error), 0, time.time())])
            self._count += 1
            return self._count
        with self._lock:
            number, letters = self._put(topic, text, clean(key))
        if letters:
            self.bury(letters)
        return number

    def flush(self, timeout_s: float | None = None) -> None:
        """Nothing to do: what is published is there at once."""

    def subscribe(self, pattern: str) -> MemorySubscription:
        """See :meth:`Bus.subscribe`."""
        with self._lock:
            subscription = MemorySubscription(pattern, self.policy, self._lock, self._unsubscribe)
            self._subscriptions.append(subscription)
            for name, topic in self._topics.items():
                if matches(name, pattern):
                    topic.subscriptions.append(subscription)
        return subscription

    def consume(self, topic: str, group: str, consumer: str) -> MemoryConsumer:
        """See :meth:`Bus.consume`."""
        check_name("group", group)
        check_name("consumer", consumer)
        with self._lock:
            place = self._topic(topic)
            if group not in place.groups:
                place.groups[group] = GroupQueue(group, self.policy, self._lock, place.log)
            return MemoryConsumer(place.groups[group], consumer, self.bury)

    def drop_group(self, topic: str, group: str) -> None:
        """See :meth:`Bus.drop_group`."""
        with self._lock:
            if topic in self._topics:
                self._topics[topic].groups.pop(group, None)

    def depths(self) -> Depths:
        """See :meth:`Bus.depths`."""
        with self._lock:
            return Depths(
                topics={name: [len(it.waiting) for it in topic.subscriptions] for name, topic in self._each()},
                groups={
                    name: {group: [queue.depth] for group, queue in topic.groups.items()}
                    for name, topic in self._each()
                    if topic.groups
                },
                stored={name: len(topic.log) for name, topic in self._each()},
            )

    def close(self) -> None:
        """Let every waiting receiver go."""
        with self._lock:
            for subscription in self._subscriptions:
                subscription.shut()
            for topic in self._topics.values():
                for queue in topic.groups.values():
                    queue.shut()
        self._graves.close()

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters and announce them; the lock must be free."""
        with self._graves.transaction() as db:
            dead_letters.add(db, letters)
        for letter in letters:
            if letter.topic != TOPIC_DEAD_LETTER:
                self.publish(TOPIC_DEAD_LETTER, notice(letter))

    def _redriven(self, db: sqlite3.Connection, letters: Sequence[DeadLetter]) -> None:
        """Put letters back. They were taken from full queues at times: those stay bounded, the oldest die anew."""
        dead: list[DeadLetter] = []
        with self._lock:
            for letter in letters:
                dead += self._put(letter.topic, str(letter.text), letter.key, letter.group)[1]
        dead_letters.add(db, dead)

    def _put(self, topic: str, text: str, key: str | None, group: str | None = None) -> tuple[int, list[DeadLetter]]:
        """Hand a message to every queue of its topic, or to one group; under the lock."""
        place = self._topics.get(topic) or self._topic(topic)
        self._count += 1
        message = Message(str(self._count), topic, key, text, time.time())
        if group is not None and group in place.groups:
            return self._count, place.groups[group].put(message)
        letters: list[DeadLetter] = []
        place.log.append(message)
        for subscription in place.subscriptions:
            subscription.put(message)
        for queue in place.groups.values():
            letters += queue.put(message)
        return self._count, letters

    def _topic(self, name: str) -> _Topic:
        """The topic, made if it is new; under the lock."""
        if name not in self._topics:
            check_topic(name)
            topic = self._topics[name] = _Topic(self.policy)
            topic.subscriptions = [it for it in self._subscriptions if matches(name, it.pattern)]
        return self._topics[name]

    def _unsubscribe(self, subscription: MemorySubscription) -> None:
        """Under the lock."""
        for subscriptions in (self._subscriptions, *(topic.subscriptions for topic in self._topics.values())):
            if subscription in subscriptions:
                subscriptions.remove(subscription)

    def _each(self) -> list[tuple[str, _Topic]]:
        return sorted(self._topics.items())
