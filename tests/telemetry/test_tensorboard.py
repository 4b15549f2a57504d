"""TensorBoard: what was written is what TensorBoard itself reads, without torch."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from blampert_env.telemetry import ActionStore, EpisodeEvent, Recorder, StepEvent, TensorBoardSink

MakeStep = Callable[..., StepEvent]


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Every scalar in a log folder: points by tag."""
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    return {
        tag: [(point.step, pytest.approx(point.value)) for point in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()["scalars"]
    }


def test_scalars_read_back(tmp_path: Path) -> None:
    sink = TensorBoardSink(tmp_path / "run")
    for step in range(3):
        sink.scalar("eval/mean_reward", step / 2, step * 10)
    sink.flush()
    assert read(tmp_path / "run") == {"eval/mean_reward": [(0, 0.0), (10, 0.5), (20, 1.0)]}
    sink.close()
    sink.close()


def test_steps_are_summed_up_between_reports(tmp_path: Path, step_event: MakeStep, episode_event: EpisodeEvent) -> None:
    with Recorder([TensorBoardSink(tmp_path)]) as recorder:
        recorder.record(step_event(cached=True, cost=2.5, reward_terms={"progress": 1.0, "tokens": -0.5}))
        recorder.record(step_event(lm_latency_s=1.5, lm_calls=3, reward_terms={"progress": 0.0, "tokens": -0.1}))
        recorder.record(episode_event)
        recorder.scalars({"rollout/ep_rew_mean": 0.4}, step=2)
        recorder.scalars({"rollout/ep_rew_mean": 0.6}, step=2)  # nothing new: no empty means
        recorder.record(step_event(reward_terms={"progress": 0.25}))
    assert read(tmp_path) == {
        "reward/progress": [(2, 0.5), (3, 0.25)],
        "reward/tokens": [(2, -0.3)],
        "llm/calls": [(2, 4.0), (3, 1.0)],
        "llm/completion_tokens": [(2, 60.0), (3, 30.0)],
        "llm/cost": [(2, 2.5), (3, 0.0)],
        "llm/latency_s": [(2, 1.0), (3, 0.5)],
        "llm/cached_fraction": [(2, 0.5), (3, 0.0)],
        "time/grade_s": [(2, 0.1), (3, 0.1)],
        "rollout/ep_rew_mean": [(2, 0.4), (2, 0.6)],
    }


def test_reports_are_on_disk_at_once_and_a_second_run_goes_on_beside(tmp_path: Path) -> None:
    first = TensorBoardSink(tmp_path)
    first.scalars({"a": 1.0}, step=1)
    assert read(tmp_path) == {"a": [(1, 1.0)]}
    with Recorder([TensorBoardSink(tmp_path)]) as second:
        second.scalars({"b": 2.0}, step=2)
    first.close()
    assert len(list(tmp_path.glob("*tfevents*"))) == 2


def test_unused_means_no_folder(tmp_path: Path) -> None:
    TensorBoardSink(tmp_path / "never").close()
    assert not (tmp_path / "never").exists()


def test_failing_tensorboard_does_not_stop_the_run(
    tmp_path: Path, step_event: MakeStep, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tb").write_text("a file where the folder should be", encoding="utf-8")
    with (
        caplog.at_level(logging.WARNING),
        Recorder([TensorBoardSink(tmp_path / "tb"), ActionStore(tmp_path / "actions.db")]) as recorder,
    ):
        for step in range(3):
            recorder.record(step_event(step=step))
            recorder.scalars({"a": 1.0}, step=step)
    assert len(caplog.records) == 1
    assert "TensorBoard is switched off" in caplog.text
    with ActionStore(tmp_path / "actions.db", readonly=True) as store:
        assert len(store.rows("run-1")) == 3


def test_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from blampert_env.telemetry import TensorBoardSink; s = TensorBoardSink(sys.argv[1]);"
        "s.scalar('a', 1, 1); s.close(); print([m for m in ('torch', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
