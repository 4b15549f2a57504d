"""status.json: written while a run goes on, says how it ended, and tells a killed run from a living one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from blampert_env.errors import StorageError
from blampert_env.telemetry import StepEvent
from blampert_env.telemetry.exporter import NO_BUS, LiveStatus, RunFigures, read_status
from blampert_env.telemetry.exporter.status import SILENT_S


def test_it_follows_the_run_and_says_how_it_ended(tmp_path: Path, step_event: Callable[..., StepEvent]) -> None:
    figures = RunFigures("x")
    with LiveStatus(figures, tmp_path, period_s=0.02):
        first = read_status(tmp_path)
        figures.write(step_event())
        deadline = time.monotonic() + 5
        while (read_status(tmp_path) or {})["rl"]["steps"] < 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        now = read_status(tmp_path)
    assert first is not None
    assert now is not None
    assert (first["state"], first["rl"]["steps"]) == ("running", 0)
    assert now["rl"] == {"avg_reward": 0.75, "steps": 1}
    assert (read_status(tmp_path) or {})["state"] == "finished"
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]


@pytest.mark.parametrize(
    ("set_to", "error", "state"), [("running", KeyError, "failed"), ("interrupted", None, "interrupted")]
)
def test_other_ends(set_to: str, error: type[Exception] | None, state: str, tmp_path: Path) -> None:
    figures = RunFigures("x")
    try:
        with LiveStatus(figures, tmp_path):
            figures.state = set_to
            if error:
                raise error
    except KeyError:
        pass
    assert (read_status(tmp_path) or {})["state"] == state


def test_a_silent_run_was_stopped(tmp_path: Path) -> None:
    document = RunFigures("x").document()
    (tmp_path / "status.json").write_text(json.dumps(document | {"updated": time.time() - SILENT_S - 1}))
    assert (read_status(tmp_path) or {})["state"] == "stopped"
    (tmp_path / "status.json").write_text(json.dumps(document))
    assert (read_status(tmp_path) or {})["state"] == "running"


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}"])
def test_no_status_is_none(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "status.json").write_text(text)
    assert read_status(tmp_path) is None


def test_a_disk_that_refuses_does_not_stop_the_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "gone"
    with LiveStatus(RunFigures("x"), folder, period_s=0.01):
        time.sleep(0.05)
    assert [record.message for record in caplog.records] == [
        f"cannot write {folder / 'status.json'}: [Errno 2] No such file or directory: "
        f"'{next(iter(caplog.records)).message.split(chr(39))[1]}'; a monitor will take this run for stopped"
    ]


def test_a_bus_that_cannot_be_read_does_not_end_the_writing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    answers = [StorageError("the bus is away: start redis-server")]

    def bus() -> Mapping[str, object]:
        if answers:
            raise answers.pop()
        return NO_BUS

    with LiveStatus(RunFigures("x", bus=bus), tmp_path, period_s=0.02):
        deadline = time.monotonic() + 5
        while read_status(tmp_path) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert read_status(tmp_path) is not None
    assert "the bus is away" in caplog.text
