"""The queues of the bus in memory: a subscriber's, and a group's with what is on loan."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from blampert_env.telemetry.bus.receiver import ReceiverBase
from blampert_env.telemetry.bus.values import DeadLetter, Message, Policy


class _Queue:
    """Messages that wait, and threads that wait for them. Everything happens under the bus's lock."""

    def __init__(self, policy: Policy, lock: threading.Lock) -> None:
        self.policy = policy
        self.lock = lock
        self.waiting: deque[Message] = deque()
        self.closed = False
        self._ready = threading.Condition(lock)
        self._sleepers = 0

    def wake(self) -> None:
        """Wake one waiting thread, if there is one."""
        if self._sleepers:
            self._ready.notify()

    def sleep(self, seconds: float | None) -> None:
        """Wait to be woken, at most so long."""
        self._sleepers += 1
        try:
            self._ready.wait(seconds)
        finally:
            self._sleepers -= 1

    def shut(self) -> None:
        """No more messages: every waiting thread goes."""
        self.closed = True
        self._ready.notify_all()


class MemorySubscription(_Queue, ReceiverBase):
    """A subscriber's queue; when it is full, the oldest message goes and is counted."""

    def __init__(
        self, pattern: str, policy: Policy, lock: threading.Lock, leave: Callable[[MemorySubscription], None]
    ) -> None:
        super().__init__(policy, lock)
        self.pattern = pattern
        self.missed = 0
        self._leave = leave

    def put(self, message: Message) -> None:
        """Take a message; under the lock."""
        if len(self.waiting) >= self.policy.max_length:
            self.waiting.popleft()
            self.missed += 1
        self.waiting.append(message)
        self.wake()

    def get_many(self, limit: int = 100, timeout_s: float | None = 0.0) -> list[Message]:
        """See :meth:`Receiver.get_many`."""
        deadline = _deadline(timeout_s)
        with self.lock:
            while not self.waiting and not self.closed and (left := _left(deadline)) != 0:
                self.sleep(left)
            return [self.waiting.popleft() for _ in range(min(limit, len(self.waiting)))]

    def close(self) -> None:
        """Stop listening."""
        with self.lock:
            self._leave(self)
            self.shut()


class GroupQueue(_Queue):
    """A group's queue: what waits, what comes again later, and what is on loan to whom."""

    def __init__(self, name: str, policy: Policy, lock: threading.Lock, first: Iterable[Message]) -> None:
        super().__init__(policy, lock)
        self.name = name
        self.waiting.extend(first)
        self.loans: dict[str, tuple[Message, str, float]] = {}  # by message id, in the order in which leases end
        self.later: list[tuple[float, int, Message]] = []  # a heap of (due, tie-breaker, message)
        self._ties = 0

    @property
    def depth(self) -> int:
        """Messages not acknowledged yet."""
        return len(self.waiting) + len(self.later) + len(self.loans)

    def put(self, message: Message) -> list[DeadLetter]:
        """Take a message; gives the letter of the one that had to make room. Under the lock."""
        self.waiting.append(message)
        self.wake()
        if len(self.waiting) > self.policy.max_length:
            oldest = self.waiting.popleft()
            return [self.letter(oldest, f"queue full ({self.policy.max_length} messages)")]
        return []

    def take(self, consumer: str, limit: int, now: float) -> tuple[list[Message], list[DeadLetter]]:
        """Lend up to ``limit`` messages; what was tried too often is given as letters. Under the lock."""
        letters: list[DeadLetter] = []
        while self.loans and (first := next(iter(self.loans.values())))[2] <= now:
            del self.loans[first[0].id]
            letters += self.retry(first[0], f"not acknowledged within {self.policy.lease_s:g} s", now, at_once=True)
        while self.later and self.later[0][0] <= now:
            self.waiting.appendleft(heapq.heappop(self.later)[2])
        room = max(0, self.policy.max_length - len(self.loans))  # a consumer that never acknowledges gets no more
        due = now + self.policy.lease_s
        taken = []
        for _ in range(min(limit, room, len(self.waiting))):
            message = self.waiting.popleft()
            message = message._replace(attempts=message.attempts + 1)
            self.loans[message.id] = (message, consumer, due)
            taken.append(message)
        return taken, letters

    def retry(self, message: Message, reason: str, now: float, *, at_once: bool = False) -> list[DeadLetter]:
        """Deliver it again after its back-off, or give its letter. Under the lock."""
        if message.attempts >= self.policy.max_attempts:
            return [self.letter(message, f"{reason} (delivered {message.attempts} times)")]
        self._ties += 1
        due = now if at_once else now + self.policy.delay(message.attempts)
        heapq.heappush(self.later, (due, self._ties, message))
        self.wake()
        return []

    def next_due(self) -> float | None:
        """When something comes back by itself: a monotonic time."""
        dues = [self.later[0][0]] if self.later else []
        dues += [next(iter(self.loans.values()))[2]] if self.loans else []
        return min(dues, default=None)

    def letter(self, message: Message, reason: str) -> DeadLetter:
        """The dead letter of a message."""
        key, text, tries = message.key, message.text, message.attempts
        return DeadLetter("", message.topic, self.name, key, text, None, reason, tries, time.time())


