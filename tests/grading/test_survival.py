"""Processes of the grader killed at random, several evaluations at once, other ways to start processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from blampert_env.errors import GraderError
from blampert_env.grading import Grader, TestReport
from blampert_env.grading.server import server
from blampert_env.projects import Project

from ..processes import Killer, evaluations_alive, first_processes
from .conftest import ONE, SOLVED, THREE, TWO

HALF = "def double(x):\n    return 2 if x == 1 else 0\n"
RIGHT = {
    SOLVED: {ONE: "passed", TWO: "passed", THREE: "passed"},
    HALF: {ONE: "passed", TWO: "failed", THREE: "failed"},
}


@pytest.mark.slow
def test_processes_killed_at_random(project: Project) -> None:
    grader = Grader(project, cache_size=0, timeout_s=20)
    _ = grader.baseline
    killer = Killer(grader.python, 60, seed=3)
    killer.start()
    wrong: list[TestReport] = []
    errors: list[str] = []
    answers = 0
    while killer.is_alive():
        source = (SOLVED, HALF)[answers % 2]
        try:
            report = grader.grade({"tiny.py": source})
        except GraderError as error:
            errors.append(str(error))
            continue
        answers += 1
        if report.outcomes != RIGHT[source]:
            wrong.append(report)
    assert wrong == []
    assert all(error.startswith("cannot grade tiny: ") for error in errors)
    assert answers > 20
    assert grader.grade({"tiny.py": SOLVED}).all_passed
    assert evaluations_alive() == []


@pytest.mark.parametrize("kills", [1, 10])
def test_the_first_process_of_a_namespace_killed(project: Project, kills: int) -> None:
    """That is never the candidate's doing: tried again, then an error."""
    grader = Grader(project, cache_size=0, timeout_s=20, isolation="strict")  # one evaluation at a time
    _ = grader.baseline
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(grader.grade, {"tiny.py": f"import time\ntime.sleep(0.5)\n{SOLVED}"})
        killed: set[int] = set()
        while not answer.done():
            for pid in set(first_processes()) - killed if len(killed) < kills else ():
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
            time.sleep(0.01)
    if kills == 1:
        assert answer.result().all_passed
    else:
        assert 2 <= len(killed) <= 4  # two attempts, in each a namespace of the tests' and one of the candidate's
        with pytest.raises(GraderError, match="a process of the grader was killed"):
            answer.result()


@pytest.mark.parametrize("room", range(6))
def test_no_descriptors_left(project: Project, room: int) -> None:
    """In the trainer, wherever in an evaluation it runs out: an answer or an error, and the next one is right."""
    resource = pytest.importorskip("resource")
    grader = Grader(project, cache_size=0)
    _ = grader.baseline
    server(sys.executable).drop_idle()  # a lane has to be made
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    free = set(range(highest)) - {int(name) for name in os.listdir("/proc/self/fd")}
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in free]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + room, before[1]))
        with suppress(GraderError):
            assert grader.grade({"tiny.py": SOLVED}).all_passed
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for fd in taken:
            os.close(fd)
    assert grader.grade({"tiny.py": SOLVED}).all_passed


def test_several_at_once(project: Project) -> None:
    grader = Grader(project, cache_size=0)
    done: list[tuple[int, int]] = []
    sources = [{"tiny.py": (SOLVED, HALF)[number % 2]} for number in range(12)]
    reports = grader.grade_many(sources, workers=3, on_progress=lambda *counts: done.append(counts))
    assert [report.passed for report in reports] == [3, 1] * 6
    assert done == [(number, 12) for number in range(1, 13)]


def test_stopping_early(project: Project) -> None:
    report = Grader(project, cache_size=0).grade({"tiny.py": HALF}, stop_early=True, first=[TWO])
    assert report.outcomes[TWO] == "failed"
    assert report.passed + list(report.outcomes.values()).count("missing") == 2


def test_a_thread_that_is_interrupted_leaves_the_others_alone(project: Project) -> None:
    """Ctrl-C in the middle of an evaluation: the next one is right."""
    grader = Grader(project, cache_size=0, timeout_s=30)
    _ = grader.baseline
    timer = threading.Timer(0.4, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        grader.grade({"tiny.py": "import time\ndef double(x): time.sleep(20)\n"})
    assert time.monotonic() - began < 10, "not when its time is over"
    assert grader.grade({"tiny.py": SOLVED}).all_passed
    deadline = time.monotonic() + 5
    while evaluations_alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert evaluations_alive() == []


def _grade(grader: Grader, results: multiprocessing.Queue[int]) -> None:
    results.put(grader.grade({"tiny.py": SOLVED}).passed)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_other_processes(project: Project, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each starts a server of its own, whatever it inherited."""
    monkeypatch.setattr(tempfile, "tempdir", None)  # the fork server's socket needs a short path
    grader = Grader(project, cache_size=0)
    assert grader.grade({"tiny.py": SOLVED}).all_passed
    context = multiprocessing.get_context(method)
    results = context.Queue()
    children = [context.Process(target=_grade, args=(grader, results)) for _ in range(2)]
    for child in children:
        child.start()
    assert [results.get(timeout=60) for _ in children] == [3, 3]
    for child in children:
        child.join(20)
        assert child.exitcode == 0
    assert grader.grade({"tiny.py": SOLVED}).all_passed


@pytest.mark.slow
def test_both_cores_busy(project: Project) -> None:
    """Limits follow the reference run: right solutions get full scores on a loaded machine."""
    stop = threading.Event()
    context = multiprocessing.get_context("spawn")
    burners = [context.Process(target=_burn, daemon=True) for _ in range(2 * (os.cpu_count() or 1))]
    for burner in burners:
        burner.start()
    try:
        grader = Grader(project, cache_size=0)
        with ThreadPoolExecutor(2) as pool:
            reports = list(pool.map(lambda _: grader.grade({"tiny.py": SOLVED}), range(200)))
    finally:
        stop.set()
        for burner in burners:
            burner.kill()
            burner.join()
    assert [report.passed for report in reports] == [3] * 200


def _burn() -> None:
    while True:
        pass
