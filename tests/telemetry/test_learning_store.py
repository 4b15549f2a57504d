"""Learning data: batches under a lock, no lost record, a schema that is lifted."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tinydb import TinyDB

from blampert_env.errors import StorageError, UsageError
from blampert_env.telemetry import ActionStore, EpisodeEvent, Recorder, StepEvent
from blampert_env.telemetry.learning_sink import MAX_EXAMPLES, LearningSink
from blampert_env.telemetry.learning_store import MIGRATIONS, LearningStore, upsert

MakeStep = Callable[..., StepEvent]


@pytest.fixture
def learning(tmp_path: Path) -> LearningStore:
    return LearningStore(tmp_path / "data" / "learning.json")


def test_a_batch_is_written_whole_or_not_at_all(learning: LearningStore) -> None:
    assert learning.read("runs") == []
    with learning.batch() as db:
        upsert(db, "runs", {"run_id": "a"}, {"steps": 1})
        upsert(db, "runs", {"run_id": "b"}, {"steps": 2})
        upsert(db, "runs", {"run_id": "a"}, {"steps": 3, "name": "ä"})
    with pytest.raises(ZeroDivisionError), learning.batch() as db:
        upsert(db, "runs", {"run_id": "c"}, {"steps": 1 / 0})
    assert learning.read("runs") == [{"run_id": "a", "steps": 3, "name": "ä"}, {"run_id": "b", "steps": 2}]
    assert learning.read("runs", run_id="b") == [{"run_id": "b", "steps": 2}]
    with TinyDB(learning.path, encoding="utf-8") as plain:  # any TinyDB reads it
        assert len(plain.table("runs")) == 2


def work(path: Path, worker: int, episodes: int) -> None:
    for episode in range(episodes):
        with LearningStore(path).batch() as db:
            upsert(db, "runs", {"run_id": f"run-{worker}"}, {"episodes": episode + 1})
            db.table("examples").insert({"worker": worker, "episode": episode})


def test_eight_processes_lose_no_record(learning: LearningStore) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=work, args=(learning.path, number, 25)) for number in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    kept = {(it["worker"], it["episode"]) for it in learning.read("examples")}
    assert kept == {(worker, episode) for worker in range(8) for episode in range(25)}
    assert sorted((it["run_id"], it["episodes"]) for it in learning.read("runs")) == [
        (f"run-{n}", 25) for n in range(8)
    ]


def test_a_killed_writer_leaves_a_whole_file_and_no_lock(learning: LearningStore) -> None:
    context = multiprocessing.get_context("spawn")
    for _ in range(4):
        process = context.Process(target=work, args=(learning.path, 0, 100_000))
        process.start()
        seen, deadline = len(learning.read("examples")), time.monotonic() + 60
        while len(learning.read("examples")) < seen + 5:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        before = len(learning.read("examples"))
        assert before > seen
    with learning.batch() as db:
        db.table("examples").insert({"worker": 1, "episode": 0})
    assert len(learning.read("examples")) == before + 1


def test_an_older_file_is_lifted_by_every_migration_in_order(
    learning: LearningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    learning.path.parent.mkdir()
    old = {"runs": {"7": {"run_id": "a"}}, "_default": {}}
    learning.path.write_text(json.dumps(old))  # as a TinyDB without a version
    assert learning.read("runs") == [{"run_id": "a"}]
    assert json.loads(learning.path.read_text()) == old  # reading changes nothing
    with learning.batch() as db:
        upsert(db, "runs", {"run_id": "b"}, {"steps": 1})
    assert json.loads(learning.path.read_text())["_meta"] == {"1": {"schema": len(MIGRATIONS)}}

    def rename(content: dict[str, dict[str, dict[str, object]]]) -> dict[str, dict[str, dict[str, object]]]:
        rows = {number: {"name": row.pop("run_id"), **row} for number, row in content["runs"].items()}
        return content | {"runs": rows}

    def stamp(content: dict[str, dict[str, dict[str, object]]]) -> dict[str, dict[str, dict[str, object]]]:
        return content | {"runs": {n: {**row, "stamp": str(row["name"])} for n, row in content["runs"].items()}}

    monkeypatch.setattr("blampert_env.telemetry.learning_store.MIGRATIONS", (*MIGRATIONS, rename, stamp))
    with learning.batch() as db:
        assert db.table("runs").all() == [{"name": "a", "stamp": "a"}, {"name": "b", "steps": 1, "stamp": "b"}]
    assert json.loads(learning.path.read_text())["_meta"] == {"1": {"schema": len(MIGRATIONS) + 2}}
    monkeypatch.setattr("blampert_env.telemetry.learning_store.MIGRATIONS", MIGRATIONS)
    before = learning.path.read_bytes()
    with pytest.raises(UsageError, match="upgrade it"), learning.batch():
        pass
    assert learning.path.read_bytes() == before


@pytest.mark.parametrize("text", ["not json", '{"_meta": {}}', "[1"])
def test_a_damaged_file_is_named_and_left_alone(learning: LearningStore, text: str) -> None:
    learning.path.parent.mkdir()
    learning.path.write_text(text)
    with pytest.raises(StorageError, match="move it away"), learning.batch():
        pass
    assert learning.path.read_text() == text


def record_episode(recorder: Recorder, events: list[StepEvent], episode: EpisodeEvent) -> None:
    for event in events:
        recorder.record(event)
    recorder.record(episode)


def test_an_episode_is_written_at_its_end_and_not_counted_twice(
    learning: LearningStore, tmp_path: Path, step_event: MakeStep, episode_event: EpisodeEvent
) -> None:
    steps = [
        step_event(step=0, outcome="same", strategy="plan"),
        step_event(step=1, outcome="improved", source="def add(): ..."),
        step_event(step=2, outcome="solved", source="def sub(): ...", target="t2", terminated=True),
        step_event(step=3, outcome="improved", accepted=False, source="def no(): ..."),
    ]
    for turn in range(2):  # the second time as after a kill: the steps were discarded and are played again
        store = ActionStore(tmp_path / "actions.db")
        store.discard("run-1", from_episode=0)
        sink = LearningSink(learning, store, "run-1", {"algo": "thompson"})
        with Recorder([store, sink]) as recorder:
            for event in steps:
                recorder.record(event)
            assert bool(learning.read("runs")) == bool(turn)
            sink.best("calculator", {"calculator.py": "code"}, 6, 6)
            recorder.record(episode_event)
    (run,) = learning.read("runs")
    assert (run["algo"], run["episodes"], run["successes"], run["steps"]) == ("thompson", 1, 1, 4)
    assert {it["strategy"]: it["steps"] for it in learning.read("strategies")} == {"direct": 3, "plan": 1}
    assert {it["source"] for it in learning.read("examples")} == {"def add(): ...", "def sub(): ..."}
    best = learning.best("calculator")
    assert best is not None
    assert (best["run_id"], best["files"], best["tests_passed"]) == ("run-1", {"calculator.py": "code"}, 6)
    assert learning.best("other") is None


def test_the_examples_of_a_target_are_bounded(
    learning: LearningStore, tmp_path: Path, step_event: MakeStep, episode_event: EpisodeEvent
) -> None:
    store = ActionStore(tmp_path / "actions.db")
    with Recorder([store, LearningSink(learning, store, "run-1", {})]) as recorder:
        events = [
            step_event(step=n, outcome="improved", source=f"v{n}", wall_time=float(n)) for n in range(MAX_EXAMPLES + 5)
        ]
        record_episode(recorder, events, episode_event)
    assert [it["source"] for it in learning.read("examples")] == [f"v{n}" for n in range(5, MAX_EXAMPLES + 5)]
