"""The dead-letter queue on Redis: a stream of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from blampert_env.errors import UsageError
from blampert_env.telemetry.bus.redis_client import RedisClient
from blampert_env.telemetry.bus.redis_group import dead_keys
from blampert_env.telemetry.bus.values import DeadLetter, matches


class RedisDeadLetters:
    """See :class:`~blampert_env.telemetry.bus.DeadLetters`."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._stream = client.key("dead")

    def list(self, topic: str | None = None, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Up to ``limit`` letters (-1 for all), oldest first."""
        found: list[DeadLetter] = []
        start = "-"
        while limit < 0 or len(found) < limit:
            page = self._client.call(lambda: self._client.db.xrange(self._stream, start, "+", count=1000))  # noqa: B023
            if not page:
                break
            found += [_letter(*entry) for entry in page if matches(entry[1]["topic"], topic)]
            start = f"({page[-1][0]}"
        return found if limit < 0 else found[:limit]

    def show(self, letter: str) -> DeadLetter:
        """The letter of this id.

        Raises:
            UsageError: There is none.
        """
        import redis

        try:
            entries = self._client.db.xrange(self._stream, letter, letter)
        except redis.ResponseError:  # it does not look like an id
            entries = []
        except redis.RedisError:
            entries = self._client.call(lambda: self._client.db.xrange(self._stream, letter, letter))
        if not entries:
            raise UsageError(f"no dead letter {letter!r}; `blampert dlq list` shows those there are")
        return _letter(*entries[0])

    def redrive(self, topic: str | None = None, *, ids: Sequence[str] | None = None) -> int:
        """Send letters back; those that hold only a ``repr`` stay. Returns how many went."""
        return sum(self._exhume(letter, "redrive") for letter in self._chosen(topic, ids))

    def purge(self, topic: str | None = None, *, ids: Sequence[str] | None = None) -> int:
        """Remove letters for good; returns how many."""
        return sum(self._exhume(letter, "purge") for letter in self._chosen(topic, ids))

    def counts(self) -> dict[str, int]:
        """Letters by topic."""
        counts = self._client.call(lambda: self._client.db.hgetall(self._client.key("dead", "counts")))
        return {topic: int(counts[topic]) for topic in sorted(counts)}

    @property
    def last_ts(self) -> float | None:
        """Unix time of the newest letter, in seconds."""
        newest = self._client.call(lambda: self._client.db.xrevrange(self._stream, count=1))
        return float(newest[0][1]["time"]) if newest else None

    def _chosen(self, topic: str | None, ids: Sequence[str] | None) -> Sequence[DeadLetter]:
        return self.list(topic, limit=-1) if ids is None else [self.show(letter) for letter in dict.fromkeys(ids)]

    def _exhume(self, letter: DeadLetter, what: str) -> int:
        keys = [*dead_keys(self._client)[:3], self._client.stream(letter.topic)]
        return int(self._client.call(lambda: self._client.run("exhume", keys, [letter.id, what, time.time()])))


def letter_arguments(letter: DeadLetter) -> list[Any]:
    """What the script ``bury`` takes."""
    optional = [letter.group, letter.key, letter.text, letter.repr]
    shown = ["" if value is None else f"={value}" for value in optional]
    return [letter.topic, *shown, letter.reason, letter.attempts, letter.time]


def _letter(entry: str, fields: dict[str, str]) -> DeadLetter:
    group, key, text, shown = (fields[name][1:] if fields[name] else None for name in ("group", "key", "body", "repr"))
    attempts, died = int(fields["attempts"]), float(fields["time"])
    return DeadLetter(entry, fields["topic"], group, key, text, shown, fields["reason"], attempts, died)
