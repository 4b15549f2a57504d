"""The action store: every step is on disk when record() returns, whatever happens next."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blampert_env.errors import StorageError, UsageError
from blampert_env.telemetry import ActionStore, Recorder, StepEvent, Totals
from blampert_env.telemetry.action_schema import MIGRATIONS, STORE_VERSION

MakeStep = Callable[..., StepEvent]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "actions.db"


def test_rows_come_back_as_they_went_in(path: Path, step_event: MakeStep) -> None:
    events = [step_event(step=number, cached=bool(number % 2), reward=0.1 * number) for number in range(5)]
    with ActionStore(path) as store:
        for event in events:
            store.write(event)
        assert [event for _, event in store.rows("run-1")] == events
    with ActionStore(path) as store:  # and from a second opening
        rows = store.rows("run-1")
        assert [event for _, event in rows] == events
        ids = [number for number, _ in rows]
        assert ids == sorted(set(ids))
        assert store.last_id("run-1") == ids[-1]
        assert store.last_id("other") == 0
        assert store.rows("run-1", after=ids[2]) == rows[3:]
        assert store.rows("run-1", after=ids[0], limit=2) == rows[1:3]
        assert store.rows("run-1", after=ids[-1]) == store.rows("none") == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(text=st.text(alphabet=st.characters()), reward=st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_and_number_is_kept_exactly(
    tmp_path_factory: pytest.TempPathFactory, step_event: MakeStep, text: str, reward: float
) -> None:
    event = step_event(source=text, diff=text, run_id="r" + text, reward=reward, reward_terms={text: reward})
    with ActionStore(tmp_path_factory.getbasetemp() / "any.db") as store:
        before = store.last_id(event.run_id)
        store.write(event)
        assert [kept for _, kept in store.rows(event.run_id, after=before)] == [event]


def test_totals(path: Path, step_event: MakeStep) -> None:
    with ActionStore(path) as store:
        assert store.totals(by="project") == {}
        for run, project, episode, strategy in [
            ("a", "calculator", 0, "direct"),
            ("a", "calculator", 0, "plan"),
            ("a", "math_operations", 1, "direct"),
            ("b", "calculator", 0, "direct"),
        ]:
            store.write(
                step_event(
                    run_id=run, project=project, episode=episode, strategy=strategy, accepted=run == "a", cost=1.5
                )
            )
        calculator = Totals(
            steps=3,
            episodes=2,
            accepted=2,
            lm_calls=3,
            prompt_tokens=360,
            completion_tokens=90,
            reward=2.25,
            lm_latency_s=1.5,
            grade_s=pytest.approx(0.3),
            cost=4.5,
        )
        assert store.totals(by="project")["calculator"] == calculator
        assert store.totals(by="project", run_id="a")["calculator"].steps == 2
        assert {name: total.steps for name, total in store.totals(by="run_id").items()} == {"a": 3, "b": 1}
        assert {name: total.steps for name, total in store.totals(by="strategy").items()} == {"direct": 3, "plan": 1}
        with pytest.raises(UsageError, match="run_id, project or strategy"):
            store.totals(by="1; DROP TABLE steps")  # type: ignore[arg-type]


def test_schema_is_versioned_indexed_and_in_wal_mode(path: Path) -> None:
    ActionStore(path).close()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == STORE_VERSION
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        columns = {row[0] for row in db.execute("SELECT name FROM pragma_table_info('steps')")}
        for query in ("run_id = 'x'", "project = 'x'", "strategy = 'x'"):
            plan = db.execute(f"EXPLAIN QUERY PLAN SELECT * FROM steps WHERE {query}").fetchall()
            assert "USING INDEX" in str(plan)
    db.close()
    assert columns == {"id", *(field.name for field in fields(StepEvent))}


def old_store(path: Path, version: int, events: list[StepEvent]) -> None:
    """Write a file as the Blampert of that schema did."""
    path.parent.mkdir()
    db = sqlite3.connect(path)
    for statements in MIGRATIONS[:version]:
        for statement in statements:
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {version}")
    there = {row[0] for row in db.execute("SELECT name FROM pragma_table_info('steps')")}
    for event in events:
        values = event.to_dict() | {"reward_terms": json.dumps(event.to_dict()["reward_terms"])}
        old = {name: value for name, value in values.items() if name in there}
        db.execute(f"INSERT INTO steps ({', '.join(old)}) VALUES ({', '.join('?' * len(old))})", tuple(old.values()))
    db.commit()
    db.close()


@pytest.mark.parametrize("version", range(1, STORE_VERSION))
def test_an_older_store_is_read_as_it_is_and_lifted_when_written(
    path: Path, step_event: MakeStep, version: int
) -> None:
    events = [
        step_event(schema_version=1, run_id=run, episode=episode, strategy=strategy)
        for run, episode, strategy in [("a", 0, "x"), ("a", 0, "y"), ("a", 1, "x"), ("b", 0, "x")]
    ]
    old_store(path, version, events)
    before = path.read_bytes()
    with ActionStore(path, readonly=True) as store:
        assert [event for _, event in store.rows()] == events
        old = {by: store.totals(by=by) for by in ("run_id", "project", "strategy")}
        assert {name: total.episodes for name, total in old["run_id"].items()} == {"a": 2, "b": 1}
        assert store.totals(by="strategy", run_id="a")["x"].steps == 2
    assert path.read_bytes() == before
    with ActionStore(path) as store:
        assert [event for _, event in store.rows()] == events
        assert {by: store.totals(by=by) for by in ("run_id", "project", "strategy")} == old
        store.write(
            step_event(run_id="a", episode=1, prompt='[{"role": "user"}]', test_output="AssertionError: ä", cost=2.5)
        )
        assert store.rows("a", after=4, prompts=True)[0][1].test_output == "AssertionError: ä"
        assert store.totals(by="run_id")["a"].steps == 4
        assert store.totals(by="run_id")["a"].cost == 2.5
        assert store.totals(by="run_id")["a"].episodes == 2
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == STORE_VERSION
    db.close()


def test_a_batch_is_stored_whole_or_not_at_all(path: Path, step_event: MakeStep) -> None:
    with ActionStore(path) as store:
        store.write_many([step_event(step=number) for number in range(100)])
        assert len(store.rows("run-1")) == 100
        good, bad = step_event(step=100), step_event(step=101)
        object.__setattr__(bad, "outcome", object())  # what SQLite cannot bind
        with pytest.raises(StorageError, match="cannot write to"):
            store.write_many([good, bad])
        assert len(store.rows("run-1")) == 100
        store.write_many([])
        assert store.totals(by="run_id")["run-1"].steps == 100


def test_rows_by_project_and_strategy_from_either_end(path: Path, step_event: MakeStep) -> None:
    with ActionStore(path) as store:
        store.write_many(
            step_event(run_id=f"r{n % 2}", project=f"p{n % 3}", strategy=f"s{n % 5}", step=n) for n in range(30)
        )
        assert [event.step for _, event in store.rows(project="p1")] == list(range(1, 30, 3))
        assert [event.step for _, event in store.rows(strategy="s4", run_id="r1")] == [9, 19, 29]
        assert [event.step for _, event in store.rows("r0", limit=2, newest=True)] == [26, 28]
        assert [event.step for _, event in store.rows(limit=3)] == [0, 1, 2]


def test_a_prompt_is_kept_once_and_given_on_request(path: Path, step_event: MakeStep) -> None:
    prompts = ['[{"role": "user", "content": "ä"}]', "", '[{"role": "user", "content": "b"}]']
    with ActionStore(path) as store:
        store.write_many(step_event(step=n, prompt=prompts[n % 3], reply=f"reply {n}") for n in range(9))
        kept = [event for _, event in store.rows("run-1", prompts=True)]
        assert [event.prompt for event in kept] == prompts * 3
        assert [event.reply for event in kept] == [f"reply {n}" for n in range(9)]
        assert {event.prompt for _, event in store.rows("run-1")} == {""}
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT COUNT(*) FROM prompts").fetchone()[0] == 2
    db.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from("st"), st.integers(0, 3)), max_size=30
    ),
    cut=st.integers(0, 4),
)
def test_sums_are_those_of_the_steps_also_after_a_discard(
    tmp_path_factory: pytest.TempPathFactory, step_event: MakeStep, steps: list[tuple[str, str, str, int]], cut: int
) -> None:
    with ActionStore(tmp_path_factory.mktemp("sums") / "actions.db") as store:
        store.write_many(step_event(run_id=r, project=p, strategy=s, episode=e, grade_s=0.125) for r, p, s, e in steps)
        for _ in range(2):
            for by in ("run_id", "project", "strategy"):
                for run in (None, "a"):
                    summed = store.totals(by=by, run_id=run)
                    store._has_sums = False
                    counted = store.totals(by=by, run_id=run)
                    store._has_sums = True
                    assert summed == counted
            store.discard("a", from_episode=cut)


@pytest.mark.parametrize("readonly", [False, True])
def test_foreign_files_are_refused_and_left_alone(tmp_path: Path, readonly: bool) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but long enough to have a header" * 50, encoding="utf-8")
    other, newer = tmp_path / "other.db", tmp_path / "newer.db"
    for file, statement in (
        (other, "CREATE TABLE users (id)"),
        (newer, f"PRAGMA user_version = {STORE_VERSION + 1}"),
    ):
        db = sqlite3.connect(file)
        db.execute(statement)
        db.commit()
        db.close()
    before = text.read_bytes()
    with pytest.raises(StorageError, match="not a database"):
        ActionStore(text, readonly=readonly)
    with pytest.raises(UsageError, match="not an action store"):
        ActionStore(other, readonly=readonly)
    with pytest.raises(UsageError, match="upgrade"):
        ActionStore(newer, readonly=readonly)
    assert text.read_bytes() == before


def test_places_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for bad in (tmp_path / "file" / "actions.db", tmp_path):
        with pytest.raises(StorageError, match=r"^cannot open the action store"):
            ActionStore(bad)
    with pytest.raises(UsageError, match="nothing has been recorded"):
        ActionStore(tmp_path / "none.db", readonly=True)
    assert not (tmp_path / "none.db").exists()


def test_odd_names_are_only_names(tmp_path: Path, step_event: MakeStep) -> None:
    path = tmp_path / "a b?mode=memory#%41 ä.db"
    with ActionStore(path) as store:
        store.write(step_event())
    assert path.is_file()


def test_readonly_reads_while_another_writes(path: Path, step_event: MakeStep) -> None:
    with ActionStore(path) as writer, ActionStore(path, readonly=True) as reader:
        for number in range(3):
            writer.write(step_event(step=number))
            assert len(reader.rows("run-1")) == number + 1
        with pytest.raises(StorageError, match="readonly"):
            reader.write(step_event())


def test_several_processes_open_and_write_at_once(path: Path) -> None:
    code = CHILD.replace("while True", "for _ in range(20)")
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name], stdout=subprocess.DEVNULL) for name in "abc"
    ]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    with ActionStore(path, readonly=True) as store:
        assert {name: total.steps for name, total in store.totals(by="run_id").items()} == {"a": 20, "b": 20, "c": 20}


CHILD = """
import sys
from blampert_env.telemetry import ActionStore, StepEvent
step = 0
with ActionStore(sys.argv[1]) as store:
    while True:
        store.write(StepEvent(run_id=sys.argv[2], env_id="e", project="p", episode=0, iteration=0, worker=0, step=step,
            seed=0, target="t", strategy="s", outcome="o", reward=0.0, reward_terms={}, tests_passed=0, tests_total=1,
            accepted=False, lm_calls=1, prompt_tokens=1, completion_tokens=1, cached=False, lm_latency_s=0.0,
            grade_s=0.0, env_overhead_s=0.0, diff="", source="x" * 500, model="m", terminated=False, truncated=False,
            wall_time=0.0))
        print(step, flush=True)
        step += 1
