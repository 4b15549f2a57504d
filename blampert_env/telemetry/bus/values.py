"""The values of a bus: messages, dead letters, depths, bounds, and the names of topics."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from blampert_env.errors import UsageError

TOPIC_ACTIONS = "agent.actions"
TOPIC_CODE = "agent.code"
TOPIC_LEARNING = "agent.learning"
TOPIC_RESULTS = "agent.results"
"""Followed by a dot and the project's name."""
TOPIC_METRICS = "agent.metrics"
TOPIC_DEAD_LETTER = "agent.deadletter"
TOPIC_LOGS = "logs"
"""Followed by a dot and the logger's name."""

_TOPIC = re.compile(r"[^\s*?\[\]\x00-\x1f\ud800-\udfff]{1,200}")
_NOT_IN_TOPIC = re.compile(r"[\s*?\[\]\x00-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Policy:
    """The bounds of a bus.

    Attributes:
        max_length: Messages a topic keeps, >= 1; older ones go as the bus's description says.
        lease_s: Seconds a consumer may hold a message before somebody else gets it, > 0.
        max_attempts: Deliveries before a message goes to the dead letters, >= 1.
        backoff_s: Seconds until the second delivery of a refused message; doubled for each further one.
        max_backoff_s: Longest such wait in seconds.
        max_buffer: Messages that wait in memory for the disk or the server, >= 1.
        max_buffer_bytes: The same in bytes of JSON, >= 1.
    """

    max_length: int = 10_000
    lease_s: float = 30.0
    max_attempts: int = 5
    backoff_s: float = 0.1
    max_backoff_s: float = 10.0
    max_buffer: int = 65_536
    max_buffer_bytes: int = 64 * 2**20

    def __post_init__(self) -> None:
        """Refuse bounds that cannot work."""
        for name in ("max_length", "max_attempts", "max_buffer", "max_buffer_bytes"):
            if getattr(self, name) < 1:
                raise UsageError(f"bus policy: {name} must be at least 1, not {getattr(self, name)}")
        if self.lease_s <= 0 or self.backoff_s < 0 or self.max_backoff_s < 0:
            raise UsageError("bus policy: lease_s must be above 0, backoff_s and max_backoff_s at least 0")

    def delay(self, attempts: int) -> float:
        """Seconds to wait after ``attempts`` deliveries, in [0, max_backoff_s]."""
        return min(self.max_backoff_s, self.backoff_s * 2.0 ** min(attempts - 1, 60))


class Message(NamedTuple):
    """One message as a consumer gets it.

    Attributes:
        id: Names it in its bus; grows with time within a topic.
        topic: Where it was published.
        key: What the publisher named it by, or None.
        text: The value as JSON.
        time: Unix time of publication, in seconds.
        attempts: Which delivery to its group this is, from 1; 0 for a subscriber.
    """

    id: str
    topic: str
    key: str | None
    text: str
    time: float
    attempts: int = 0

    @property
    def value(self) -> Any:
        """The value, decoded anew at each call, so that no two consumers share it."""
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be delivered.

    Attributes:
        id: Names it in the dead-letter queue.
        topic: Where it was published.
        group: The consumer group that did not take it; None where it never got into the topic.
        key: The message's key.
        text: The value as JSON; None where JSON cannot hold it.
        repr: ``repr`` of such a value; None otherwise.
        reason: Why it is here, one line.
        attempts: Deliveries that were tried.
        time: Unix time of its death, in seconds.
    """

    id: str
    topic: str
    group: str | None
    key: str | None
    text: str | None
    repr: str | None
    reason: str
    attempts: int
    time: float


@dataclass(frozen=True, slots=True)
class Depths:
    """How full a bus is.

    Attributes:
        topics: For each topic, messages that wait for a subscriber: one number a subscriber.
        groups: For each topic and group, messages not acknowledged yet, as a list of one number.
        stored: Messages kept of each topic.
        buffered: Messages of this process that are not stored yet.
        refused: Messages of this process that were refused because the buffer was full.
    """

    topics: dict[str, list[int]] = field(default_factory=dict)
    groups: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)
    buffered: int = 0
    refused: int = 0


def check_topic(topic: str) -> None:
    """Refuse what is no topic's name.

    Raises:
        UsageError: See :meth:`Bus.publish`.
    """
    if not isinstance(topic, str) or not _TOPIC.fullmatch(topic):
        raise UsageError(f"{topic!r} is no topic: use 1 to 200 characters without spaces and * ? [ ]")


def topic_of(first: str, rest: str) -> str:
    """``first.rest``, where what no topic may hold becomes "_": ``agent.results`` and a project's name.

    >>> topic_of("agent.results", "my project")
    'agent.results.my_project'
    """
    return f"{first}.{_NOT_IN_TOPIC.sub('_', rest)}"[:200]


def check_name(kind: str, name: str) -> None:
    """Refuse what is no group's or consumer's name.

    Raises:
        UsageError: It is empty, longer than 200 characters, or holds spaces or wildcards.
    """
    if not isinstance(name, str) or not _TOPIC.fullmatch(name):
        raise UsageError(f"{name!r} names no {kind}: use 1 to 200 characters without spaces and * ? [ ]")


def matches(topic: str, pattern: str | None) -> bool:
    """Whether ``topic`` fits a pattern with ``*``, ``?`` and ``[...]``; None fits every topic."""
    return pattern is None or fnmatchcase(topic, pattern)
