"""The bus of one machine: in memory for one process, in a SQLite file for several."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from blampert_env.telemetry.bus.memory import MemoryEngine
from blampert_env.telemetry.bus.protocol import Consumer, DeadLetters, Subscription
from blampert_env.telemetry.bus.values import Depths, Policy


class LocalBus:
    """A :class:`~blampert_env.telemetry.bus.Bus` without a server; a context manager.

    Args:
        path: A file, made with its folder if missing: durable, and shared by every process that names it. None: in
            memory, for this process only.
        policy: Its bounds.

    Raises:
        StorageError: The file cannot be opened or made.
        UsageError: It is no bus, or was written by a newer Blampert.
    """

    def __init__(self, path: str | Path | None = None, *, policy: Policy | None = None) -> None:
        self.path = Path(path) if path is not None else None
        self.policy = policy or Policy()
        self._engine: Any
        if self.path is None:
            self._engine = MemoryEngine(self.policy)
        else:
            from blampert_env.telemetry.bus.durable import DurableEngine

            self._engine = DurableEngine(self.path, self.policy)
        self.publish = self._engine.publish  # the busiest call goes there directly

    @property
    def dead_letters(self) -> DeadLetters:
        """The dead-letter queue."""
        return self._engine.dead_letters  # type: ignore[no-any-return]

    def flush(self, timeout_s: float | None = None) -> None:
        """See :meth:`Bus.flush`."""
        self._engine.flush(timeout_s)

    def subscribe(self, pattern: str) -> Subscription:
        """See :meth:`Bus.subscribe`."""
        return self._engine.subscribe(pattern)  # type: ignore[no-any-return]

    def consume(self, topic: str, group: str, consumer: str) -> Consumer:
        """See :meth:`Bus.consume`."""
        return self._engine.consume(topic, group, consumer)  # type: ignore[no-any-return]

    def drop_group(self, topic: str, group: str) -> None:
        """See :meth:`Bus.drop_group`."""
        self._engine.drop_group(topic, group)

    def depths(self) -> Depths:
        """See :meth:`Bus.depths`."""
        return self._engine.depths()  # type: ignore[no-any-return]

    def close(self) -> None:
        """See :meth:`Bus.close`."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
