from __future__ import annotations

import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blampert_env.lm import CircuitBreaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock, **kwargs: float) -> CircuitBreaker:
    breaker = CircuitBreaker(clock=clock, **kwargs)  # type: ignore[arg-type]
    for _ in range(breaker.threshold):
        assert breaker.allow()
        breaker.failure()
    return breaker


def test_a_fresh_one_is_closed_in_the_shape_of_the_guide():
    assert CircuitBreaker().state.as_dict() == {"open": False, "next_retry_sec": 0.0}


def test_it_opens_at_the_threshold_and_not_before():
    breaker = CircuitBreaker(clock=Clock())
    for _ in range(4):
        breaker.failure()
    assert breaker.allow()
    breaker.failure()
    assert not breaker.allow()
    state = breaker.state
    assert state.state == "open"
    assert 1.0 <= state.next_retry_s <= 1.25
    assert state.as_dict()["open"] is True


def test_a_success_in_between_resets_the_count():
    breaker = CircuitBreaker(clock=Clock())
    for _ in range(3):
        for _ in range(4):
            breaker.failure()
        breaker.success()
    assert breaker.state.failures == 0
    assert breaker.allow()


def test_half_open_lets_one_probe_through_and_closes_on_its_success():
    clock = Clock()
    breaker = opened(clock)
    clock.now += 2.0
    assert breaker.state.state == "half-open"
    assert breaker.state.next_retry_s == 0.0
    assert [breaker.allow() for _ in range(5)] == [True, False, False, False, False]
    breaker.success()
    assert breaker.state.state == "closed"
    assert all(breaker.allow() for _ in range(5))


def test_a_failed_probe_doubles_the_pause():
    clock = Clock()
    breaker = opened(clock)
    first = breaker.state.next_retry_s
    clock.now += 2.0
    assert breaker.allow()
    breaker.failure()
    assert 2.0 <= breaker.state.next_retry_s <= 2.5 > first


def test_late_failures_of_calls_sent_before_it_opened_do_not_lengthen_the_pause():
    breaker = opened(Clock())
    before = breaker.state.next_retry_s
    for _ in range(20):
        breaker.failure()
    assert breaker.state.next_retry_s == before


@given(st.integers(0, 2**32), st.integers(1, 80), st.floats(0.5, 100))
def test_the_pause_is_bounded_however_often_it_fails(seed: int, trips: int, max_s: float):
    clock = Clock()
    breaker = CircuitBreaker(threshold=1, max_s=max_s, seed=seed, clock=clock)
    for _ in range(trips):
        assert breaker.allow()
        breaker.failure()
        assert 0 < breaker.state.next_retry_s <= max_s + 1e-9
        clock.now += max_s + 1e-6


def test_a_probe_that_never_reports_does_not_block_for_ever():
    clock = Clock()
    breaker = opened(clock)
    clock.now += 2.0
    assert breaker.allow()
    clock.now += 61.0
    assert breaker.allow()


def test_the_jitter_is_seeded():
    pauses = [opened(Clock(), seed=seed).state.next_retry_s for seed in (1, 1, 2)]
    assert pauses[0] == pauses[1] != pauses[2]


def test_one_probe_among_many_threads():
    clock = Clock()
    breaker = opened(clock)
    clock.now += 2.0
    allowed: list[bool] = []
    barrier = threading.Barrier(16)

    def ask() -> None:
        barrier.wait()
        allowed.append(breaker.allow())

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(allowed) == [False] * 15 + [True]


@pytest.mark.parametrize("failures", [0, 3])
def test_it_can_be_pickled(failures: int):
    breaker = CircuitBreaker()
    for _ in range(failures):
        breaker.failure()
    assert pickle.loads(pickle.dumps(breaker)).state == breaker.state
