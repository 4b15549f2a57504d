"""A consumer group on Redis Streams."""

from __future__ import annotations

import time
import uuid

from blampert_env.telemetry.bus.owner import is_gone, this_process
from blampert_env.telemetry.bus.redis_client import RedisClient
from blampert_env.telemetry.bus.redis_receiver import RedisReceiver, message_of
from blampert_env.telemetry.bus.values import TOPIC_DEAD_LETTER, Message, Policy

_CHECK_S = 0.5  # how often a group looks for members that died


class RedisConsumer(RedisReceiver):
    """See :class:`~blampert_env.telemetry.bus.Consumer`."""

    def __init__(self, client: RedisClient, policy: Policy, topic: str, group: str, name: str) -> None:
        super().__init__(client)
        self.name = name
        self._policy = policy
        self._topic, self._group = topic, group
        self._stream, self._retries = client.stream(topic), client.key("again", topic, group)
        # two consumers of one name are two members; the process tells others whether it still lives
        self._owner = f"{name}#{uuid.uuid4().hex[:12]}@{this_process()}"
        self._checked = 0.0
        client.insist(self._join)

    def ack(self, *messages: Message) -> int:
        """See :meth:`Consumer.ack`.

        Raises:
            StorageError: The server does not answer for 10 s; the messages will come again.
        """
        arguments = [self._group, self._owner, *(message.id for message in messages)]
        return int(self._client.insist(lambda: self._client.run("ack", [self._stream, self._retries], arguments)))

    def nack(self, message: Message, reason: str = "refused") -> None:
        """See :meth:`Consumer.nack`."""
        now = time.time()
        arguments = [
            *(self._group, self._owner, message.id, self._policy.max_attempts),
            *(now + self._policy.delay(message.attempts), self._topic),
            *("" if message.key is None else f"={message.key}", f"={message.text}", reason, now),
        ]
        self._client.insist(lambda: self._client.run("nack", self._keys(), arguments))

    def _leave(self) -> None:
        """What is on loan goes to the others at once; where the server is away, the leases end by themselves."""
        self._give_back(self._owner)

    def _join(self) -> None:
        create_group(self._client, self._topic, self._group)

    def _keys(self) -> list[str]:
        return [*dead_keys(self._client), self._stream, self._retries]

    def _give_back(self, owner: str) -> None:
        self._client.call(lambda: self._client.run("leave", [self._stream, self._retries], [self._group, owner]))

    def _take(self, limit: int) -> list[Message]:
        """Borrow up to ``limit`` messages: what is due again first, then new ones."""
        now = time.time()
        if now - self._checked >= _CHECK_S:
            self._checked = now
            self._free_the_dead()
        lease_ms = max(1, round(1000 * self._policy.lease_s))
        arguments = [self._group, self._owner, now, limit, lease_ms, self._policy.max_attempts, self._topic]
        found = [
            _message(entry, self._topic, _pairs(flat), attempts)
            for entry, flat, attempts in self._client.run("again", self._keys(), arguments)
        ]
        return found + self._take_new(limit - len(found))

    def _take_new(self, limit: int) -> list[Message]:
        """Messages nobody in the group has had, at most as many on loan as the topic may hold."""
        held = self._client.db.xpending(self._stream, self._group)["pending"]
        limit = min(limit, self._policy.max_length - held)
        if limit <= 0:
            return []
        reply = self._client.db.xreadgroup(self._group, self._owner, {self._stream: ">"}, count=limit)
        entries = reply[0][1] if reply else []
        theirs = [entry for entry, fields in entries if fields["g"] not in ("", self._group)]
        if theirs:  # sent again to another group
            self._client.db.xack(self._stream, self._group, *theirs)
        return [_message(entry, self._topic, fields, 1) for entry, fields in entries if entry not in theirs]

    def _free_the_dead(self) -> None:
        """Give back what members held whose process is gone, without waiting for their leases."""
        for member in self._client.db.xpending(self._stream, self._group)["consumers"] or ():
            if is_gone(member["name"].rpartition("@")[2]):
                self._give_back(member["name"])


def create_group(client: RedisClient, topic: str, group: str) -> None:
    """Make a group that starts with the oldest message, unless it is there."""
    import redis

    try:
        client.db.xgroup_create(client.stream(topic), group, id="0", mkstream=True)
        client.db.sadd(client.key("topics"), topic)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def dead_keys(client: RedisClient) -> list[str]:
    """The first four keys of every script that may bury."""
    return [client.key("dead"), client.key("dead", "counts"), client.key("topics"), client.stream(TOPIC_DEAD_LETTER)]


def _message(entry: str, topic: str, fields: dict[str, str], attempts: int) -> Message:
    return message_of(entry, topic, fields)._replace(attempts=attempts)


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
