"""Ready-made events."""

from __future__ import annotations

import pytest

from blampert_env.telemetry import EpisodeEvent


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
