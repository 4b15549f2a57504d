"""A bus in figures: the objects of ``/metrics``, and a thread that saves them to ``.dspy_reports/``."""

from __future__ import annotations

from typing import Any

from blampert_env.telemetry.bus.protocol import Bus


def bus_metrics(bus: Bus) -> dict[str, Any]:
    """The ``dlq`` and ``bus`` objects of ``/metrics``.

    ::

        {"dlq": {"total": 3, "by_topic": {"agent.metrics": 3}, "last_ts": 1726789012.12},
         "bus": {"dlq_total": 3, "topics": {"agent.results.backend": [0, 1]},
                 "groups": {"agent.results": {"worker-A": [0], "worker-B": [0]}}}}

    ``topics`` has the messages that wait for each subscriber, ``groups`` those each group has not acknowledged;
    ``last_ts`` is the Unix time of the newest dead letter, None without one.

    Raises:
        StorageError: The bus cannot be read.
    """
    counts, depths = bus.dead_letters.counts(), bus.depths()
    total = sum(counts.values())
    return {
        "dlq": {"total": total, "by_topic": counts, "last_ts": bus.dead_letters.last_ts},
        "bus": {"dlq_total": total, "topics": depths.topics, "groups": depths.groups},
    }
