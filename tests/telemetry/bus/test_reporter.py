"""The snapshots of a bus and their history."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

import pytest

from blampert_env.telemetry.bus import LocalBus, bus_metrics
from blampert_env.telemetry.bus.metrics import BusReporter


def test_snapshots_and_history_are_saved_while_the_bus_is_in_use(tmp_path: Path) -> None:
    with LocalBus() as bus:
        with BusReporter(bus, tmp_path, period_s=0.02, save_s=0.02) as reporter:
            assert json.loads((tmp_path / ".dspy_reports/bus_metrics.json").read_text())["dlq"]["total"] == 0
            bus.publish("t", {1})
            deadline = time.monotonic() + 10
            while reporter.latest()["dlq"]["total"] == 0:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(0.1)
            bus.publish("t", {2})
        newest = json.loads((tmp_path / ".dspy_reports/bus_metrics.json").read_text())
        assert {name: newest[name] for name in ("dlq", "bus")} == bus_metrics(bus)
        assert newest["dlq"]["total"] == 2
        history = [json.loads(line) for line in (tmp_path / ".dspy_reports/bus_metrics.jsonl").read_text().splitlines()]
    assert [entry["dlq"]["total"] for entry in history] == sorted(entry["dlq"]["total"] for entry in history)
    assert len(history) >= 3
    assert history[-1] == newest
    assert [path.name for path in (tmp_path / ".dspy_reports").iterdir() if path.suffix == ".tmp"] == []


def test_the_history_is_rotated(tmp_path: Path) -> None:
    with LocalBus() as bus, BusReporter(bus, tmp_path, period_s=60, max_bytes=500, keep=2) as reporter:
        for _ in range(30):
            reporter._look(save=True)
    folder = tmp_path / ".dspy_reports"
    assert sorted(path.name for path in folder.iterdir()) == [
        *("bus_metrics.json", "bus_metrics.jsonl", "bus_metrics.jsonl.1", "bus_metrics.jsonl.2"),
    ]
    times = []
    for name in ("bus_metrics.jsonl.2", "bus_metrics.jsonl.1", "bus_metrics.jsonl"):
        text = (folder / name).read_text()
        assert len(text) <= 500
        times += [json.loads(line)["time"] for line in text.splitlines()]
    assert times == sorted(times)
    assert len(times) >= 6


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / ".dspy_reports").write_text("in the way")
    with caplog.at_level(logging.WARNING), LocalBus() as bus, BusReporter(bus, tmp_path, period_s=0.01, save_s=0.01):
        time.sleep(0.1)
    assert len(caplog.records) == 1
    assert "no new bus metrics" in caplog.text
