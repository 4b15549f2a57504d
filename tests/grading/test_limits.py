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
Contained = Callable[..., Grader]


@pytest.fixture(params=["best", "reaper", pytest.param("none", marks=pytest.mark.slow)])
def contained(request: pytest.FixtureRequest, project: Project) -> Grader:
    """A grader with each way of holding processes."""
    grader = Grader(project, timeout_s=0.6, isolation="none" if request.param == "none" else "default")
    return hold(grader, request.param)


def hold(grader: Grader, containment: str) -> Grader:
    """Make a grader use what it falls back to on systems without namespaces."""
    grader._setup = type(grader._setup)(grader.project, grader.tests, grader.python, containment)  # type: ignore[arg-type]
    return grader


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
    assert report.outcomes == {ONE: "passed", TWO: "missing", THREE: "missing"}
    assert (report.verdict, report.killed) == ("timeout", "timeout")
    assert report.failures == {TWO: "did not finish within the time limit"}


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
    assert report.outcomes[ONE] == "passed"
    assert report.verdict in ("timeout", "crashed")


DAEMON = (
    "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        {}\n        time.sleep(42)\n    os._exit(0)"
)


@LINUX
@pytest.mark.parametrize("containment", ["best", "reaper"])
@pytest.mark.parametrize("silent", ["pass", "os.closerange(0, 1000)"])
def test_daemons_do_not_survive_a_good_answer(project: Project, containment: str, silent: str) -> None:
    report = timed(hold(Grader(project, timeout_s=3.0), containment), on_two(DAEMON.format(silent)))
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
        ("raise KeyboardInterrupt", "crashed", None, ""),
        ("import pytest; pytest.exit('bye', 0)", "crashed", None, ""),
    ],
)
def test_endings(project: Project, code: str, verdict: str, killed: str | None, said: str) -> None:
    report = timed(make_grader(project, timeout_s=3.0), on_two(code))
    assert report.outcomes[ONE] == "passed"
    assert "passed" not in (report.outcomes[TWO], report.outcomes[THREE])
    assert (report.verdict, report.killed) == (verdict, killed)
    assert said in report.failures.get(TWO, "")


@pytest.mark.parametrize("code", ["import sys; sys.exit(0)", "import os; os._exit(0)", "raise KeyboardInterrupt"])
def test_ending_at_import(project: Project, code: str) -> None:
    report = timed(make_grader(project), code)
    assert (report.verdict, report.passed, set(report.outcomes.values())) == ("crashed", 0, {"missing"})


def test_a_silent_process_is_not_a_finished_one(contained: Grader) -> None:
    report = timed(contained, on_two("os.closerange(0, 1000)\nwhile True: time.sleep(1)"))
    assert (report.verdict, report.passed) == ("timeout", 1)


def test_printing_100_mb(project: Project) -> None:
    grader = make_grader(project, timeout_s=20)
    assert timed(grader, on_two("print('x' * 100_000_000)"), 20).outcomes[ONE] == "passed"
    report = timed(grader, on_two("for _ in range(100): print('x' * 1_000_000)"), 20)
    assert (report.verdict, report.outcomes[ONE]) == ("ok", "passed")


def test_output_past_the_capture_is_limited(project: Project) -> None:
    flood = "out = os.open('/proc/%d/fd/1' % os.getpid(), os.O_WRONLY)"
    code = f"import gc\nfrom _pytest.capture import FDCapture\n{flood}\n" + (
        "saved = [c.targetfd_save for c in gc.get_objects() if isinstance(c, FDCapture) and c.targetfd == 1]\n"
        "while True: os.write(saved[0], b'x' * 100_000)"
    )
    report = timed(make_grader(project, timeout_s=20), on_two(code))
    assert (report.verdict, report.killed) == ("crashed", "output")
    assert report.failures == {TWO: "wrote too much output"}


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
    slow = project_of("import time, tiny\ndef test_it(): time.sleep(0.5)\n")
    grader = make_grader(slow)
    assert grader.limit_s >= 5
    assert grader.limit_s == pytest.approx(10 * grader.baseline.duration_s)
