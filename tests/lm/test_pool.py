from __future__ import annotations

import json
import pickle
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import blampert_env
from blampert_env.errors import StorageError
from blampert_env.lm import Completion, SamplePool
from blampert_env.lm.pool import slot_of, slot_seed
from blampert_env.lm.request import request
from blampert_env.lm.store import SCHEMA_VERSION, SampleStore

MESSAGES = [{"role": "user", "content": "Write add(a, b)."}]
ROOT = Path(blampert_env.__file__).parents[1]


def drawn(text: str) -> Completion:
    return Completion(text, 7, 3, "stop", False, 0.5)


def never() -> Completion:
    raise AssertionError("the slot is full: nobody may be asked")


def test_a_slot_is_drawn_once(tmp_path: Path):
    pool = SamplePool(tmp_path / "deep" / "samples.sqlite3")
    first = pool.sample("k", 0, lambda: drawn("a"))
    again = pool.sample("k", 0, never)
    assert (first.text, first.cached, first.latency_s) == ("a", False, 0.5)
    assert (again.text, again.cached, again.latency_s) == ("a", True, 0.0)
    from_disk = SamplePool(pool.path, pool.samples).sample("k", 0, never)
    assert (from_disk.text, from_disk.cached, from_disk.latency_s) == ("a", True, 0.0)
    assert (again.prompt_tokens, again.completion_tokens, again.finish_reason) == (7, 3, "stop")
    assert pool.sample("k", 1, lambda: drawn("b")).text == "b"
    assert pool.sample("other", 0, lambda: drawn("c")).text == "c"
    assert (pool.stats.hits, pool.stats.misses, pool.count()) == (1, 3, 3)
    pool.close()


def test_another_pool_on_the_same_file_has_the_samples(tmp_path: Path):
    path = tmp_path / "samples.sqlite3"
    pool = SamplePool(path)
    pool.sample("k", 0, lambda: drawn("a"))
    pool.close()
    other = pickle.loads(pickle.dumps(pool))
    assert other.sample("k", 0, never).text == "a"
    other.close()


def test_a_failed_draw_leaves_the_slot_empty_and_free(tmp_path: Path):
    pool = SamplePool(tmp_path / "samples.sqlite3")

    def fail() -> Completion:
        raise RuntimeError("the LM is gone")

    with pytest.raises(RuntimeError, match="the LM is gone"):
        pool.sample("k", 0, fail)
    assert pool.count() == 0
    assert pool.sample("k", 0, lambda: drawn("a")).text == "a"
    pool.close()


