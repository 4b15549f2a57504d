"""Publishers never wait: what happens while the disk or the server does not take what they send."""

from __future__ import annotations

import logging
import multiprocessing
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blampert_env.errors import StorageError, UsageError
from blampert_env.telemetry.bus import LocalBus, Policy, open_bus
from tests.redis_server import RedisServer


def test_a_locked_file_never_holds_a_publisher_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "bus.db"
    with LocalBus(path, policy=Policy(max_buffer=100)) as bus:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # as a process that hangs within a transaction would
        with caplog.at_level(logging.WARNING, "blampert.bus"):
            slowest, accepted = 0.0, 0
            for number in range(2_500):
                started = time.perf_counter()
                accepted += bus.publish("t", number) > 0
                slowest = max(slowest, time.perf_counter() - started)
        assert slowest < 1.0  # SQLite would wait for 30 s
        assert 100 <= accepted <= 2_200  # the batch the thread holds, and the buffer
        depths = bus.depths()
        assert depths.refused == 2_500 - accepted > 0
        assert depths.buffered == accepted
        assert len([record for record in caplog.records if "takes no more messages" in record.message]) == 1
        with pytest.raises(StorageError, match="are not stored yet"):
            bus.flush(0.1)
        other.execute("ROLLBACK")
        other.close()
        bus.flush(40)  # and nothing that was accepted is lost
        assert bus.depths().stored == {"t": accepted}


def test_large_messages_are_bounded_by_their_size(tmp_path: Path) -> None:
    with LocalBus(tmp_path / "bus.db", policy=Policy(max_buffer_bytes=1_000)) as bus:
        assert bus.publish("t", "x" * 2_000) == 0
        assert bus.publish("t", "x" * 500) == 1
        bus.flush(5)
        assert bus.depths().stored == {"t": 1}


def test_an_interpreter_that_ends_without_close_stores_what_it_sent(tmp_path: Path) -> None:
    code = f"from blampert_env.telemetry.bus import LocalBus; b = LocalBus({str(tmp_path / 'bus.db')!r})"
    code += "; [b.publish('t', n) for n in range(1000)]"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
    with LocalBus(tmp_path / "bus.db") as bus:
        assert bus.depths().stored == {"t": 1_000}


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_closed_bus_and_another_process_s_bus_say_so(tmp_path: Path) -> None:
    bus = LocalBus(tmp_path / "bus.db")

    def child(queue: multiprocessing.Queue[str]) -> None:
        try:
            bus.publish("t", 1)
        except StorageError as error:
            queue.put(str(error))

    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[str] = context.Queue()
    process = context.Process(target=child, args=(queue,))
    process.start()
    assert "belongs to another process" in queue.get(timeout=20)
    process.join()
    queue.close()
    bus.close()
    bus.close()
    with pytest.raises(StorageError, match="is closed"):
        bus.publish("t", 1)


def test_foreign_and_newer_files_are_refused_and_left_alone(tmp_path: Path) -> None:
    foreign, newer, text = tmp_path / "other.db", tmp_path / "newer.db", tmp_path / "notes.txt"
    for path, statement in ((foreign, "CREATE TABLE users (id)"), (newer, "PRAGMA user_version = 99")):
        with sqlite3.connect(path) as db:
            db.execute(statement)
        db.close()
    text.write_text("no database, but long enough to have a header" * 50)
    before = [path.read_bytes() for path in (foreign, newer, text)]
    with pytest.raises(UsageError, match="not a bus"):
        LocalBus(foreign)
    with pytest.raises(UsageError, match="has schema 99"):
        LocalBus(newer)
    with pytest.raises(StorageError, match="not a database"):
        LocalBus(text)
    assert [path.read_bytes() for path in (foreign, newer, text)] == before


def test_a_redis_server_that_is_away_never_holds_a_publisher_up(redis_server: RedisServer) -> None:
    with open_bus(redis_server.url, policy=Policy(max_buffer=3_000)) as bus:
        bus.publish("t", "before")
        bus.flush(5)
        redis_server.kill()
        started = time.perf_counter()
        accepted = sum(bus.publish("t", number) > 0 for number in range(10_000))
        assert time.perf_counter() - started < 2
        assert 3_000 <= accepted <= 5_000
        with pytest.raises(StorageError, match=r"are not stored yet in the bus redis://127\.0\.0\.1"):
            bus.flush(0.2)
        redis_server.start()
        bus.flush(20)
        assert bus.depths().stored == {"t": 1 + accepted}
        assert bus.depths().refused == 10_000 - accepted


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis://:secret@127.0.0.1:1/0", "Redis at redis://127.0.0.1:1/0"),
        ("redis://127.0.0.1:x/0", "no Redis address"),
    ],
)
def test_a_wrong_address_is_one_line_without_the_password(url: str, message: str) -> None:
    with pytest.raises((StorageError, UsageError), match=message) as caught:
        open_bus(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_keeps_nothing_is_named(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    with open_bus(redis_server.url) as bus:
        assert caplog.text == ""
        bus._client.db.config_set("appendonly", "no")  # type: ignore[attr-defined]
    with caplog.at_level(logging.WARNING, "blampert.bus"), open_bus(redis_server.url):
        assert "keeps nothing when it dies" in caplog.text
