"""What subscriptions and consumers of every bus do alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from blampert_env.telemetry.bus.values import Message


class ReceiverBase(ABC):
    """``get`` in terms of ``get_many``, and the context manager."""

    @abstractmethod
    def get_many(self, limit: int = 100, timeout_s: float | None = 0.0) -> list[Message]:
        """See :class:`~blampert_env.telemetry.bus.protocol.Receiver`."""

    @abstractmethod
    def close(self) -> None:
        """See :class:`~blampert_env.telemetry.bus.protocol.Receiver`."""

    def get(self, timeout_s: float | None = None) -> Message | None:
        """The next message; None after ``timeout_s`` seconds without one, or once closed."""
        found = self.get_many(1, timeout_s)
        return found[0] if found else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