def test_threads_that_want_the_same_slot_make_one_call(tmp_path: Path):
    pool = SamplePool(tmp_path / "samples.sqlite3")
    calls: list[int] = []
    texts: list[str] = []

    def slow() -> Completion:
        calls.append(1)
        time.sleep(0.2)
        return drawn(f"by thread {threading.get_ident()}")

    threads = [threading.Thread(target=lambda: texts.append(pool.sample("k", 0, slow).text)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert len(texts) == 6
    assert len(set(texts)) == 1
    pool.close()


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Another Python process; ``pool`` and ``drawn`` are there for the script."""
    prelude = (
        "import os, sys, time, json\nfrom pathlib import Path\n"
        "from blampert_env.lm.completion import Completion\nfrom blampert_env.lm.pool import SamplePool\n"
        "pool = SamplePool(Path(sys.argv[1]))\n"
        "def drawn(text): return Completion(text, 7, 3, 'stop', False, 0.5)\n"
    )
    command = [sys.executable, "-c", prelude + script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_four_processes_agree_on_every_sample(tmp_path: Path):
    script = (
        "got = {}\n"
        "for n in range(24):\n"
        "    got[f'k{n % 6}/{n % 4}'] = pool.sample(f'k{n % 6}', n % 4, lambda: drawn(f'pid {os.getpid()}')).text\n"
        "print(json.dumps(got))"
    )
    workers = [start(script, tmp_path / "samples.sqlite3") for _ in range(4)]
    got = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4
    assert got[0] == got[1] == got[2] == got[3]
    assert len(got[0]) == 12


def test_the_first_writer_wins(tmp_path: Path):
    store = SampleStore(tmp_path / "samples.sqlite3")
    assert store.put("k", 0, drawn("first")).text == "first"
    assert store.put("k", 0, drawn("second")).text == "first"
    store.close()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_samples_survive_a_kill(tmp_path: Path):
    path = tmp_path / "samples.sqlite3"
    script = "for n in range(10**6):\n    pool.sample('k', n, lambda: drawn('x' * 2000)); print(n, flush=True)"
    worker = start(script, path)
    assert worker.stdout is not None
    seen = [int(worker.stdout.readline()) for _ in range(50)]
    kill(worker)
    pool = SamplePool(path)
    assert pool.count() > seen[-1]
    assert all(pool.sample("k", slot, never).text == "x" * 2000 for slot in seen)
    pool.close()
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


def test_the_claim_of_a_killed_process_is_free(tmp_path: Path):
    path = tmp_path / "samples.sqlite3"
    worker = start("pool.sample('k', 0, lambda: print('drawing', flush=True) or time.sleep(60))", path)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "drawing\n"
    store = SampleStore(path)
    assert store.claim("k", 0, 60) is None
    kill(worker)
    assert store.claim("k", 0, 60) is not None
    store.close()


@pytest.mark.parametrize("content", [b"this is no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_one_clear_line(tmp_path: Path, content: bytes):
    path = tmp_path / "samples.sqlite3"
    path.write_bytes(content)
    with pytest.raises(StorageError, match="damaged") as caught:
        SamplePool(path).sample("k", 0, never)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_newer_file_is_refused(tmp_path: Path):
    path = tmp_path / "samples.sqlite3"
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    with pytest.raises(StorageError, match="another version of Blampert"):
        SamplePool(path).sample("k", 0, never)


def test_a_folder_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="BLAMPERT_CACHE"):
        SamplePool(tmp_path / "file" / "samples.sqlite3").sample("k", 0, never)


KEY = request("m", MESSAGES, temperature=0.5, max_tokens=10).key


@pytest.mark.parametrize(
    "other",
    [
        request("m2", MESSAGES, temperature=0.5, max_tokens=10).key,
        request("m", [{"role": "system", "content": MESSAGES[0]["content"]}], temperature=0.5, max_tokens=10).key,
        request("m", MESSAGES * 2, temperature=0.5, max_tokens=10).key,
        request("m", MESSAGES, temperature=0.6, max_tokens=10).key,
        request("m", MESSAGES, temperature=0.5, max_tokens=11).key,
        request("m", MESSAGES, temperature=0.5, max_tokens=10, stop=["x"]).key,
        request("m", MESSAGES, temperature=0.5, max_tokens=10, top_p=0.9).key,
    ],
)
def test_whatever_changes_the_answer_changes_the_key(other: str):
    assert other != KEY


def test_what_does_not_change_the_answer_does_not_change_the_key():
    swapped = [{"content": MESSAGES[0]["content"], "role": "user"}]
    assert request("m", swapped, temperature=0.5, max_tokens=10, stop=()).key == KEY
    assert (
        request("m", MESSAGES, temperature=1, max_tokens=5).key
        == request("m", MESSAGES, temperature=1.0, max_tokens=5).key
    )


@given(st.integers(0, 10**9), st.integers(1, 64))
def test_draws_wrap_around_the_slots(draw: int, samples: int):
    assert slot_of(draw, samples, 0.7) == draw % samples
    assert slot_of(draw, samples, 0.0) == 0


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_seeds_differ_by_slot_and_fit_31_bits(a: int, b: int):
    assert (slot_seed(KEY, a) == slot_seed(KEY, b)) is (a == b)
    assert 0 <= slot_seed(KEY, a) < 2**31
    assert slot_seed(KEY, a) != slot_seed(KEY, a, 1)
