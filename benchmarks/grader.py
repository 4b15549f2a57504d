"""What grading costs: an isolated evaluation against ``python -m pytest``, workers, caches, time limits.

Each figure stands beside a cold subprocess of the same tests in the same run, since machines differ and are shared. It
loads whatever pytest plugins are installed, as it does for a user; a second one loads none. The tests are a project of
six, then of 1, 25, 100 and 1,000 to see what a further test costs; reports are never cached but where the cache is
measured.

    python benchmarks/grader.py [--runs 60]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from machine import finish, met, print_table

from blampert_env.grading import Grader
from blampert_env.grading.edits import Edits
from blampert_env.grading.running import Wish
from blampert_env.grading.store import ReportStore
from blampert_env.projects import Project

STUB = (
    "def double(x):\n    raise NotImplementedError  # TODO\n\n\ndef triple(x):\n    raise NotImplementedError  # TODO\n"
)
SOLVED = "def double(x):\n    return 2 * x\n\n\ndef triple(x):\n    return 3 * x\n"
HALF = "def double(x):\n    return 2 * x\n\n\ndef triple(x):\n    return 2 * x\n"
TESTS = "from tiny import double, triple\n" + "".join(
    f"\n\ndef test_{name}_{n}():\n    assert {name}({n}) == {factor * n}\n"
    for n in (1, 2, 3)
    for name, factor in (("double", 2), ("triple", 3))
)
COUNTS = (1, 25, 100, 1000)
FRAME_STUB = "import pandas as pd\n\n\ndef total(frame):\n    raise NotImplementedError  # TODO\n"
FRAME_SOLVED = "import pandas as pd\n\n\ndef total(frame):\n    return frame.groupby('k').v.sum().to_dict()\n"
FRAME_TESTS = "import pandas as pd\nfrom tiny import total\n" + "".join(
    f"\n\ndef test_{n}():\n    frame = pd.DataFrame({{'k': ['a', 'b', 'a'], 'v': [1, 2, {n}]}})\n"
    f"    assert total(frame) == {{'a': {1 + n}, 'b': 2}}\n"
    for n in range(6)
)


def project(stub: str, tests: str) -> Project:
    """One file, one file of tests."""
    return Project.from_files("tiny", {"tiny.py": stub, "test_tiny.py": tests})


def times(action: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each call, after one that is not counted."""
    action()
    found = []
    for _ in range(runs):
        started = time.perf_counter()
        action()
        found.append(time.perf_counter() - started)
    return found


