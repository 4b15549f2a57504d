"""What a run publishes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.telemetry import EpisodeEvent, Recorder, StepEvent
from blampert_env.telemetry.bus import LocalBus
from blampert_env.telemetry.bus.sink import BusSink
from blampert_env.telemetry.bus.values import topic_of

MakeStep = Callable[..., StepEvent]


def test_every_kind_of_event_goes_to_its_topic(step_event: MakeStep, episode_event: EpisodeEvent) -> None:
    with LocalBus() as bus, bus.subscribe("*") as everything:
        with Recorder([BusSink(bus, "run-1")]) as recorder:
            event = step_event(project="my project", test_output="E   assert 1 == 2")
            recorder.record(event)
            recorder.record(episode_event)
            recorder.scalars({"rollout/ep_rew_mean": 0.5, "train/loss": float("nan")}, 7)
            logging.getLogger("blampert.lm").warning("the LM is %s", "slow")
            logging.getLogger("blampert.bus").warning("not in circles")
        logging.getLogger("blampert.lm").warning("after the run")
        got = {message.topic: message.value for message in everything.get_many(100)}
    assert set(got) == {
        *("agent.actions", "agent.code", "agent.results.my_project", "agent.learning", "agent.metrics"),
        "logs.blampert.lm",
    }
    whole = event.to_dict()
    for topic in ("agent.actions", "agent.code", "agent.results.my_project"):
        assert got[topic] == {name: whole[name] for name in got[topic]}
    assert got["agent.code"]["source"] == event.source
    assert got["agent.results.my_project"]["test_output"] == "E   assert 1 == 2"
    assert "source" not in got["agent.actions"]
    assert got["agent.learning"] == episode_event.to_dict()
    assert got["agent.metrics"]["values"] == {"rollout/ep_rew_mean": 0.5, "train/loss": None}
    assert got["agent.metrics"]["step"] == 7
    line = got["logs.blampert.lm"]
    assert (line["level"], line["message"], line["run_id"]) == ("WARNING", "the LM is slow", "run-1")


def test_a_step_without_code_or_tests_is_an_action_only(step_event: MakeStep) -> None:
    with LocalBus() as bus, bus.subscribe("*") as everything:
        sink = BusSink(bus, "run-1")
        sink.write(step_event(source="", diff="", grade_s=0.0, outcome="masked"))
        sink.close()
        sink.close()
        assert [message.topic for message in everything.get_many(100)] == ["agent.actions"]


def test_a_log_line_that_cannot_be_made_does_not_reach_who_logs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("blampert.lm"), "propagate", False)  # pytest's own handler would raise
    with LocalBus() as bus:
        sink = BusSink(bus, "run-1")
        try:
            logging.getLogger("blampert.lm").warning("%d", "no number")
        finally:
            sink.close()
    assert "no number" in capsys.readouterr().err


def test_publishing_costs_a_step_well_under_a_percent(tmp_path: Path, step_event: MakeStep) -> None:
    """A step takes 200 ms or more to grade; a hundredth of it is 2 ms, here is a fifth of that."""
    event = step_event(source="x" * 2_000, diff="y" * 4_000, test_output="z" * 4_000)
    with LocalBus(tmp_path / "bus.db") as bus:
        sink = BusSink(bus, "run-1")
        started = time.process_time()
        for _ in range(200):
            sink.write(event)
        bus.flush()  # the writer's share counts too
        assert (time.process_time() - started) / 200 < 0.0004
        sink.close()


def test_topics_of_any_name() -> None:
    assert topic_of("agent.results", "a b*c") == "agent.results.a_b_c"
    assert len(topic_of("logs", "x" * 500)) == 200
