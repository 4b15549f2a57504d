"""Ready-made events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from blampert_env.telemetry import EpisodeEvent, StepEvent


@pytest.fixture
def step_event() -> Callable[..., StepEvent]:
    """Make a step event; name only the fields that matter."""

    def make(**changes: Any) -> StepEvent:
        values: dict[str, Any] = {
            "run_id": "run-1",
            "env_id": "Blampert-Calculator-v0",
            "project": "calculator",
            "episode": 0,
            "iteration": 0,
            "worker": 0,
            "step": 0,
            "seed": 7,
            "target": "calculator.py::Calculator.add",
            "strategy": "direct",
            "outcome": "passed",
            "reward": 0.75,
            "reward_terms": {"progress": 1.0, "tokens": -0.25},
            "tests_passed": 3,
            "tests_total": 6,
            "accepted": True,
            "lm_calls": 1,
            "prompt_tokens": 120,
            "completion_tokens": 30,
            "cached": False,
            "lm_latency_s": 0.5,
            "grade_s": 0.1,
            "env_overhead_s": 0.0005,
            "diff": "--- a/calculator.py\n+++ b/calculator.py\n",
            "source": "def add(self, a, b):\n    return a + b  # ä→\n",
            "model": "embedded/qwen2.5-coder-0.5b",
            "terminated": False,
            "truncated": False,
            "wall_time": 1_700_000_000.25,
        }
        return StepEvent(**(values | changes))

    return make


@pytest.fixture
def episode_event() -> EpisodeEvent:
    """One solved episode."""
    return EpisodeEvent(
        run_id="run-1",
        env_id="Blampert-Calculator-v0",
        project="calculator",
        episode=0,
        iteration=0,
        worker=0,
        seed=7,
        ret=1.5,
        length=4,
        is_success=True,
        tests_before=0,
        tests_after=6,
        tests_total=6,
    )
