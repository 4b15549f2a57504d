"""A circuit breaker: a dead endpoint is asked again after a growing, bounded pause, not on every step.

closed ──threshold failures in a row──▶ open ──pause over──▶ half-open ──success──▶ closed
                                          ▲                      │
                                          └──────── failure ─────┘  (the pause doubles, up to its bound)
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["closed", "open", "half-open"]


@dataclass(frozen=True, slots=True)
class CircuitState:
    """A snapshot of a breaker.

    Attributes:
        state: ``"closed"`` (calls pass), ``"open"`` (none does) or ``"half-open"`` (one probe is due or under way).
        next_retry_s: Seconds until a probe may pass; 0.0 unless open.
        failures: Failures in a row so far.
    """

    state: State
    next_retry_s: float
    failures: int

    def as_dict(self) -> dict[str, bool | float]:
        """The ``lm_circuit`` entry of the status: ``{"open": false, "next_retry_sec": 0.0}``."""
        return {"open": self.state != "closed", "next_retry_sec": round(self.next_retry_s, 3)}


class CircuitBreaker:
    """Counts failures and says whether a call may pass. Thread-safe, picklable (a copy keeps its counts).

    Args:
        threshold: Failures in a row that open it, >= 1.
        base_s: First pause in seconds.
        max_s: Longest pause in seconds, jitter included.
        seed: Of the jitter, which stretches each pause by up to a quarter.
        clock: Monotonic seconds; for tests.
    """

    def __init__(
        self,
        threshold: int = 5,
        base_s: float = 1.0,
        max_s: float = 60.0,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.threshold = threshold
        self.base_s = base_s
        self.max_s = max_s
        self._rng = random.Random(seed)
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._trips = 0
        self._retry_at: float | None = None
        self._probe_until: float | None = None

    def allow(self) -> bool:
        """Whether a call may go out now. In half-open only one caller gets True, the probe."""
        with self._lock:
            now = self._clock()
            if self._retry_at is None:
                return True
            if now < self._retry_at:
                return False
            if self._probe_until is not None and now < self._probe_until:
                return False
            # A probe whose caller died without reporting is given up after the longest pause.
            self._probe_until = now + self.max_s
            return True

    def success(self) -> None:
        """Report that a call was answered: the circuit closes."""
        with self._lock:
            self._failures = self._trips = 0
            self._retry_at = self._probe_until = None

    def failure(self) -> None:
        """Report that a call failed."""
        with self._lock:
            self._failures += 1
            probing, self._probe_until = self._probe_until is not None, None
            if self._retry_at is None and self._failures < self.threshold:
                return
            if self._retry_at is not None and not probing:
                return  # a call that went out before the circuit opened
            pause = self.base_s * 2.0 ** min(self._trips, 30) * (1.0 + self._rng.random() / 4)
            self._trips += 1
            self._retry_at = self._clock() + min(pause, self.max_s)

    @property
    def state(self) -> CircuitState:
        """The state now."""
        with self._lock:
            if self._retry_at is None:
                return CircuitState("closed", 0.0, self._failures)
            left = self._retry_at - self._clock()
            return CircuitState("open" if left > 0 else "half-open", max(0.0, left), self._failures)

    def __getstate__(self) -> dict[str, Any]:
        """Without the lock, which cannot be pickled, and without times, whose clock is this process's."""
        state = {name: value for name, value in self.__dict__.items() if name != "_lock"}
        state["_retry_at"] = state["_probe_until"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore, with a lock of its own."""
        self.__dict__.update(state)
        self._lock = threading.Lock()
