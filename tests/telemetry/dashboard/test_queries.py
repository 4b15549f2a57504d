"""The figures of a run, against ones that are counted by hand; and how the mirror follows a store that changes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blampert_env.errors import StorageError
from blampert_env.telemetry import ActionStore, StepEvent
from blampert_env.telemetry.dashboard import queries
from blampert_env.telemetry.dashboard.mirror import EVALUATION, StepMirror

MakeRun = Callable[..., Path]
Append = Callable[[Path, list[dict[str, Any]]], None]


def episode(number: int, rewards: list[float], *, solved: bool, **changes: Any) -> list[dict[str, Any]]:
    """The steps of one episode: a step a reward, three tests a step."""
    count = len(rewards)
    return [
        {
            "episode": number,
            "step": step,
            "reward": reward,
            "tests_passed": 6 if solved and step == count - 1 else min(3, step),
            "outcome": "solved" if solved and step == count - 1 else "same",
            "terminated": solved and step == count - 1,
            "truncated": not solved and step == count - 1,
            **changes,
        }
        for step, reward in enumerate(rewards)
    ]


@pytest.fixture
def mirror(make_run: MakeRun) -> Iterator[StepMirror]:
    steps = [
        *episode(0, [0.0, 1.0], solved=True, strategy="direct", lm_latency_s=1.0),
        *episode(1, [-0.5, -0.5, -0.5], solved=False, strategy="plan", lm_latency_s=3.0),
        *episode(2, [1.5], solved=True, strategy="direct", project="other", cached=True, lm_latency_s=0.0),
        {"episode": 3, "strategy": "direct", "accepted": False, "reward": 0.25},  # goes on
        *episode(EVALUATION, [2.0], solved=True, strategy="direct"),
    ]
    folder = make_run(steps=steps)
    mirror = StepMirror(folder / "actions.db", folder.name)
    mirror.refresh()
    yield mirror
    mirror.close()


def test_summary(mirror: StepMirror) -> None:
    found = queries.summary(mirror)
    assert (found["steps"], found["episodes"]) == (7, 3)
    assert (found["calls"], found["pooled"], found["kept"]) == (7, 1, 6)
    assert found["completion_tokens"] == 7 * 30
    assert found["latency_s"] == pytest.approx((1.0 * 2 + 3.0 * 3 + 0.5) / 6)
    assert found["recent"]["ret"] == pytest.approx((1.0 - 1.5 + 1.5) / 3)
    assert found["recent"]["success_rate"] == pytest.approx(2 / 3)
    assert found["recent"]["test_pass_rate"] == pytest.approx((1 + 2 / 6 + 1) / 3)
    assert found["progress"] is None


def test_curves(mirror: StepMirror) -> None:
    found = queries.curves(mirror)
    assert found["x"] == [2, 5, 6]
    assert found["ret"] == found["low"] == found["high"] == [1.0, -1.5, 1.5]
    assert found["mean"] == pytest.approx([1.0, -0.25, 1.0 / 3])
    assert found["success"] == [1, 0, 1]
    assert found["success_mean"] == pytest.approx([1.0, 0.5, 2 / 3])
    assert found["episodes_a_point"] == 1


def test_tests_by_project(mirror: StepMirror) -> None:
    found = queries.tests(mirror)
    calculator = found["calculator"]
    assert (calculator["best"], calculator["total"]) == (6, 6)
    assert list(zip(calculator["best_x"], calculator["best_y"], strict=True)) == [(1, 0.0), (2, 1.0)]
    assert calculator["x"] == [2, 5]
    assert calculator["y"] == pytest.approx([1.0, 2 / 6])
    assert found["other"]["best"] == 6


def test_strategies(mirror: StepMirror) -> None:
    found = queries.strategies(mirror)
    rows = {row["strategy"]: row for row in found["rows"]}
    assert {name: row["count"] for name, row in rows.items()} == {"direct": 4, "plan": 3}
    assert rows["direct"]["reward"] == pytest.approx((0.0 + 1.0 + 1.5 + 0.25) / 4)
    assert rows["plan"]["tokens"] == 30
    assert rows["direct"]["kept"] == 0.75
    assert [sum(shares) for shares in zip(*found["shares"].values(), strict=True)] == pytest.approx(
        [1.0] * len(found["x"])
    )


def test_targets_say_what_came_last(mirror: StepMirror) -> None:
    (row,) = [row for row in queries.targets(mirror) if row["project"] == "other"]
    assert (row["attempts"], row["gained"], row["outcome"], row["strategy"]) == (1, 1, "solved", "direct")
    (row,) = [row for row in queries.targets(mirror) if row["project"] == "calculator"]
    assert (row["attempts"], row["gained"], row["outcome"]) == (7, 2, "solved")


def test_evaluation_is_apart(mirror: StepMirror) -> None:
    (row,) = queries.evaluation(mirror)
    assert (row["project"], row["ret"], row["passed"], row["total"]) == ("calculator", 2.0, 6, 6)
    assert queries.edits(mirror)[0]["evaluation"] == 1
    assert [row["x"] for row in queries.edits(mirror, 3)] == [8, 7, 6]


def test_learning_progress_is_last_third_less_first(make_run: MakeRun) -> None:
    steps = [step for number in range(9) for step in episode(number, [float(number)], solved=number >= 6)]
    folder = make_run(steps=steps)
    mirror = StepMirror(folder / "actions.db", folder.name)
    mirror.refresh()
    assert queries.learning_progress(mirror) == {"ret": 6.0, "success_rate": 1.0, "episodes": 3}
    mirror.close()


def test_long_runs_are_thinned_out(make_run: MakeRun) -> None:
    steps = [step for number in range(1000) for step in episode(number, [float(number % 7)], solved=True)]
    folder = make_run(steps=steps)
    mirror = StepMirror(folder / "actions.db", folder.name)
    mirror.refresh()
    found = queries.overview(mirror)
    assert len(found["curves"]["x"]) == queries.POINTS
    assert found["curves"]["x"][-1] == 1000
    assert found["curves"]["episodes_a_point"] == 4
    assert sum(found["curves"]["ret"]) / queries.POINTS == pytest.approx(3.0, abs=0.1)
    assert len(found["strategies"]["x"]) == 40
    assert len(found["lm"]["x"]) <= 60
    mirror.close()


def test_a_run_without_steps_has_figures_too(tmp_path: Path, make_run: MakeRun) -> None:
    folder = make_run(steps=[])
    for path in (folder / "actions.db", tmp_path / "none.db"):
        mirror = StepMirror(path, folder.name)
        mirror.refresh()
        assert queries.overview(mirror)["summary"]["steps"] == 0
        mirror.close()


def test_the_mirror_follows_and_starts_over_when_rows_go(make_run: MakeRun, append: Append) -> None:
    folder = make_run(steps=episode(0, [1.0, 1.0], solved=True))
    mirror = StepMirror(folder / "actions.db", folder.name)
    mirror.refresh()
    before = mirror.version
    append(folder, episode(1, [2.0, 2.0], solved=False))
    mirror.refresh()
    assert mirror.version != before
    assert queries.curves(mirror)["ret"] == [2.0, 4.0]
    with ActionStore(folder / "actions.db") as store:  # as a resumed run does
        store.discard(folder.name, from_episode=1)
    append(folder, episode(1, [5.0], solved=True))
    mirror.refresh()
    assert queries.curves(mirror)["ret"] == [2.0, 5.0]
    assert queries.edits(mirror)[0]["x"] == 3
    mirror.close()


def test_reading_does_not_hold_up_the_writer(make_run: MakeRun, step_event: Callable[..., StepEvent]) -> None:
    folder = make_run()
    mirror = StepMirror(folder / "actions.db", folder.name)
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            mirror.refresh()
            queries.overview(mirror)

    reader = threading.Thread(target=look)
    reader.start()
    with ActionStore(folder / "actions.db") as store:
        for number in range(300):
            store.write(step_event(run_id=folder.name, step=number))
    stop.set()
    reader.join()
    mirror.refresh()
    assert mirror.count == 301
    mirror.close()


def test_what_is_no_store_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "actions.db"
    path.write_text("not a database, but long enough to be taken for one" * 50)
    mirror = StepMirror(path, "x")
    with pytest.raises(StorageError, match=r"^cannot read .*actions\.db"):
        mirror.refresh()


def test_picks_are_counted_after_the_outcome_of_the_same_episode(make_run: MakeRun) -> None:
    def step(number: int, at: int, strategy: str, outcome: str, **more: Any) -> dict[str, Any]:
        return {"episode": number, "step": at, "strategy": strategy, "outcome": outcome, "reward": 0.5, **more}

    steps = [
        step(0, 0, "direct", "same", cost=2.0),
        step(1, 0, "direct", "worse", cost=4.0),  # another episode that is played at the same time
        step(0, 1, "repair", "solved"),
        step(1, 1, "direct", "same", cost=0.0),
        step(1, 2, "direct", "same", cost=2.0),
        step(1_000_000, 0, "repair", "solved"),
    ]
    folder = make_run(steps=steps)
    mirror = StepMirror(folder / "actions.db", folder.name)
    mirror.refresh()
    found = queries.picks(mirror)
    mirror.close()
    assert {(row["evaluation"], row["after"]): (row["steps"], row["picks"]) for row in found["after"]} == {
        (0, ""): (2, {"direct": 1.0}),
        (0, "same"): (2, {"direct": 0.5, "repair": 0.5}),
        (0, "worse"): (1, {"direct": 1.0}),
        (1, ""): (1, {"repair": 1.0}),
    }
    assert {
        (row["evaluation"], row["strategy"]): (row["steps"], row["reward"], row["cost"]) for row in found["worth"]
    } == {
        (0, "direct"): (4, 0.5, 2.0),
        (0, "repair"): (1, 0.5, 0.0),
        (1, "repair"): (1, 0.5, 0.0),
    }


def test_a_store_of_before_costs_were_kept_is_read(make_run: MakeRun) -> None:
    folder = make_run(steps=[{"cost": 3.0}])
    with sqlite3.connect(folder / "actions.db") as db:
        db.execute("DROP TRIGGER add_to_sums")
        db.execute("ALTER TABLE steps DROP COLUMN cost")
    db.close()
    mirror = StepMirror(folder / "actions.db", folder.name)
    mirror.refresh()
    assert [(row["steps"], row["cost"]) for row in queries.picks(mirror)["worth"]] == [(1, 0.0)]
    mirror.close()
