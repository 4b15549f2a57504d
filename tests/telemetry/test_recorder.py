"""The recorder: durable failures stop the run, the others are said once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from blampert_env.errors import StorageError
from blampert_env.telemetry import ActionStore, EpisodeEvent, Event, Recorder, StepEvent, TensorBoardSink

MakeStep = Callable[..., StepEvent]


class ListSink:
    """Keeps what it gets; fails from event number ``fail_at`` on."""

    def __init__(self, *, durable: bool = False, fail_at: int | None = None, name: str = "list") -> None:
        self.name, self.durable, self.fail_at = name, durable, fail_at
        self.events: list[Event] = []
        self.points: list[tuple[dict[str, float], int]] = []
        self.closed = 0

    def write(self, event: Event) -> None:
        if self.fail_at is not None and len(self.events) >= self.fail_at:
            raise OSError(28, "No space left\non device")
        self.events.append(event)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        self.points.append((dict(values), step))

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed += 1


def test_every_sink_gets_everything_in_order(step_event: MakeStep, episode_event: EpisodeEvent) -> None:
    sinks = [ListSink(), ListSink(durable=True)]
    events = [step_event(step=0), step_event(step=1), episode_event]
    with Recorder(sinks) as recorder:
        for event in events:
            recorder.record(event)
        recorder.scalars({"eval/mean_reward": 1.0}, step=2)
        recorder.flush()
    for sink in sinks:
        assert (sink.events, sink.points, sink.closed) == (events, [({"eval/mean_reward": 1.0}, 2)], 1)


def test_an_event_may_be_for_some_sinks_only(step_event: MakeStep) -> None:
    store, bus, board = ListSink(durable=True), ListSink(fail_at=1), ListSink()
    with Recorder([store, bus, board]) as recorder:
        for number in range(2):
            recorder.record(step_event(step=number), to=(store, bus))
        assert recorder.sinks == (store, board), "one that fails is dropped as ever"
        recorder.record(step_event(step=2), to=(store, bus))
    assert [len(sink.events) for sink in (store, bus, board)] == [3, 1, 0]


def test_a_view_that_fails_is_named_once_and_dropped(step_event: MakeStep, caplog: pytest.LogCaptureFixture) -> None:
    bad, good = ListSink(fail_at=1, name="TensorBoard"), ListSink()
    with caplog.at_level(logging.WARNING), Recorder([bad, good]) as recorder:
        for number in range(4):
            recorder.record(step_event(step=number))
        assert recorder.sinks == (good,)
    assert len(good.events) == 4
    assert len(bad.events) == 1
    assert bad.closed == 1
    assert [record.getMessage() for record in caplog.records] == [
        "TensorBoard is switched off for this run: [Errno 28] No space left on device"
    ]


def test_a_durable_sink_that_fails_stops_the_run(step_event: MakeStep) -> None:
    view, store = ListSink(), ListSink(durable=True, fail_at=1, name="action store")
    recorder = Recorder([view, store])
    recorder.record(step_event(step=0))
    for _ in range(2):  # also for the worker that comes second
        with pytest.raises(StorageError, match=r"^the run stops: action store .*No space left on device\)$"):
            recorder.record(step_event(step=1))
    assert len(view.events) == 1, "a view must not show what was never stored"
    recorder.close()
    assert view.closed == store.closed == 1


def test_the_first_error_is_the_one_shown(step_event: MakeStep) -> None:
    with pytest.raises(StorageError, match="the run stops"), Recorder([ListSink(durable=True, fail_at=0)]) as recorder:
        recorder.record(step_event())


def test_recording_after_close_is_refused(step_event: MakeStep) -> None:
    recorder = Recorder([])
    recorder.close()
    recorder.close()
    with pytest.raises(StorageError, match="closed"):
        recorder.record(step_event())


def test_many_threads_lose_nothing(tmp_path: Path, step_event: MakeStep) -> None:
    with Recorder([TensorBoardSink(tmp_path / "tb"), ActionStore(tmp_path / "actions.db")]) as recorder:

        def work(worker: int) -> None:
            for number in range(25):
                recorder.record(step_event(worker=worker, step=number))

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        recorder.scalars({}, step=100)
    with ActionStore(tmp_path / "actions.db", readonly=True) as store:
        rows = [event for _, event in store.rows("run-1")]
    assert {(event.worker, event.step) for event in rows} == {(w, s) for w in range(4) for s in range(25)}
    assert len(rows) == 100