"""


def test_kill_9_loses_at_most_the_step_in_flight(path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path), "killed"], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= 100:
            break
    os.kill(child.pid, signal.SIGKILL)
    said = [int(line) for line in child.stdout.read().splitlines() if line]  # what it still said before it died
    assert child.wait(10) == -signal.SIGKILL
    child.stdout.close()
    last = max(said, default=100)
    with ActionStore(path) as store:
        steps = [event.step for _, event in store.rows("killed")]
    assert steps == list(range(len(steps))), "no gap, no damage"
    assert last + 1 <= len(steps) <= last + 2, "every step that was acknowledged, and at most the one in flight"


def test_full_disk_stops_the_run_with_one_line(path: Path, step_event: MakeStep) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Recorder([ActionStore(path)]) as recorder:
        recorder.record(step_event(source="small"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            with pytest.raises(StorageError, match=r"^the run stops: action store cannot record .*") as caught:
                recorder.record(step_event(source="x" * 300_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    with ActionStore(path, readonly=True) as store:
        assert [event.source for _, event in store.rows("run-1")] == ["small"]


def test_writing_after_close_is_a_storage_error(path: Path, step_event: MakeStep) -> None:
    store = ActionStore(path)
    store.close()
    store.close()
    with pytest.raises(StorageError, match="closed"):
        store.write(step_event())


def test_one_store_many_threads(path: Path, step_event: MakeStep) -> None:
    with ActionStore(path) as store:
        threads = [
            threading.Thread(target=lambda n=n: [store.write(step_event(worker=n)) for _ in range(20)])
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.totals(by="run_id")["run-1"].steps == 80