def cold_times(
    solved: str,
    tests: str,
    runs: int,
    *,
    has_plugins: bool = True,
    check: bool = True,
    arguments: Sequence[str] = (),
) -> list[float]:
    """``python -m pytest`` over the same files."""
    environment = {**os.environ, **({} if has_plugins else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "tiny.py").write_text(solved)
        Path(folder, "test_tiny.py").write_text(tests)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        quiet: Any = {"cwd": folder, "stdout": subprocess.DEVNULL, "env": environment}
        return times(lambda: subprocess.run(command, check=check, **quiet), runs)


def speed(runs: int) -> tuple[list[list[str]], dict[str, list[float]]]:
    """Rows and figures of single evaluations."""
    tiny = project(STUB, TESTS)
    grader, apart = Grader(tiny, cache_size=0), Grader(tiny, cache_size=0, isolation="strict")
    frames = Grader(project(FRAME_STUB, FRAME_TESTS), cache_size=0)
    unusual = SOLVED + "\n\nclass Odd:\n    __eq__ = None\n"  # not plain, and harmless
    doors = grader._doors()
    wish, imported_anew, ids = Wish(20.0), Edits(rest="not plain"), set(grader.test_ids)
    figures = {
        "cold": cold_times(SOLVED, TESTS, max(5, runs // 6)),
        "cold_bare": cold_times(SOLVED, TESTS, max(5, runs // 6), has_plugins=False),
        "plain": times(lambda: check(grader, SOLVED), runs),
        "apart": times(lambda: check(apart, SOLVED), runs),
        "twins": times(lambda: doors.twins.halves({"tiny.py": unusual}, wish, imported_anew, ids), runs // 2),
        "confirmed": times(lambda: grader.confirm({"tiny.py": SOLVED}), runs // 2),
        "pandas_cold": cold_times(FRAME_SOLVED, FRAME_TESTS, max(3, runs // 12)),
        "pandas_cold_bare": cold_times(FRAME_SOLVED, FRAME_TESTS, max(3, runs // 12), has_plugins=False),
        "pandas": times(lambda: check(frames, FRAME_SOLVED), max(5, runs // 3)),
    }
    cold = (median(figures["cold"]), median(figures["cold_bare"]))
    pandas_cold = (median(figures["pandas_cold"]), median(figures["pandas_cold_bare"]))
    rows = [
        row("cold subprocess: python -m pytest", figures["cold"]),
        row("the same without plugins", figures["cold_bare"]),
        row("plain code, in the tests' process", figures["plain"], cold, factor=16),
        row("apart (isolation='strict')", figures["apart"], cold),
        row("with impossible twins (two runs)", figures["twins"], cold),
        row("plain, then confirmed with twins", figures["confirmed"], cold),
        row("pandas: cold subprocess", figures["pandas_cold"]),
        row("pandas: the same without plugins", figures["pandas_cold_bare"]),
        row("pandas: plain code", figures["pandas"], pandas_cold),
    ]
    return rows, figures


def each_further(runs: int) -> tuple[list[list[str]], dict[str, Any]]:
    """Rows and figures of many tests: what each beyond the first costs, here and in plain pytest."""
    rows: list[list[str]] = []
    found: dict[str, Any] = {}
    for what, edit in (("passing", SOLVED), ("failing", STUB.replace("raise", "x += 1\n    raise"))):
        first = 0.0, 0.0
        for count in COUNTS:
            tests = "from tiny import double\n" + "".join(
                f"\n\ndef test_{n}():\n    assert double({n}) == {2 * n}\n" for n in range(count)
            )
            grader = Grader(project(STUB, tests), cache_size=0)
            wanted = count if what == "passing" else 0
            grade = partial(grader.grade, {"tiny.py": edit})
            assert grade().passed == wanted
            some = max(5, runs // (4 if count > 100 else 2))
            ours = median(times(grade, some))
            quiet: Any = {"has_plugins": False, "check": False, "arguments": ["--tb=no"]}
            plain = median(cold_times(edit, tests, max(3, some // 5), **quiet))
            if count == COUNTS[0]:
                first = ours, plain
            each = [(one - base) / max(1, count - 1) for one, base in zip((ours, plain), first, strict=True)]
            further = [f"{1e3 * one:.2f}" for one in each] if count > 1 else ["", ""]
            verdict = f"<= 1x: {met(each[0] <= each[1])}" if count >= 100 else ""
            rows.append([f"{count} {what}", f"{1e3 * ours:.1f}", f"{1e3 * plain:.0f}", *further, verdict])
            found[f"{what}_{count}"] = {"ours_s": ours, "plain_s": plain}
    return rows, found


def check(grader: Grader, source: str) -> None:
    """Grade, and be sure of it."""
    assert grader.grade({"tiny.py": source}).all_passed


def row(
    what: str,
    found: list[float],
    cold: tuple[float, float] | None = None,
    *,
    limit_ms: float | None = None,
    factor: float | None = None,
) -> list[str]:
    """One row: milliseconds, the ratios to both cold subprocesses, and what was to be reached of the first."""
    middle = median(found)
    wanted = []
    if limit_ms is not None:
        wanted.append(f"<= {limit_ms:g} ms: {met(1000 * middle <= limit_ms)}")
    if factor is not None and cold is not None:
        wanted.append(f">= {factor:g}x the bare one: {met(cold[1] / middle >= factor)}")
    ratios = [f"{one / middle:.1f}x" for one in cold] if cold is not None else ["", ""]
    return [
        what,
        str(len(found)),
        *(f"{1000 * value:.1f}" for value in (min(found), middle, max(found))),
        *ratios,
        ", ".join(wanted),
    ]


def workers(count: int) -> tuple[float, float]:
    """Evaluations a second with one worker and with two, the better of three tries each, in turn."""
    grader = Grader(project(STUB, TESTS), cache_size=0)
    batch = [{"tiny.py": SOLVED}] * count
    rates: dict[int, float] = {1: 0.0, 2: 0.0}
    for number in (1, 2, 1, 2, 1, 2):
        started = time.perf_counter()
        assert all(report.all_passed for report in grader.grade_many(batch, workers=number))
        rates[number] = max(rates[number], count / (time.perf_counter() - started))
    return rates[1], rates[2]


def overshoot(runs: int) -> list[float]:
    """Seconds past the limit when a candidate hangs."""
    grader = Grader(project(STUB, TESTS), cache_size=0, timeout_s=0.3)
    hanging = "import time\ndef double(x):\n    while True: time.sleep(0.001)\ndef triple(x): return 3 * x\n"
    found = []
    for _ in range(runs):
        started = time.perf_counter()
        assert grader.grade({"tiny.py": hanging}).verdict == "timeout"
        found.append(time.perf_counter() - started - 0.3)
    return found


def cache_times(runs: int) -> tuple[list[float], list[float]]:
    """Seconds of a hit in memory, and of one on disk."""
    with tempfile.TemporaryDirectory() as folder:
        store = ReportStore(Path(folder, "reports.sqlite3"))
        grader = Grader(project(STUB, TESTS), store=store)
        memory = times(lambda: check(grader, SOLVED), runs)
        disk = []
        for _ in range(runs):
            grader._reports.clear()
            started = time.perf_counter()
            check(grader, SOLVED)
            disk.append(time.perf_counter() - started)
        store.close()
    return memory, disk


def main(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    rows, figures = speed(arguments.runs)
    print("milliseconds an evaluation, six tests\n")
    print_table(["what", "n", "min", "median", "max", "against cold", "bare cold", "to reach"], rows)
    many, further = each_further(arguments.runs)
    print("\nmany tests: milliseconds an evaluation, here and in a cold pytest without plugins; each further test\n")
    print_table(["tests", "here", "cold", "a test here", "a test in pytest", "to reach"], many)
    one, two = workers(arguments.runs)
    late = overshoot(10)
    memory, disk = cache_times(10 * arguments.runs)
    others = [
        [
            "two workers against one",
            f"{two / one:.2f}x ({one:.0f} and {two:.0f} a second)",
            ">= 1.6x",
            met(two >= 1.6 * one),
        ],
        ["overshoot of a time limit, worst of 10", f"{1000 * max(late):.0f} ms", "<= 100 ms", met(max(late) <= 0.1)],
        [
            "report cache, hit in memory (median)",
            f"{1e3 * median(memory):.3f} ms",
            "<= 0.2 ms",
            met(median(memory) <= 2e-4),
        ],
        ["report cache, hit on disk (median)", f"{1e3 * median(disk):.3f} ms", "<= 0.2 ms", met(median(disk) <= 2e-4)],
    ]
    found: dict[str, Any] = {
        "seconds": figures,
        "tests": further,
        "per_second": {"one": one, "two": two},
        "overshoot_s": late,
    }
    found |= {"cache_memory_s": median(memory), "cache_disk_s": median(disk)}
    print()
    print_table(["what", "measured", "to reach", ""], others)
    finish("grader", found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=60)
    main(parser.parse_args())
