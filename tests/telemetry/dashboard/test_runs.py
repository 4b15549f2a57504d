"""Which runs are found, and which one is shown."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.errors import UsageError
from blampert_env.telemetry.dashboard.runs import find_runs, pick_run
from blampert_env.telemetry.exporter import RunFigures

MakeRun = Callable[..., Path]


def age(folder: Path, seconds: float) -> None:
    for path in folder.iterdir():
        os.utime(path, (time.time() - seconds,) * 2)


def test_the_newest_comes_first_unless_one_goes_on(tmp_path: Path, make_run: MakeRun) -> None:
    old, new = make_run("thompson_1"), make_run("ppo_2")
    age(old, 100)
    age(new, 50)
    runs = find_runs([tmp_path / "logs", tmp_path / "nowhere"])
    assert [run.id for run in runs] == ["ppo_2", "thompson_1"]
    assert pick_run(runs).id == "ppo_2"
    assert pick_run(runs, "thompson_1").path == old
    assert pick_run(runs, str(old)).path == old
    (old / "status.json").write_text(json.dumps(RunFigures("thompson_1").document()))
    age(old, 100)
    assert pick_run(find_runs([tmp_path / "logs"])).id == "thompson_1"
    with pytest.raises(UsageError, match="did you mean 'thompson_1'"):
        pick_run(runs, "thomson_1")
    assert pick_run([]) is None


def test_two_folders_of_one_name_get_two_ids(tmp_path: Path, make_run: MakeRun) -> None:
    make_run("thompson_1")
    make_run("thompson_1", root="other")
    runs = find_runs([tmp_path / "logs", tmp_path / "other", tmp_path / "logs"])
    assert sorted(run.id for run in runs) == ["thompson_1", "thompson_1~2"]


def test_damaged_files_are_a_run_that_says_little(tmp_path: Path) -> None:
    folder = tmp_path / "logs" / "x_1"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{")
    (folder / "state.json").write_text("[]")
    (run,) = find_runs([tmp_path / "logs"])
    assert run.describe()["state"] == "over"
    assert run.status() is None
