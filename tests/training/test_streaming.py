"""A real training loop publishes what it does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from blampert_env.telemetry import ActionStore
from blampert_env.telemetry.bus import LocalBus, open_bus
from blampert_env.training.places import Places
from blampert_env.training.streaming import bus_address
from blampert_env.workspace import AgentConfig, Workspace
from blampert_env.workspace.config import StreamingSettings

Train = Callable[..., int]


def test_a_run_publishes_each_step_episode_and_number(train: Train, tmp_path: Path) -> None:
    assert train("--project", "calculator", "--algo", "round-robin", "--iterations", "2") == 0
    run = tmp_path / "logs" / "round-robin_1"
    with ActionStore(run / "actions.db", readonly=True) as store:
        steps = [event for _, event in store.rows(run.name)]
    with LocalBus(run / "bus.db") as bus:
        topics = Counter(bus.depths().stored)
        with bus.consume("agent.actions", "test", "me") as consumer:
            actions = [message.value for message in consumer.get_many(1_000)]
    assert [(it["episode"], it["step"], it["reward"]) for it in actions] == [
        (event.episode, event.step, event.reward) for event in steps
    ]
    assert {event.episode >= 1_000_000 for event in steps} == {False, True}, "those of evaluation are published, too"
    assert topics["agent.results.calculator"] == sum(event.grade_s > 0 for event in steps) > 0
    assert topics["agent.code"] == sum(bool(event.source) for event in steps)
    assert topics["agent.learning"] == 3  # two episodes of training, one of evaluation
    assert topics["agent.metrics"] >= 2
    report = json.loads((run / ".dspy_reports" / "bus_metrics.json").read_text())
    assert report["dlq"]["total"] == 0
    assert set(report["bus"]["topics"]) == set(topics)
    assert (run / ".dspy_reports" / "bus_metrics.jsonl").is_file()


def test_a_run_publishes_to_redis(
    train: Train, monkeypatch: pytest.MonkeyPatch, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"{redis_url.removesuffix('/0')}/5"
    monkeypatch.setenv("BLAMPERT_BUS", address)
    with open_bus(address) as bus, bus.subscribe("agent.*") as subscription:
        assert train("--project", "calculator", "--algo", "round-robin", "--iterations", "1") == 0
        topics = {message.topic for message in subscription.get_many(1_000, 5)}
    assert {"agent.actions", "agent.code", "agent.results.calculator"} <= topics
    assert "nothing is published" not in capsys.readouterr().out


def test_a_bus_that_is_not_there_does_not_stop_a_run(
    train: Train, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BLAMPERT_BUS", "redis://127.0.0.1:1/0")
    assert train("--project", "calculator", "--algo", "round-robin", "--iterations", "1") == 0
    assert "nothing is published: Redis at redis://127.0.0.1:1/0" in capsys.readouterr().out


def test_where_the_bus_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def places(**streaming: object) -> Places:
        settings = replace(AgentConfig(), streaming=StreamingSettings(**streaming))  # type: ignore[arg-type]
        return Places(workspace=Workspace(tmp_path), settings=settings)

    monkeypatch.delenv("BLAMPERT_BUS", raising=False)
    assert bus_address(Places(), tmp_path / "run") == str(tmp_path / "run" / "bus.db")
    assert bus_address(places()) == str(tmp_path / "streaming" / "bus.db")
    assert bus_address(places(bus="redis://x/0")) == "redis://x/0"
    assert bus_address(places(bus="own/bus.db")) == str(tmp_path / "own" / "bus.db")
    assert bus_address(places(enabled=False)) is None
    monkeypatch.setenv("BLAMPERT_BUS", "redis://y/0")
    assert bus_address(places(bus="redis://x/0")) == "redis://y/0"
