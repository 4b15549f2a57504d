"""What a training run publishes: its events, its numbers, and the log's lines.

==============================  ====================================================================================
``agent.actions``               each step: which strategy on which target, what came of it, what it cost
``agent.code``                  each step that proposed code: the source, the diff, whether it was kept
``agent.results.<project>``     each step that was graded: tests passed and of how many, what the failing ones said
``agent.learning``              each finished episode: its return, whether it solved the project, tests before and after
``agent.metrics``               the trainer's numbers; one that is not finite is null
``logs.<logger>``               each line that Blampert logs
==============================  ====================================================================================

Steps and episodes of evaluation are among them: their episodes are numbered from 1,000,000 on.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

from blampert_env.telemetry.bus.protocol import Bus
from blampert_env.telemetry.bus.values import (
    TOPIC_ACTIONS,
    TOPIC_CODE,
    TOPIC_LEARNING,
    TOPIC_LOGS,
    TOPIC_METRICS,
    TOPIC_RESULTS,
    topic_of,
)
from blampert_env.telemetry.events import EpisodeEvent, Event, StepEvent

_LOGGERS = ("blampert", "blampert_env")
_PLACE = ("run_id", "project", "episode", "iteration", "worker", "step", "target", "strategy", "outcome", "accepted")
_ACTION: tuple[str, ...] = (
    *(*_PLACE, "env_id", "seed", "reward", "reward_terms", "tests_passed", "tests_total", "lm_calls"),
    *("prompt_tokens", "completion_tokens", "cached", "cost", "lm_latency_s", "grade_s", "env_overhead_s"),
    *("model", "terminated", "truncated", "wall_time"),
)
_CODE: tuple[str, ...] = (*_PLACE, "source", "diff", "model", "completion_tokens", "cost", "wall_time")
_RESULT: tuple[str, ...] = (*_PLACE, "tests_passed", "tests_total", "test_output", "grade_s", "wall_time")


class BusSink:
    """Publishes a run's events; costs a step some ten microseconds, and waits for nothing. Not durable.

    Args:
        bus: Where to; it stays the caller's to close.
        run_id: Named in what is not an event: numbers and the log's lines.
    """

    name = "message bus"
    durable = False

    def __init__(self, bus: Bus, run_id: str) -> None:
        self._bus = bus
        self._run_id = run_id
        self._handler = _LogHandler(bus, run_id)
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(self._handler)

    def write(self, event: Event) -> None:
        """Publish one event."""
        if isinstance(event, StepEvent):
            key = f"{event.run_id}/{event.episode}/{event.step}"
            self._bus.publish(TOPIC_ACTIONS, _chosen(event, _ACTION), key)
            if event.source:
                self._bus.publish(TOPIC_CODE, _chosen(event, _CODE), key)
            if event.grade_s:
                self._bus.publish(topic_of(TOPIC_RESULTS, event.project), _chosen(event, _RESULT), key)
        elif isinstance(event, EpisodeEvent):
            self._bus.publish(TOPIC_LEARNING, event.to_dict(), f"{event.run_id}/{event.episode}")

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Publish the trainer's numbers, measured after ``step`` steps."""
        numbers = {tag: float(value) if math.isfinite(value) else None for tag, value in values.items()}
        self._bus.publish(TOPIC_METRICS, {"run_id": self._run_id, "step": step, "values": numbers}, self._run_id)

    def flush(self) -> None:
        """Nothing: a run does not wait for its bus."""

    def close(self) -> None:
        """Stop listening to the log; calling it twice is fine."""
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self._handler)


class _LogHandler(logging.Handler):
    """Publishes log lines; those of the bus itself are left out, they would go in circles."""

    def __init__(self, bus: Bus, run_id: str) -> None:
        super().__init__()
        self._bus = bus
        self._run_id = run_id

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("blampert.bus"):
            return
        try:
            line = {"run_id": self._run_id, "level": record.levelname, "message": record.getMessage()}
            self._bus.publish(topic_of(TOPIC_LOGS, record.name), line | {"time": record.created})
        except Exception:  # as the library has it: what logs never fails for its handlers
            self.handleError(record)


def _chosen(event: StepEvent, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(event, name) for name in names} | (
        {"reward_terms": dict(event.reward_terms)} if "reward_terms" in names else {}
    )
