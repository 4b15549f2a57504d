"""Counts what the events of a run add up to; every figure that is exported comes from here."""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

from blampert_env.telemetry.action_rows import Totals
from blampert_env.telemetry.events import EpisodeEvent, Event, StepEvent

BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histograms' buckets, in seconds."""
NO_BUS: Mapping[str, Any] = {
    "dlq": {"total": 0, "by_topic": {}, "last_ts": None},
    "bus": {"dlq_total": 0, "topics": {}, "groups": {}},
}
"""What is reported where no bus is in use: nothing waits, nothing died."""


class Durations:
    """A histogram of seconds."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.total_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.total_s += seconds

    def to_json(self) -> dict[str, Any]:
        """Counts of each bucket (the last one is unbounded; not cumulative) and the sum."""
        return {"counts": list(self.counts), "sum_s": self.total_s}


class RunFigures:
    """A sink that adds up training's events, in some microseconds a step. Not durable: it can be counted again.

    Args:
        run: The run's name.
        circuit: Gives ``{"open": bool, "next_retry_sec": float}``, as the LM's circuit breaker does.
        bus: Gives ``{"dlq": ..., "bus": ...}``, as ``bus_metrics(bus)`` does.
        labels: What describes the run: ``algo``, ``model``, ...
    """

    name = "run figures"
    durable = False

    def __init__(
        self,
        run: str,
        *,
        circuit: Callable[[], Mapping[str, Any]] = lambda: {"open": False, "next_retry_sec": 0.0},
        bus: Callable[[], Mapping[str, Any]] = lambda: NO_BUS,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.run = run
        self.state = "running"
        self.bus = bus
        self._circuit = circuit
        self._labels = dict(labels or {})
        self._started = time.time()
        self._lock = threading.Lock()
        self._steps: dict[tuple[str, str], list[float]] = {}  # project, strategy -> steps, reward, kept edits
        self._before = Totals()  # what a resumed run had done
        self._outcomes: dict[str, int] = {}
        self._episodes: dict[tuple[str, bool], int] = {}
        self._tests: dict[str, list[int]] = {}  # project -> passed now, best, total
        self._calls = {"lm": 0, "pool": 0}
        self._tokens = {"prompt": 0, "completion": 0}
        self._latency, self._grading, self._overhead_s = Durations(), Durations(), 0.0
        self._scalars: dict[str, float] = {}

    def resume(self, totals: Mapping[str, Totals]) -> None:
        """Count what the run had done before: average reward and steps are those of the whole run."""
        with self._lock:
            self._before = Totals(
                steps=sum(total.steps for total in totals.values()),
                reward=sum(total.reward for total in totals.values()),
            )

    def write(self, event: Event) -> None:
        """Add one event."""
        with self._lock:
            if isinstance(event, StepEvent):
                self._add_step(event)
            elif isinstance(event, EpisodeEvent):
                key = event.project, event.is_success
                self._episodes[key] = self._episodes.get(key, 0) + 1

    def _add_step(self, event: StepEvent) -> None:
        steps = self._steps.setdefault((event.project, event.strategy), [0, 0.0, 0])
        steps[0] += 1
        steps[1] += event.reward
        steps[2] += event.accepted
        self._outcomes[event.outcome] = self._outcomes.get(event.outcome, 0) + 1
        tests = self._tests.setdefault(event.project, [0, 0, 0])
        tests[:] = event.tests_passed, max(tests[1], event.tests_passed), event.tests_total
        if event.lm_calls:
            self._calls["pool" if event.cached else "lm"] += event.lm_calls
            if not event.cached:
                self._latency.add(event.lm_latency_s)
        self._tokens["prompt"] += event.prompt_tokens
        self._tokens["completion"] += event.completion_tokens
        if event.grade_s:
            self._grading.add(event.grade_s)
        self._overhead_s += event.env_overhead_s

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Keep the newest of the trainer's numbers."""
        with self._lock:
            self._scalars.update({tag: float(value) for tag, value in values.items()})

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def document(self) -> dict[str, Any]:
        """The status document: the four objects of ``/metrics`` and what Prometheus gets beside them; JSON-ready."""
        bus = self.bus()
        with self._lock:
            steps = self._before.steps + sum(int(row[0]) for row in self._steps.values())
            reward = self._before.reward + sum(row[1] for row in self._steps.values())
            return {
                "lm_circuit": dict(self._circuit()),
                "rl": {"avg_reward": reward / steps if steps else 0.0, "steps": steps},
                "dlq": bus["dlq"],
                "bus": bus["bus"],
                "run": self.run,
                "state": self.state,
                "labels": self._labels,
                "pid": os.getpid(),
                "started": self._started,
                "updated": time.time(),
                "steps": [[*key, *row] for key, row in self._steps.items()],
                "outcomes": dict(self._outcomes),
                "episodes": [[project, solved, count] for (project, solved), count in self._episodes.items()],
                "tests": {project: list(row) for project, row in self._tests.items()},
                "lm_calls": dict(self._calls),
                "tokens": dict(self._tokens),
                "lm_latency": self._latency.to_json(),
                "grading": self._grading.to_json(),
                "overhead_s": self._overhead_s,
                "scalars": dict(self._scalars),
            }
