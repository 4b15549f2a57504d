"""What every message bus offers: the interfaces that publishers and consumers see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

from blampert_env.telemetry.bus.values import DeadLetter, Depths, Message


class Receiver(Protocol):
    """What subscriptions and consumers share; a context manager. For one thread at a time."""

    def get(self, timeout_s: float | None = None) -> Message | None:
        """The next message; None after ``timeout_s`` seconds without one (None: wait for ever)."""

    def get_many(self, limit: int = 100, timeout_s: float | None = 0.0) -> list[Message]:
        """Up to ``limit`` messages at once; waits only for the first."""

    def close(self) -> None:
        """Let go; a wait in another thread ends. Calling it twice is fine."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Subscription(Receiver, Protocol):
    """Sees every message of its topics from its start on, whoever else does.

    Attributes:
        missed: Messages that fell out before it came to read them.
    """

    @property
    def missed(self) -> int:
        """See the class."""


class Consumer(Receiver, Protocol):
    """A member of a group: each message goes to one member, until it is acknowledged."""

    def ack(self, *messages: Message) -> int:
        """Done with these: they will not come again. Returns how many were still this consumer's (a lease may end)."""

    def nack(self, message: Message, reason: str = "refused") -> None:
        """Could not do this one: it comes again after a back-off, or goes to the dead letters."""


class DeadLetters(Protocol):
    """The dead-letter queue of a bus."""

    def list(self, topic: str | None = None, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Up to ``limit`` letters (-1 for all), oldest first; of topics that match ``topic``, a pattern."""

    def show(self, letter: str) -> DeadLetter:
        """The letter of this id.

        Raises:
            UsageError: There is none.
        """

    def redrive(self, topic: str | None = None, *, ids: Sequence[str] | None = None) -> int:
        """Send letters back to the group that did not take them (to the topic, where there was none).

        Letters that hold only a ``repr`` stay. Which: ``ids``, else those whose topic matches, else all.

        Returns:
            How many went.
        """

    def purge(self, topic: str | None = None, *, ids: Sequence[str] | None = None) -> int:
        """Remove letters for good, chosen as in :meth:`redrive`; returns how many."""

    def counts(self) -> dict[str, int]:
        """Letters by topic."""

    @property
    def last_ts(self) -> float | None:
        """Unix time of the newest letter, in seconds; None if there is none."""


class Bus(Protocol):
    """A message bus; see :mod:`blampert_env.telemetry.bus` for what it promises. Safe from several threads.

    A bus belongs to the process that opened it: a child opens its own.
    """

    @property
    def dead_letters(self) -> DeadLetters:
        """The dead-letter queue."""

    def publish(self, topic: str, value: Any, key: str | None = None) -> int:
        """Send a JSON value; never waits, never raises for what ``value`` holds.

        Returns:
            A number >= 1 that grows, or 0 if the buffer is full and the message was refused.

        Raises:
            UsageError: ``topic`` is no topic (1 to 200 characters without spaces and wildcards).
        """

    def flush(self, timeout_s: float | None = None) -> None:
        """Wait until everything published so far is stored.

        Raises:
            StorageError: It could not be stored within ``timeout_s`` seconds; it stays in the buffer.
        """

    def subscribe(self, pattern: str) -> Subscription:
        """Listen from now on to the topics that match, as in ``logs.*`` (``*`` matches dots too)."""

    def consume(self, topic: str, group: str, consumer: str) -> Consumer:
        """Join a group; a new group starts with the oldest message the topic has."""

    def drop_group(self, topic: str, group: str) -> None:
        """Forget a group, what it has not acknowledged included; its dead letters stay."""

    def depths(self) -> Depths:
        """How full the bus is."""

    def close(self) -> None:
        """Store what is buffered (waiting 5 s at most) and let go; calling it twice is fine."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