class MemoryConsumer(ReceiverBase):
    """One member of a group."""

    def __init__(self, queue: GroupQueue, name: str, bury: Callable[[Sequence[DeadLetter]], None]) -> None:
        self.name = name
        self._queue = queue
        self._bury = bury
        self._closed = False
        # two consumers of one name are two members
        self._member = f"{name}/{id(self)}"

    def get_many(self, limit: int = 100, timeout_s: float | None = 0.0) -> list[Message]:
        """See :meth:`Receiver.get_many`."""
        queue, deadline = self._queue, _deadline(timeout_s)
        letters: list[DeadLetter] = []
        with queue.lock:
            while not self._closed and not queue.closed:
                now = time.monotonic()
                taken, dead = queue.take(self._member, limit, now)
                letters += dead
                left = _left(deadline)
                if taken or left == 0 or letters:
                    break
                due = queue.next_due()
                waits = [wait for wait in (left, due and max(0.001, due - now)) if wait is not None]
                queue.sleep(min(waits, default=None))
            else:
                taken = []
        if letters:
            self._bury(letters)
            return taken or self.get_many(limit, _left(deadline))
        return taken

    def ack(self, *messages: Message) -> int:
        """See :meth:`Consumer.ack`."""
        with self._queue.lock:
            return sum(self._release(message) is not None for message in messages)

    def nack(self, message: Message, reason: str = "refused") -> None:
        """See :meth:`Consumer.nack`."""
        with self._queue.lock:
            mine = self._release(message)
            letters = self._queue.retry(mine, reason, time.monotonic()) if mine else []
        if letters:
            self._bury(letters)

    def close(self) -> None:
        """Leave the group: what is on loan goes to the others at once."""
        with self._queue.lock:
            self._closed = True
            mine = [message for message, member, _ in self._queue.loans.values() if member == self._member]
            letters = []
            for message in mine:
                del self._queue.loans[message.id]
                letters += self._queue.retry(message, "its consumer left", time.monotonic(), at_once=True)
            self._queue._ready.notify_all()
        if letters:
            self._bury(letters)

    def _release(self, message: Message) -> Message | None:
        """End a loan, if this member still has it."""
        loan = self._queue.loans.get(message.id)
        if loan is None or loan[1] != self._member:
            return None
        del self._queue.loans[message.id]
        return loan[0]


def _deadline(timeout_s: float | None) -> float | None:
    return None if timeout_s is None else time.monotonic() + timeout_s


def _left(deadline: float | None) -> float | None:
    """Seconds left, >= 0; None for ever."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())
