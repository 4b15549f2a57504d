"""Run folders with steps in them, and a dashboard that serves them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from blampert_env.telemetry import ActionStore, StepEvent
from blampert_env.telemetry.dashboard.board import Board
from blampert_env.telemetry.dashboard.server import DashboardServer

MakeStep = Callable[..., StepEvent]
MakeRun = Callable[..., Path]
HOSTILE_TEXT = "<img src=x onerror=\"document.title='owned'\"></script><b>{{7*7}}</b>\x1b]0;owned\x07\u202e"
"""What an LM may write to whoever looks at it: markup, a template, a terminal's escape, reversed writing."""


@pytest.fixture
def hostile() -> str:
    return HOSTILE_TEXT


@pytest.fixture
def append(step_event: MakeStep) -> Callable[..., None]:
    """Writes steps to a run's store."""

    def write(folder: Path, steps: list[dict[str, Any]]) -> None:
        with ActionStore(folder / "actions.db") as store:
            for changes in steps:
                store.write(step_event(run_id=folder.name, **changes))

    return write


@pytest.fixture
def make_run(tmp_path: Path, append: Callable[..., None]) -> MakeRun:
    """Writes a run folder: config and steps (each a mapping of what differs from the usual step)."""

    def make(name: str = "thompson_1", steps: list[dict[str, Any]] | None = None, root: str = "logs") -> Path:
        folder = tmp_path / root / name
        folder.mkdir(parents=True)
        config = {"algo": "thompson", "projects": ["calculator"], "seed": 0, "iterations": 2, "resolved_model": "m"}
        (folder / "config.json").write_text(json.dumps(config))
        append(folder, steps if steps is not None else [{}])
        return folder

    return make


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board([tmp_path / "logs"])
    yield board
    board.close()


@pytest.fixture
def server(board: Board) -> Iterator[DashboardServer]:
    with DashboardServer(board, port=0) as server:
        yield server


@pytest.fixture
def client(server: DashboardServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client
