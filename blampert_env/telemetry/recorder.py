"""The recorder: takes events from any thread and hands each to every sink.

A **durable** sink (the action store) must not lose anything: when it fails, the run stops with one
:class:`~blampert_env.errors.StorageError`. Any other sink (TensorBoard, a bus) is a view that can be drawn again: when
it fails, that is said once, it is switched off, and the run goes on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from blampert_env.errors import StorageError
from blampert_env.telemetry.events import Event

_LOG = logging.getLogger(__name__)


class Sink(Protocol):
    """Where events go. The recorder calls it from one thread at a time.

    Attributes:
        name: What to call it in a message.
        durable: Whether its failure must stop the run.
    """

    name: str
    durable: bool

    def write(self, event: Event) -> None:
        """Take one event; kinds it has no use for are ignored."""

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Take named numbers measured at ``step``; ignored by sinks that keep events only."""

    def flush(self) -> None:
        """Make everything taken so far visible to readers."""

    def close(self) -> None:
        """Flush and let go; calling it twice is fine."""


class Recorder:
    """Hands events to sinks, durable ones first; thread-safe; a context manager that closes them.

    >>> with Recorder([]) as recorder:
    ...     recorder.scalars({"rollout/ep_rew_mean": 0.5}, step=10)
    """

    def __init__(self, sinks: Iterable[Sink] = ()) -> None:
        self._sinks = sorted(sinks, key=lambda sink: not sink.durable)
        self._lock = threading.RLock()
        self._broken: str | None = None
        self._closed = False

    @property
    def sinks(self) -> tuple[Sink, ...]:
        """The sinks still in use."""
        return tuple(self._sinks)

    def record(self, event: Event, to: Collection[Sink] | None = None) -> None:
        """Hand ``event`` to every sink; when this returns, the durable ones have it.

        Args:
            event: What happened.
            to: Those of the sinks that take it; None: all.

        Raises:
            StorageError: A durable sink failed, now or before; no other sink got the event.
        """
        self._each(lambda sink: sink.write(event) if to is None or sink in to else None)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Hand named numbers, such as ``{"eval/mean_reward": 1.5}``, to every sink.

        Args:
            values: Number by tag.
            step: Environment steps of the run so far: the x axis.

        Raises:
            StorageError: A durable sink failed.
        """
        self._each(lambda sink: sink.scalars(values, step))

    def flush(self) -> None:
        """Make everything recorded so far visible to readers."""
        self._each(lambda sink: sink.flush())

    def close(self) -> None:
        """Close every sink, also when one of them fails; calling it twice is fine.

        Raises:
            StorageError: A durable sink could not be closed.
        """
        with self._lock:
            self._closed = True
            # last in, first out: what is counted from the action store is closed before it
            newest_first = list(reversed(self._sinks))
            errors = [error for sink in newest_first if (error := self._attempt(sink, lambda sink: sink.close()))]
            self._sinks = []
        if errors and not self._broken:
            raise errors[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except StorageError as close_error:
            if error is None:
                raise
            _LOG.warning("%s", close_error)  # the error that ended the run is the one to show

    def _each(self, action: Callable[[Sink], None]) -> None:
        with self._lock:
            if self._broken:
                raise StorageError(self._broken)
            if self._closed:
                raise StorageError("the recorder is closed: record before leaving its with block")
            for sink in list(self._sinks):
                if error := self._attempt(sink, action):
                    self._broken = str(error)
                    raise error

    def _attempt(self, sink: Sink, action: Callable[[Sink], None]) -> StorageError | None:
        """Run ``action``; if it fails, give the error to raise (durable sink), or report it and drop the sink."""
        try:
            action(sink)
        except Exception as error:  # whatever a sink does, the run's fate is decided here, by durability alone
            reason = " ".join(str(error).split()) or type(error).__name__
            if sink.durable:
                storage = StorageError(f"the run stops: {sink.name} cannot record ({reason})")
                storage.__cause__ = error
                return storage
            _LOG.warning("%s is switched off for this run: %s", sink.name, reason)
            self._sinks = [other for other in self._sinks if other is not sink]
            with suppress(Exception):  # it has failed already; this only lets go of its file
                sink.close()
        return None
