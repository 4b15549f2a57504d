"""Redis behind the sample pool: shared while it is there, missed by nobody while it is not."""

from __future__ import annotations

import logging
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.errors import UsageError
from blampert_env.lm import shared_cache
from blampert_env.lm.completion import Completion
from blampert_env.lm.pool import SamplePool
from blampert_env.lm.resolve import resolve
from blampert_env.lm.shared_cache import SharedCache
from tests.redis_server import RedisServer


def answer(text: str) -> Callable[[], Completion]:
    return lambda: Completion(text, 10, 5, "stop", False, 1.5)


def never() -> Completion:
    raise AssertionError("the LM was asked")


def test_what_one_machine_drew_another_gets(redis_server: RedisServer, tmp_path: Path) -> None:
    one = SamplePool(tmp_path / "one.db", shared=SharedCache(redis_server.url))
    two = SamplePool(tmp_path / "two.db", shared=SharedCache(redis_server.url))
    drawn = one.sample("k", 3, answer("ä \U0001f600"))
    assert (drawn.cached, drawn.latency_s) == (False, 1.5)
    got = two.sample("k", 3, never)
    assert got == Completion("ä \U0001f600", 10, 5, "stop", True, 0.0)
    assert (two.stats.hits, two.stats.misses) == (1, 0)
    redis_server.kill()  # and it is in the second machine's file now
    again = SamplePool(tmp_path / "two.db")
    assert again.sample("k", 3, never).text == got.text
    for pool in (one, two, again):
        pool.close()


def test_the_first_to_offer_wins_everywhere(redis_server: RedisServer, tmp_path: Path) -> None:
    cache = SharedCache(redis_server.url)
    pool = SamplePool(tmp_path / "a.db", shared=SharedCache(redis_server.url))

    def slower() -> Completion:
        cache.put("k", 0, answer("the other machine's")())  # while ours is being drawn
        return answer("ours")()

    assert pool.sample("k", 0, slower).text == "the other machine's"
    assert pool.sample("k", 0, never).text == "the other machine's"
    pool.close()


def test_a_server_that_is_away_costs_little_is_said_once_and_loses_nothing(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shared_cache, "PAUSE_S", 0.2)
    pool = SamplePool(tmp_path / "a.db", shared=SharedCache(redis_server.url))
    pool.sample("before", 0, answer("x"))
    redis_server.kill()
    with caplog.at_level(logging.WARNING, "blampert.lm"):
        started = time.monotonic()
        for number in range(30):
            assert pool.sample(f"k{number}", 0, answer(f"text {number}")).text == f"text {number}"
        assert time.monotonic() - started < 3
        assert len(caplog.records) == 1
        assert "no shared cache at 127.0.0.1" in caplog.text
        redis_server.start()
        time.sleep(0.25)
        pool.sample("after", 0, answer("y"))
        assert "is back" in caplog.records[-1].message
    cache = SharedCache(redis_server.url)
    found = [cache.get(f"k{number}", 0) for number in range(30)]
    assert [it.text for it in found if it] == [f"text {number}" for number in range(30)]
    pool.close()


def test_a_server_that_hangs_holds_a_call_up_for_half_a_second_at_most(tmp_path: Path) -> None:
    import socket

    with socket.socket() as deaf:  # takes connections, answers nothing
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        pool = SamplePool(tmp_path / "a.db", shared=SharedCache(f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"))
        started = time.monotonic()
        for number in range(5):
            pool.sample(f"k{number}", 0, answer("x"))
        assert time.monotonic() - started < 1.5
        pool.close()


def test_something_else_under_our_name_is_not_used(
    redis_server: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = SharedCache(redis_server.url)
    with caplog.at_level(logging.WARNING, "blampert.lm"):
        for text in ("no json", '{"text": "x"}', "7"):
            cache._db.set("blampert:sample:k:0", text)
            assert cache.get("k", 0) is None
    assert "is not used" in caplog.text


def test_it_survives_pickling_and_is_named_by_the_configuration(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = pickle.loads(pickle.dumps(SamplePool(tmp_path / "a.db", 4, SharedCache(redis_server.url))))
    assert pool.sample("k", 0, answer("x")).text == "x"
    pool.close()
    monkeypatch.delenv("BLAMPERT_REDIS_URL", raising=False)
    assert resolve("embedded", pool=tmp_path / "b.db").pool.shared is None  # type: ignore[union-attr]
    model = resolve("embedded", pool=tmp_path / "b.db", redis_url="redis://127.0.0.1:1/0")
    assert model.pool.shared.url == "redis://127.0.0.1:1/0"  # type: ignore[union-attr]
    monkeypatch.setenv("BLAMPERT_REDIS_URL", redis_server.url)
    model = resolve("embedded", pool=tmp_path / "b.db", redis_url="redis://127.0.0.1:1/0")
    assert model.pool.shared.url == redis_server.url  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="no Redis address"):
        SharedCache("redis://:secret@127.0.0.1:port/0")
