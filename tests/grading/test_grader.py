"""Threads, pickles, the cache, stale folders, and edits nobody would think of."""

from __future__ import annotations

import multiprocessing
import pickle
import random
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blampert_env.grading import Grader, make_grader
from blampert_env.grading.scratch import remove_stale, scratch_folder
from blampert_env.projects import Project

from .conftest import ONE, SOLVED, THREE, TWO


def test_threads_get_their_own_reports(project: Project) -> None:
    right = [f"def double(x): return 2 * x if x == {number % 3 + 1} else 0\n" for number in range(12)]
    before = threading.active_count()  # libraries that other tests use leave some
    grader = Grader(project, cache_size=0)
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda source: grader.grade({"tiny.py": source}), right))
    for number, report in enumerate(reports):
        passed = (ONE, TWO, THREE)[number % 3]
        assert report.outcomes == {test: "passed" if test == passed else "failed" for test in (ONE, TWO, THREE)}
    assert threading.active_count() <= before


def test_pickled_graders_grade(project: Project) -> None:
    grader = make_grader(project, timeout_s=9, tests="visible")
    report = grader.grade({"tiny.py": SOLVED})
    again: Grader = pickle.loads(pickle.dumps(grader))
    assert again.limit_s == 9
    assert again.baseline == grader.baseline
    assert again.grade({"tiny.py": SOLVED}) == report == pickle.loads(pickle.dumps(report))


def test_a_closed_grader_opens_again(project: Project) -> None:
    with make_grader(project) as grader:
        assert grader.grade({"tiny.py": SOLVED}).all_passed
    assert grader.grade({"tiny.py": SOLVED}).all_passed


def test_cache(project: Project) -> None:
    grader = Grader(project, cache_size=2)
    first = grader.grade({"tiny.py": SOLVED})
    assert grader.grade({"tiny.py": SOLVED.encode()}).duration_s == first.duration_s
    first.outcomes.clear()  # type: ignore[attr-defined]
    assert grader.grade({"tiny.py": SOLVED}).total == 3
    for number in range(2):
        grader.grade({"tiny.py": f"{SOLVED}# {number}\n"})
    assert grader.grade({"tiny.py": SOLVED}).duration_s == first.duration_s  # from the disk
    assert make_grader(project).grade({"tiny.py": SOLVED}).duration_s == first.duration_s
    assert Grader(project, cache_size=0).grade({"tiny.py": SOLVED}).duration_s != first.duration_s


def test_killed_runs_are_not_cached(project: Project) -> None:
    grader = make_grader(project, timeout_s=0.5)
    hang = {"tiny.py": "def double(x):\n    while True: pass\n"}
    first, second = grader.grade(hang), grader.grade(hang)
    assert first == second
    assert first.duration_s != second.duration_s


def test_graders_of_one_project_share_the_trusted_run(project: Project) -> None:
    first, second = make_grader(project).baseline, make_grader(project).baseline
    assert first.duration_s == second.duration_s


def test_stale_folders(scratch: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    stale, other = scratch / f"blampert-grader-{gone.stdout.strip()}-x", scratch / "other"
    stale.mkdir(mode=0o700)
    (stale / "file").touch()
    other.mkdir(mode=0o700)
    link = scratch / f"{stale.name}-link"
    link.symlink_to(other)
    with scratch_folder() as used:
        assert remove_stale() == 1
        assert used.exists()
    assert not stale.exists()
    assert not used.exists()
    link.unlink()
    other.rmdir()


def _grade_in_child(grader: Grader, scratch: Path, results: multiprocessing.Queue[int]) -> None:
    tempfile.tempdir = str(scratch)
    results.put(grader.grade({"tiny.py": SOLVED}).passed)


@pytest.mark.slow
def test_graders_work_in_other_processes(project: Project, scratch: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    child = context.Process(target=_grade_in_child, args=(make_grader(project), scratch, results))
    child.start()
    assert results.get(timeout=60) == 3
    child.join(10)
    assert child.exitcode == 0


def odd_edit(rng: random.Random) -> str | bytes:
    """One of what a language model, or malice, may write."""
    body = rng.choice(
        [
            "while True: pass",
            "import os; os.fork(); os.fork(); return 2 * x",
            "import os; os._exit(x)",
            "print('x' * 10**8); return 2 * x",
            "import time; time.sleep(9)",
            "import subprocess; subprocess.Popen(['sleep', '99'], start_new_session=True); return 2 * x",
            "import threading; threading.Thread(target=lambda: print(1) or iter(int, 1)).start(); return 2 * x",
            "import sys; sys.setrecursionlimit(10**9); return double(x)",
            "open('f', 'wb').write(bytes(10**8))",
            "return [0] * 10**10",
            "import os, signal; os.kill(0, signal.SIGKILL)",
            "import gc; gc.collect(); raise BaseException('é\\ud800')",
            "return 2 * x",
        ]
    )
    return rng.choice(
        [
            f"def double(x): {body}\n",
            bytes(rng.randrange(256) for _ in range(rng.randrange(500))),
            "".join(chr(rng.randrange(0x11_0000)) for _ in range(rng.randrange(500))),
            "(" * rng.randrange(10_000),
            "x = " + "-" * rng.randrange(100_000) + "1",
            "#" * rng.randrange(3_000_000),
        ]
        if rng.random() < 0.4
        else [f"def double(x): {body}\n"]
    )


@pytest.mark.slow
def test_odd_edits(project: Project) -> None:
    rng = random.Random(7)
    edits = [odd_edit(rng) for _ in range(80)]
    grader = Grader(project, timeout_s=1.0, cache_size=0)
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda edit: grader.grade({"tiny.py": edit}), edits))
    assert {report.total for report in reports} == {3}
    assert max(report.duration_s for report in reports) < 5
    assert {"ok", "timeout", "crashed"} <= {report.verdict for report in reports}
