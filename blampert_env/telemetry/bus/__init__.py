"""The message bus: topics with fan-out and consumer groups, acknowledgement, retries, a dead-letter queue.

::

    publish ──▶ topic ──▶ every Subscription (fan-out)
                     └──▶ each group ──▶ one of its Consumers ──▶ ack
                                     └── not acknowledged: again after a back-off ──▶ DeadLetters

:class:`LocalBus` serves one process (no path) or every process of a machine (a path); ``RedisBus`` serves several
machines. Both are a :class:`Bus`. What they promise:

* **A publisher never waits.** ``publish`` puts the message in a buffer and returns. A full buffer (a disk or server
  that is away for long) refuses the message: ``publish`` returns 0, ``depths().refused`` counts it, a warning says so
  once.
* **What is acknowledged is not lost.** ``flush()`` returns once everything published before it is stored: after that
  ``kill -9`` of any process loses none of it. ``ack()`` returns once the message will not come again.
* **At least once.** A message is redelivered if its consumer dies, closes, or holds it longer than ``Policy.lease_s``.
* **Bounded.** A topic keeps its newest ``Policy.max_length`` messages. One that falls out before a group has had it
  goes to the dead letters ("queue full"); a subscriber that lags so far misses it, and counts it (``missed``).
* **Dead letters keep everything**: what was tried ``Policy.max_attempts`` times, what fell out of a full queue, and
  what JSON cannot hold (its ``repr`` and the reason). Each is announced on the topic ``agent.deadletter``.

Importing this loads neither sqlite3 nor redis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blampert_env.telemetry.bus.protocol import Bus, Consumer, DeadLetters, Subscription
from blampert_env.telemetry.bus.values import (
    TOPIC_ACTIONS,
    TOPIC_CODE,
    TOPIC_DEAD_LETTER,
    TOPIC_LEARNING,
    TOPIC_LOGS,
    TOPIC_METRICS,
    TOPIC_RESULTS,
    DeadLetter,
    Depths,
    Message,
    Policy,
)

if TYPE_CHECKING:
    from blampert_env.telemetry.bus.local import LocalBus
    from blampert_env.telemetry.bus.metrics import bus_metrics
    from blampert_env.telemetry.bus.opening import open_bus

__all__ = [
    "TOPIC_ACTIONS",
    "TOPIC_CODE",
    "TOPIC_DEAD_LETTER",
    "TOPIC_LEARNING",
    "TOPIC_LOGS",
    "TOPIC_METRICS",
    "TOPIC_RESULTS",
    "Bus",
    "Consumer",
    "DeadLetter",
    "DeadLetters",
    "Depths",
    "LocalBus",
    "Message",
    "Policy",
    "Subscription",
    "bus_metrics",
    "open_bus",
]

_LAZY = {"LocalBus": "local", "bus_metrics": "metrics", "open_bus": "opening"}


def __getattr__(name: str) -> Any:
    """Load a part's module when it is first asked for."""
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
