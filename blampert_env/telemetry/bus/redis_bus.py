"""The bus of several machines, on Redis Streams.

A batch of messages goes to the server as one ``MULTI``, with the batch's number: if the reply is lost, the number
tells whether the batch was, so that nothing is published twice.

What survives the server's own death is for the server's settings to say. With ``appendonly yes`` and ``appendfsync
always`` nothing that was acknowledged is lost. With ``appendfsync everysec`` (Redis' default) up to two seconds are,
``kill -9`` included: Redis answers while the write to its file waits for a sync. Without ``appendonly`` all is lost.
"""

from __future__ import annotations

import json
import time
import uuid
import weakref
from typing import Any, Self

from blampert_env.telemetry.bus.owner import is_gone
from blampert_env.telemetry.bus.publisher import Batch, Publisher, rows_of, to_trim
from blampert_env.telemetry.bus.redis_client import RedisClient
from blampert_env.telemetry.bus.redis_dead_letters import RedisDeadLetters, letter_arguments
from blampert_env.telemetry.bus.redis_group import RedisConsumer, dead_keys
from blampert_env.telemetry.bus.redis_scripts import SCRIPTS
from blampert_env.telemetry.bus.redis_subscription import RedisSubscription, waiting
from blampert_env.telemetry.bus.values import DeadLetter, Depths, Policy, check_name, check_topic, matches

_REMEMBER_S = 86_400  # how long the server keeps the number of a publisher's last batch


class RedisBus:
    """A :class:`~blampert_env.telemetry.bus.Bus` on a Redis server, 7 or newer; a context manager.

    Args:
        url: ``redis://[[user]:password@]host:port/db``.
        policy: Its bounds.
        prefix: Starts the name of every key; buses of different prefixes do not meet.

    Raises:
        UsageError: The package ``redis`` is missing, the address is wrong, or the server is too old.
        StorageError: The server does not answer within a second.
    """

    def __init__(self, url: str, *, policy: Policy | None = None, prefix: str = "blampert") -> None:
        self.policy = policy or Policy()
        self._client = RedisClient(url, prefix)
        self._number_key = self._client.key("publisher", uuid.uuid4().hex)
        self._batches = 0
        self._sent: Batch | None = None  # a batch whose reply was lost
        self._fresh: dict[str, int] = {}  # messages since a topic was trimmed
        self._subscriptions: weakref.WeakValueDictionary[str, RedisSubscription] = weakref.WeakValueDictionary()
        self.dead_letters = RedisDeadLetters(self._client)
        self._publisher = Publisher(self._store, self.policy, f"the bus {self._client.name}")

    def publish(self, topic: str, value: Any, key: str | None = None) -> int:
        """See :meth:`Bus.publish`."""
        return self._publisher.publish(topic, value, key)

    def flush(self, timeout_s: float | None = None) -> None:
        """See :meth:`Bus.flush`."""
        self._publisher.flush(timeout_s)

    def subscribe(self, pattern: str) -> RedisSubscription:
        """See :meth:`Bus.subscribe`."""
        subscription = RedisSubscription(self._client, pattern)
        self._subscriptions[subscription.id] = subscription
        return subscription

    def consume(self, topic: str, group: str, consumer: str) -> RedisConsumer:
        """See :meth:`Bus.consume`."""
        check_topic(topic)
        check_name("group", group)
        check_name("consumer", consumer)
        return RedisConsumer(self._client, self.policy, topic, group, consumer)

    def drop_group(self, topic: str, group: str) -> None:
        """See :meth:`Bus.drop_group`."""
        client = self._client
        client.call(lambda: client.db.xgroup_destroy(client.stream(topic), group))
        client.call(lambda: client.db.delete(client.key("again", topic, group)))

    def depths(self) -> Depths:
        """See :meth:`Bus.depths`. Subscribers write down once a second how far they are; this bus's own are asked."""
        client = self._client
        notes = client.call(lambda: client.db.hgetall(client.key("subscribers")))
        subscribers = [
            {**note, "passed": mine.passed if (mine := self._subscriptions.get(name)) else note["passed"]}
            for name, text in sorted(notes.items(), key=lambda it: json.loads(it[1])["since"])
            if not is_gone((note := json.loads(text))["owner"])
        ]
        topics: dict[str, list[int]] = {}
        groups: dict[str, dict[str, list[int]]] = {}
        stored: dict[str, int] = {}
        for topic in client.topics():
            stored[topic], found = self._fill(topic)
            if found:
                groups[topic] = found
            topics[topic] = [
                waiting(client, topic, note["passed"].get(topic, 0))
                for note in subscribers
                if matches(topic, note["pattern"])
            ]
        return Depths(topics, groups, stored, self._publisher.waiting, self._publisher.refused)

    def close(self) -> None:
        """See :meth:`Bus.close`."""
        self._publisher.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fill(self, topic: str) -> tuple[int, dict[str, list[int]]]:
        """Messages of a topic, and what each of its groups has not acknowledged."""
        client, stream = self._client, self._client.stream(topic)
        length = int(client.call(lambda: client.db.xlen(stream)))
        infos = client.call(lambda: client.db.xinfo_groups(stream)) if length or client.db.exists(stream) else []
        lags = {
            it["name"]: int(client.run("lag", [stream], [it["name"], it["last-delivered-id"]])) + int(it["pending"])
            for it in infos
        }
        return length, {name: [lag] for name, lag in lags.items()}

    def _store(self, batch: Batch) -> None:
        """Store a batch in one transaction; called by the outbox's thread, again if it raised."""
        self._client.call(lambda: self._send(batch))

    def _send(self, batch: Batch) -> None:
        if self._sent is not None:  # the batch that failed last time comes first again, with newer messages behind it
            if self._client.db.get(self._number_key) == str(self._batches):
                batch = batch[len(self._sent) :]  # it was stored, only the reply was lost
            self._sent = None
        if not batch:
            return
        self._batches += 1
        pipe = self._client.db.pipeline(transaction=True)
        pipe.set(self._number_key, self._batches, ex=_REMEMBER_S)
        for item in batch:
            if isinstance(item, DeadLetter):
                # the script's text goes along: EVALSHA could miss it within a transaction, after a restart
                pipe.eval(SCRIPTS["bury"], 4, *dead_keys(self._client), *letter_arguments(item))
            else:
                topic, key, text, published = item
                fields: dict[Any, Any] = {"b": text, "k": "" if key is None else f"={key}", "g": "", "t": published}
                pipe.xadd(self._client.stream(topic), fields)
        if topics := {row[0] for row in rows_of(batch)}:
            pipe.sadd(self._client.key("topics"), *topics)
        self._sent = batch
        pipe.execute()
        self._trim(batch)
        self._sent = None

    def _trim(self, batch: Batch) -> None:
        """Keep topics bounded; called now and then."""
        for topic in to_trim(self._fresh, rows_of(batch), self.policy.max_length):
            keys = [*dead_keys(self._client), self._client.stream(topic)]
            self._client.run("trim", keys, [topic, self.policy.max_length, time.time()])
