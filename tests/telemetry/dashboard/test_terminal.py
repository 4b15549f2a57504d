"""The view for the terminal: the run's figures, and nothing that acts on the terminal."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from blampert_env.telemetry.dashboard.board import Board
from blampert_env.telemetry.dashboard.terminal import draw, one_line, sparkline
from blampert_env.telemetry.exporter import LiveStatus, RunFigures

MakeRun = Callable[..., Path]


def drawn(board: Board, width: int = 100) -> str:
    run = board.current()
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(draw(board.overview(run) if run else None, "the footer"))
    return file.getvalue()


def test_it_shows_the_run(board: Board, make_run: MakeRun) -> None:
    assert "No runs yet" in drawn(board)
    folder = make_run(steps=[{"terminated": True, "tests_passed": 6, "outcome": "solved"}])
    with LiveStatus(RunFigures("thompson_1"), folder):
        text = drawn(board)
    for part in (
        "thompson_1",
        "● running",
        "6 / 6 tests",
        "direct",
        "Calculator.add",
        "solved",
        "circuit closed",
        "+0.75",
    ):
        assert part in text
    assert "the footer" in text
    run = board.current()
    assert run is not None
    assert one_line(board.overview(run)) == "thompson_1 (finished): 1 steps, mean return +0.75; best calculator 6/6"
    assert one_line(None) == "no runs yet"


def test_hostile_names_do_nothing(board: Board, make_run: MakeRun, hostile: str) -> None:
    make_run(steps=[{"strategy": hostile, "target": f"[red]{hostile}", "outcome": hostile, "project": hostile}])
    text = drawn(board, width=400)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "[red]" in text


def test_sparkline() -> None:
    assert sparkline([], 8) == "-"
    assert sparkline([1.0], 8) == "▁"
    assert sparkline([0.0, 0.5, 1.0], 8) == "▁▄█"
    assert len(sparkline(list(range(1000)), 32)) == 32
