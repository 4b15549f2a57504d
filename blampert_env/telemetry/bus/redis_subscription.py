"""A subscriber of the bus on Redis: a place in each stream that moves on as it reads."""

from __future__ import annotations

import json
import time
import uuid

from blampert_env.telemetry.bus.owner import this_process
from blampert_env.telemetry.bus.redis_client import RedisClient
from blampert_env.telemetry.bus.redis_receiver import RedisReceiver, message_of
from blampert_env.telemetry.bus.values import Message, matches

_NOTE_S = 1.0  # how often its place is written down, for depths()
_LOOK_S = 0.2  # how often it looks for new topics


class RedisSubscription(RedisReceiver):
    """See :class:`~blampert_env.telemetry.bus.Subscription`."""

    def __init__(self, client: RedisClient, pattern: str) -> None:
        super().__init__(client)
        self.pattern = pattern
        self.id = uuid.uuid4().hex
        self._since = time.time()
        self._places: dict[str, str] = {}  # by topic: the last entry read
        self.passed: dict[str, int] = {}  # by topic: entries before and behind its place, those it missed left out
        self._looked = self._noted = 0.0
        self._look(from_now=True)
        self._note()

    @property
    def missed(self) -> int:
        """Messages that fell out before it came to read them."""
        return sum(
            added(self._client, topic) - self.passed[topic] - self._ahead(topic, place)
            for topic, place in self._places.items()
        )

    def _leave(self) -> None:
        """Take its note away; where the server is away, that of a dead process is ignored."""
        self._client.call(lambda: self._client.db.hdel(self._client.key("subscribers"), self.id))

    def _take(self, limit: int) -> list[Message]:
        if time.monotonic() - self._looked >= _LOOK_S:
            self._look(from_now=False)
        found: list[Message] = []
        streams = {self._client.stream(topic): place for topic, place in self._places.items()}
        reply = self._client.db.xread(streams, count=limit) if streams else []
        for stream, entries in reply:
            topic = stream.removeprefix(self._client.stream(""))
            for entry, fields in entries[: limit - len(found)]:
                self._places[topic] = entry
                self.passed[topic] += 1
                if fields["g"] == "":
                    found.append(message_of(entry, topic, fields))
        if time.monotonic() - self._noted >= _NOTE_S:
            self._note()
        return found

    def _look(self, *, from_now: bool) -> None:
        """Find new topics. One that was made after the subscription is read from its start."""
        self._looked = time.monotonic()
        for topic in self._client.topics():
            if topic in self._places or not matches(topic, self.pattern):
                continue
            self._places[topic], self.passed[topic] = self._newest(topic) if from_now else ("0-0", 0)

    def _newest(self, topic: str) -> tuple[str, int]:
        info = self._client.call(lambda: self._client.db.xinfo_stream(self._client.stream(topic)))
        return str(info["last-generated-id"]), int(info["entries-added"])

    def _ahead(self, topic: str, place: str) -> int:
        entries: list[object] = self._client.call(
            lambda: self._client.db.xrange(self._client.stream(topic), min=f"({place}")
        )
        return len(entries)

    def _note(self) -> None:
        """Write its place down now and then."""
        self._noted = time.monotonic()
        note = json.dumps(
            {"pattern": self.pattern, "owner": this_process(), "since": self._since, "passed": self.passed}
        )
        self._client.call(lambda: self._client.db.hset(self._client.key("subscribers"), self.id, note))


def added(client: RedisClient, topic: str) -> int:
    """Entries a stream has ever had."""
    info = client.call(lambda: client.db.xinfo_stream(client.stream(topic)))
    return int(info["entries-added"])


def waiting(client: RedisClient, topic: str, passed: int) -> int:
    """Entries a subscriber has not read, of those that are still there."""
    length = client.call(lambda: client.db.xlen(client.stream(topic)))
    return max(0, min(int(length), added(client, topic) - passed))
