"""``blampert dlq`` on a real bus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blampert_env.cli import main
from blampert_env.telemetry.bus import LocalBus, Policy
from blampert_env.workspace import Workspace


@pytest.fixture
def address(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bus with three dead letters: two that a group did not take, one that JSON cannot hold."""
    monkeypatch.delenv("BLAMPERT_BUS", raising=False)
    path = home / "bus.db"
    with LocalBus(path, policy=Policy(max_attempts=1)) as bus, bus.consume("work", "g", "a") as consumer:
        for number in range(2):
            bus.publish("work", {"n": number, "text": "\x1b[31mred"}, key="k")
        bus.publish("logs.x", {1})
        bus.flush(5)
        for message in consumer.get_many(10):
            consumer.nack(message, "no\x1b]0;title\x07")
    return path


def dlq(*arguments: object) -> int:
    return main(["dlq", *map(str, arguments)])


def test_list_and_show(address: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dlq("list", "--bus", address) == 0
    out = capsys.readouterr().out
    assert "logs.x 1, work 2" in out
    assert "work for g: no" in out
    assert "\x1b" not in out  # nothing a terminal would act upon
    assert dlq("list", "--bus", address, "--topic", "logs.*", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["counts"] == {"logs.x": 1, "work": 2}
    (letter,) = listed["letters"]
    assert letter["repr"] == "{1}"
    assert dlq("show", letter["id"], "--bus", address) == 0
    out = capsys.readouterr().out
    assert "repr      {1}" in out
    assert "cannot be written as JSON" in out
    assert dlq("show", "77", "--bus", address) == 2
    assert "no dead letter '77'" in capsys.readouterr().err


def test_redrive(address: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dlq("redrive", "--bus", address) == 2
    assert "which? give ids" in capsys.readouterr().err
    assert dlq("redrive", "--bus", address, "--all") == 0
    assert "2 sent back; 1 stay: only their repr is kept" in capsys.readouterr().out
    with LocalBus(address) as bus, bus.consume("work", "g", "a") as consumer:
        again = consumer.get_many(10)
        assert [message.value["n"] for message in again] == [0, 1]
        assert consumer.ack(*again) == 2
        left = bus.dead_letters.list()[0].id
    assert dlq("redrive", "--bus", address, left) == 2
    assert "cannot be sent; purge them" in capsys.readouterr().err


def test_purge_asks_or_is_told(address: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dlq("purge", "--bus", address, "--topic", "work") == 2
    assert "2 dead letters would go: add --yes" in capsys.readouterr().err
    assert dlq("purge", "--bus", address, "--topic", "work", "--yes") == 0
    assert dlq("purge", "--bus", address, "--all", "-y") == 0
    assert capsys.readouterr().out.split() == ["2", "removed", "1", "removed"]
    assert dlq("list", "--bus", address) == 0
    assert "no dead letters" in capsys.readouterr().out


def test_a_bus_that_is_not_there_is_named_and_not_made(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    assert dlq("list", "--bus", home / "no.db") == 2
    assert dlq("list", "--run", "thompson_1") == 2
    assert capsys.readouterr().err.count("no bus at") == 2
    assert not (home / "no.db").exists()
    for words in (("show", "1"), ("redrive", "--all"), ("purge", "--all", "--yes")):
        assert dlq(*words) == 2
        assert "which bus?" in capsys.readouterr().err


def test_before_there_is_a_bus_nothing_is_dead(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dlq("list") == 0
    assert capsys.readouterr().out == f"no dead letters: nothing was published yet at {workspace.streaming}/bus.db\n"
    assert dlq("list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"counts": {}, "letters": []}
    assert dlq("purge", "--all", "--yes") == 2
    monkeypatch.setenv("BLAMPERT_BUS", str(workspace.data / "none.db"))
    assert dlq("list") == 0
    assert list(workspace.streaming.iterdir()) == []
    assert not (workspace.data / "none.db").exists()


def test_a_bus_from_before_streaming_was_turned_off_may_hold_some(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BLAMPERT_STREAMING_ENABLED", "false")
    assert dlq("list") == 0
    LocalBus(workspace.streaming / "bus.db").close()
    assert dlq("list") == 2
    assert "which bus?" in capsys.readouterr().err


def test_without_a_workspace_there_is_a_bus_once_there_is_a_run(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    run = home / "logs" / "thompson_1"
    run.mkdir(parents=True)
    (run / "config.json").write_text("{}")
    assert dlq("list") == 0
    assert dlq("list", "--run", "logs/thompson_1") == 0
    assert capsys.readouterr().out.count("no dead letters: nothing was published yet") == 2
    LocalBus(run / "bus.db").close()
    assert dlq("list") == 2
    assert "which bus?" in capsys.readouterr().err
    assert dlq("list", "--run", "logs/thompson_1") == 0


def test_the_bus_of_redis_and_of_the_environment(
    home: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BLAMPERT_BUS", f"{redis_url.removesuffix('/0')}/6")
    assert dlq("list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"counts": {}, "letters": []}
