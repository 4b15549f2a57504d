"""What subscriptions and consumers on Redis do alike."""

from __future__ import annotations

import threading
from abc import abstractmethod
from contextlib import suppress

from blampert_env.errors import StorageError
from blampert_env.telemetry.bus.polling import poll
from blampert_env.telemetry.bus.receiver import ReceiverBase
from blampert_env.telemetry.bus.redis_client import RedisClient
from blampert_env.telemetry.bus.values import Message


class RedisReceiver(ReceiverBase):
    """Asks the server for messages again and again, and rides out one that restarts.

    Args:
        client: The connection; it stays the bus's to close.
    """

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._closed = threading.Event()

    def get_many(self, limit: int = 100, timeout_s: float | None = 0.0) -> list[Message]:
        """See :meth:`Receiver.get_many`.

        Raises:
            StorageError: The server does not answer, and the time is over.
        """
        trouble: list[StorageError] = []

        def take() -> list[Message]:
            try:
                found = self._client.call(lambda: self._take(limit))
            except StorageError as error:
                trouble[:] = [error]
                return []
            trouble.clear()
            return found

        found = poll(take, timeout_s, self._closed)
        if trouble:
            raise trouble[0]
        return found

    def close(self) -> None:
        """Stop; calling it twice is fine."""
        if not self._closed.is_set():
            self._closed.set()
            with suppress(StorageError):  # the server is away: what it remembers of the dead goes by itself
                self._leave()

    @abstractmethod
    def _take(self, limit: int) -> list[Message]:
        """Up to ``limit`` messages that are there now."""

    @abstractmethod
    def _leave(self) -> None:
        """Tell the server that nobody listens here any more."""


def message_of(entry: str, topic: str, fields: dict[str, str]) -> Message:
    """A stream's entry as a message."""
    key = fields["k"]
    return Message(entry, topic, key[1:] if key else None, fields["b"], float(fields["t"]))
