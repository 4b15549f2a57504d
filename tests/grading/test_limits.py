"""Candidates that hang, exit, fork, print or eat: a report in time, and nothing left (see the `scratch` fixture)."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest

from blampert_env.grading import Grader, TestReport, make_grader
from blampert_env.projects import Project

from .conftest import ONE, THREE, TWO

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")
Make = Callable[..., Project]


@pytest.fixture(params=["default", pytest.param("none", marks=pytest.mark.slow)])
def contained(request: pytest.FixtureRequest, project: Project) -> Grader:
    """A grader with each way of holding processes; a cold run's limit has pytest's start in it."""
    return Grader(project, timeout_s=2.0 if request.param == "none" else 0.6, isolation=request.param)


def timed(grader: Grader, source: str, limit_s: float = 6.0) -> TestReport:
    """Grade, and be back in time: the tests' own limit, and slack for a slow start of Python."""
    _ = grader.baseline
    began = time.monotonic()
    report = grader.grade({"tiny.py": source})
    assert time.monotonic() - began < limit_s
    return report


def on_two(code: str) -> str:
    """A right answer for each number but 2, which runs ``code``."""
    lines = "\n".join(f"        {line}" for line in code.splitlines())
    return f"import os, signal, subprocess, sys, time\ndef double(x):\n    if x == 2:\n{lines}\n    return 2 * x\n"


def test_a_hanging_test_costs_itself_and_the_rest(contained: Grader) -> None:
    report = timed(contained, on_two("while True: pass"))
    assert report.outcomes[TWO] == "missing"
    assert (report.verdict, report.killed) == ("timeout", "timeout")
    assert report.failures == {TWO: "did not finish within the time limit"}


@pytest.mark.parametrize(
    "isolation",
    ["default", pytest.param("none", marks=pytest.mark.slow)],
)
def test_a_limit_over_before_any_test_began_is_said(project: Project, isolation: str) -> None:
    report = timed(Grader(project, timeout_s=0.6, isolation=isolation), "while True: pass\n")
    assert (report.verdict, report.killed, report.passed) == ("timeout", "timeout", 0)
    assert report.failures == {ONE: "the time limit was over before a test began"}


@pytest.mark.parametrize(
    "code",
    [
        "subprocess.Popen(['sleep', '42']); time.sleep(42)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nif os.fork(): os._exit(3)\ntime.sleep(42)",
        "[os.fork() for _ in range(5)]; time.sleep(42)",
    ],
)
def test_grandchildren_that_hold_the_pipes(contained: Grader, code: str) -> None:
    report = timed(contained, on_two(code))
    assert report.outcomes[TWO] != "passed"
    assert report.verdict in ("timeout", "crashed")


DAEMON = (
    "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        {}\n        time.sleep(42)\n    os._exit(0)"
)


@LINUX
@pytest.mark.parametrize("silent", ["pass", "os.closerange(4, 1000)"])
def test_daemons_do_not_survive_a_good_answer(project: Project, silent: str) -> None:
    report = timed(Grader(project, timeout_s=3.0), on_two(DAEMON.format(silent)))
    assert (report.verdict, report.passed) == ("ok", 3)


@pytest.mark.parametrize(
    ("code", "verdict", "killed", "said"),
    [
        ("os._exit(0)", "crashed", None, "ended the test process (exit code 0)"),
        ("os._exit(7)", "crashed", None, "ended the test process (exit code 7)"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "crashed", "SIGKILL", "ended with SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "crashed", "SIGTERM", "ended with SIGTERM"),
        ("import ctypes; ctypes.string_at(0)", "crashed", "SIGSEGV", "ended with SIGSEGV"),
        ("os.closerange(3, 1000)", "crashed", None, "ended the test process"),
        ("raise KeyboardInterrupt", "ok", None, "KeyboardInterrupt"),
        ("import pytest; pytest.exit('bye', 0)", "ok", None, "bye"),
    ],
)
def test_endings(project: Project, code: str, verdict: str, killed: str | None, said: str) -> None:
    report = timed(make_grader(project, timeout_s=3.0), on_two(code))
    assert report.outcomes[TWO] != "passed"
    assert (report.verdict, report.killed) == (verdict, killed)
    assert said in report.failures.get(TWO, "")


@pytest.mark.parametrize("code", ["import sys; sys.exit(0)", "import os; os._exit(0)", "raise KeyboardInterrupt"])
def test_ending_at_import(project: Project, code: str) -> None:
    report = timed(make_grader(project), code)
    assert report.passed == 0
    assert set(report.outcomes.values()) <= {"missing", "error"}


def test_a_silent_process_is_not_a_finished_one(contained: Grader) -> None:
    report = timed(contained, on_two("os.closerange(0, 1000)\nwhile True: time.sleep(1)"))
    assert report.verdict in ("timeout", "crashed")
    assert report.outcomes[TWO] == "missing"


def test_printing_100_mb(project: Project) -> None:
    grader = make_grader(project, timeout_s=20)
    assert timed(grader, on_two("print('x' * 100_000_000)"), 20).outcomes[ONE] == "passed"
    report = timed(grader, on_two("for _ in range(100): print('x' * 1_000_000)"), 20)
    assert (report.verdict, report.outcomes[ONE]) == ("ok", "passed")


def test_output_is_limited(project: Project) -> None:
    report = timed(make_grader(project, timeout_s=20), on_two("while True: os.write(1, b'x' * 100_000)"))
    assert report.outcomes == {ONE: "passed", TWO: "failed", THREE: "passed"}
    assert "File too large" in report.failures[TWO]


@LINUX
def test_memory_is_limited(project: Project) -> None:
    report = timed(make_grader(project, timeout_s=20), on_two("x = bytearray(3 * 2**30)"))
    assert report.outcomes == {ONE: "passed", TWO: "failed", THREE: "passed"}
    assert "MemoryError" in report.failures[TWO]


def test_stubborn_files_are_removed(project: Project) -> None:
    code = (
        "os.mkdir('d'); open('d/f', 'w').close(); os.chmod('d/f', 0); os.chmod('d', 0)\n"
        "os.symlink('/etc', 'l'); os.mkfifo('p')\n"
        "for _ in range(1500): os.mkdir('deep'); os.chdir('deep')"
    )
    report = timed(make_grader(project, timeout_s=20), on_two(code), 20)
    assert report.outcomes[TWO] == "passed"


def test_forks_that_come_back_into_pytest_say_nothing(project: Project) -> None:
    report = timed(make_grader(project, timeout_s=5), on_two("if os.fork(): raise ValueError"))
    assert report.outcomes == {ONE: "passed", TWO: "failed", THREE: "passed"}


def test_limit_follows_the_trusted_run(project: Project, project_of: Make) -> None:
    assert make_grader(project, timeout_s=7).limit_s == 7
    assert make_grader(project).limit_s == 10  # what a stub takes says nothing of right code
    slow = project_of("import time, tiny\ndef test_it(): time.sleep(1.5)\n")
    grader = make_grader(slow)
    assert grader.limit_s == pytest.approx(10 * grader.baseline.duration_s, rel=0.5)
