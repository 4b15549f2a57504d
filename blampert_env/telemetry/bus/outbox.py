"""A bounded buffer between publishers, who never wait, and a thread that stores what they send, in batches."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from blampert_env.errors import BlampertError, StorageError
from blampert_env.telemetry.bus.values import Policy

_LOG = logging.getLogger("blampert.bus")

_BATCH = 2_000
_RETRY_S, _MAX_RETRY_S = 0.05, 2.0
CLOSE_S = 5.0

T = TypeVar("T")


class Outbox(Generic[T]):
    """Hands batches to ``store`` from a thread of its own, again and again until it takes them, in order.

    Args:
        store: Stores a batch whole or raises a :class:`BlampertError`.
        policy: Its bounds.
        name: What to call the bus in messages.
    """

    def __init__(self, store: Callable[[Sequence[T]], None], policy: Policy, name: str) -> None:
        self._store = store
        self._policy = policy
        self._name = name
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._wanted = threading.Condition(self._lock)  # the thread waits for work
        self._stored = threading.Condition(self._lock)  # flush waits for the thread
        self._items: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._accepted = self._done = 0
        self._idle = self._closed = self._gave_up = False
        self._trouble: str | None = None
        self.refused = 0
        self._thread = threading.Thread(target=self._run, name=f"{name} writer", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def put(self, item: T, size: int) -> int:
        """Take an item of ``size`` bytes; its number from 1, or 0 if there is no room.

        Raises:
            StorageError: The bus is closed, or was opened by another process.
        """
        with self._lock:
            if self._closed or self._pid != os.getpid():
                raise StorageError(f"{self._name} {'is closed' if self._closed else 'belongs to another process'}")
            if len(self._items) < self._policy.max_buffer and self._bytes + size <= self._policy.max_buffer_bytes:
                self._items.append((item, size))
                self._bytes += size
                self._accepted += 1
                if self._idle:
                    self._wanted.notify()
                return self._accepted
            self.refused += 1
            first = self.refused == 1
            why = self._trouble or "it is slower than its publishers"
        if first:
            _LOG.warning("%s takes no more messages, new ones are dropped and counted: %s", self._name, why)
        return 0

    @property
    def waiting(self) -> int:
        """Items that are not stored yet."""
        return self._accepted - self._done

    def flush(self, timeout_s: float | None = None) -> None:
        """Wait until everything accepted so far is stored.

        Raises:
            StorageError: It was not within ``timeout_s`` seconds, or the bus gave up on it when it was closed.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._lock:
            goal = self._accepted
            while self._done < goal:
                left = None if deadline is None else deadline - time.monotonic()
                if self._gave_up or (left is not None and left <= 0):
                    why = self._trouble or "the time was too short"
                    raise StorageError(f"{goal - self._done} messages are not stored yet in {self._name}: {why}")
                self._stored.wait(left)

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Store what is left, for ``timeout_s`` seconds at most; what is lost is said."""
        atexit.unregister(self.close)
        with self._lock:
            if self._closed or self._pid != os.getpid():
                return
            self._closed = True
            self._wanted.notify()
        try:
            self.flush(timeout_s)
        except StorageError as error:
            _LOG.warning("%s; they are lost", error)
        with self._lock:
            self._gave_up = True
            self._wanted.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        pause = _RETRY_S
        while batch := self._next():
            try:
                self._store([item for item, _ in batch])
            except BlampertError as error:
                self._trouble = str(error)
            except Exception as error:  # the thread must live: nothing else would ever be stored
                self._trouble = f"{type(error).__name__}: {error}"
                _LOG.exception("%s: an error in Blampert itself", self._name)
            else:
                self._trouble, pause = None, _RETRY_S
                self._finish(batch)
                continue
            with self._lock:
                self._items.extendleft(reversed(batch))
                self._wanted.wait_for(lambda: self._gave_up, pause)
            pause = min(_MAX_RETRY_S, 2 * pause)

    def _next(self) -> list[tuple[T, int]]:
        """The next batch; waits for one, empty at the end."""
        with self._lock:
            self._idle = True
            while not self._items and not self._closed:
                self._wanted.wait()
            self._idle = False
            if self._gave_up:
                return []
            return [self._items.popleft() for _ in range(min(_BATCH, len(self._items)))]

    def _finish(self, batch: list[tuple[T, int]]) -> None:
        with self._lock:
            self._bytes -= sum(size for _, size in batch)
            self._done += len(batch)
            self._stored.notify_all()
