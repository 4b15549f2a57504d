"""How a receiver waits for what other processes write: short sleeps that grow while nothing comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from blampert_env.telemetry.bus.values import Message

_FIRST_S, _LONGEST_S = 0.001, 0.05


def poll(take: Callable[[], list[Message]], timeout_s: float | None, closed: threading.Event) -> list[Message]:
    """Call ``take`` until it gives something, ``timeout_s`` seconds are over (None: never), or ``closed`` is set."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    pause = _FIRST_S
    while not closed.is_set():
        if taken := take():
            return taken
        left = pause if deadline is None else deadline - time.monotonic()
        if left <= 0:
            return []
        closed.wait(min(pause, left))
        pause = min(_LONGEST_S, 1.5 * pause)
    return []
