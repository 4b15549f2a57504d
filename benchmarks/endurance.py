"""What the grader endures: thousands of evaluations in a row, its own processes killed at random under load, a busy
machine.

    python benchmarks/endurance.py [--soak 20000] [--kills 1000] [--loaded 500]

The soak grades right and half-right code in turn and compares what is held before and after. The kills hit any process
of the server, launcher and fork servers included, while two threads grade and two other processes hold the processors.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from machine import finish, met, print_table

from blampert_env.errors import GraderError
from blampert_env.grading import Grader
from blampert_env.grading.server import server
from blampert_env.projects import Project
from tests.processes import Killer, below, evaluations_alive

STUB = "def double(x):\n    raise NotImplementedError  # TODO\n"
CODES = ("def double(x):\n    return 2 * x\n", "def double(x):\n    return 2 if x == 1 else 0\n")
PASSED = (6, 1)
TESTS = "from tiny import double\n" + "".join(
    f"\n\ndef test_{n}():\n    assert double({n}) == {2 * n}\n" for n in range(1, 7)
)


def make_grader() -> Grader:
    """Six tests, one function; nothing cached."""
    return Grader(Project.from_files("tiny", {"tiny.py": STUB, "test_tiny.py": TESTS}), cache_size=0, timeout_s=20)


def held() -> dict[str, int]:
    """What this process and everything below it holds now."""
    processes = [os.getpid(), *below(server(sys.executable).process.pid)]
    memory = descriptors = mounts = 0
    for pid in processes:
        try:
            memory += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            descriptors += len(os.listdir(f"/proc/{pid}/fd"))
            mounts += len(Path(f"/proc/{pid}/mounts").read_text().splitlines())
        except OSError:
            continue
    return {
        "memory in MB": memory >> 20, "descriptors": descriptors, "processes": len(processes),
        "mounts": mounts, "threads": threading.active_count(), **left_behind(),
    }  # fmt: skip


def left_behind() -> dict[str, int]:
    """What outlives processes."""
    groups = sum(1 for _ in Path("/sys/fs/cgroup").glob("*/blampert-*"))
    return {"cgroups": groups, "files": sum(name.startswith("blampert-") for name in os.listdir(tempfile.gettempdir()))}


def soak(count: int) -> tuple[list[list[str]], dict[str, object]]:
    """Rows and figures of ``count`` evaluations in a row."""
    grader = make_grader()
    for number in range(50):
        grader.grade({"tiny.py": CODES[number % 2]})
    before, wrong, started = held(), 0, time.perf_counter()
    for number in range(count):
        wrong += grader.grade({"tiny.py": CODES[number % 2]}).passed != PASSED[number % 2]
    minutes, after = (time.perf_counter() - started) / 60, held()
    rows = [[f"{count:,} evaluations in {minutes:.1f} min: wrong", str(wrong), "0", met(wrong == 0)]]
    for name, value in after.items():
        slack = 0.1 * before[name] + 10 if name.startswith("memory") else 0
        rows.append(
            [f"- {name}: before, after", f"{before[name]}, {value}", "flat", met(value <= before[name] + slack)]
        )
    return rows, {"evaluations": count, "wrong": wrong, "before": before, "after": after}


def kill(count: int, seed: int) -> tuple[list[list[str]], dict[str, object]]:
    """Rows and figures of ``count`` kills."""
    grader, errors, tally = make_grader(), Counter[str](), Counter[str]()
    grader.grade_many([{"tiny.py": code} for code in CODES] * 5, workers=2)
    before, killer = left_behind(), Killer(grader.python, count, seed)

    def work(first: int) -> None:
        number = first
        while killer.is_alive():
            number += 1
            try:
                report = grader.grade({"tiny.py": CODES[number % 2]})
            except GraderError as error:
                errors[str(error)] += 1
            else:
                tally["right" if report.passed == PASSED[number % 2] else "wrong"] += 1

    started = time.perf_counter()
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        killer.start()
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(work, range(2)))
    finally:
        for process in load:
            process.kill()
            process.wait()
    minutes = (time.perf_counter() - started) / 60
    sound, alive, after = grader.grade({"tiny.py": CODES[0]}).all_passed, evaluations_alive(), left_behind()
    documented = sum(times for text, times in errors.items() if text.startswith("cannot grade tiny: "))
    rows = [
        [f"{killer.killed:,} kills in {minutes:.1f} min: evaluations answered wrongly", str(tally["wrong"]), "0",
         met(tally["wrong"] == 0)],
        ["- answered rightly", f"{tally['right']:,}", "", ""],
        ["- GraderError; anything else", f"{documented}; {errors.total() - documented}", "0 else",
         met(documented == errors.total())],
        ["- the next evaluation is right", str(sound), "True", met(sound)],
        ["- processes of evaluations left", str(len(alive)), "0", met(not alive)],
        *([f"- {name}: before, after", f"{before[name]}, {value}", "flat", met(value <= before[name])]
          for name, value in after.items()),
    ]  # fmt: skip
    return rows, {"kills": killer.killed, "seed": seed, **tally, "errors": dict(errors), "left": len(alive)}


def loaded(count: int) -> tuple[list[list[str]], dict[str, object]]:
    """Rows and figures of right code, graded while four other processes want the processors."""
    grader, tally = (
        Grader(Project.from_files("tiny", {"tiny.py": STUB, "test_tiny.py": TESTS}), cache_size=0),
        Counter[str](),
    )
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        for _ in range(count):
            report = grader.grade({"tiny.py": CODES[0]})
            tally["full"] += report.all_passed
            tally["timeouts"] += report.verdict == "timeout"
    finally:
        for process in load:
            process.kill()
            process.wait()
    full = tally["full"] == count
    rows = [[f"{count} right solutions, four busy loops: full scores", str(tally["full"]), str(count), met(full)],
            ["- timeouts", str(tally["timeouts"]), "0", met(not tally["timeouts"])]]  # fmt: skip
    return rows, {"count": count, **tally}


def main(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    rows, figures = [], {}
    if arguments.soak:
        found, figures["soak"] = soak(arguments.soak)
        rows += found
    if arguments.kills:
        found, figures["kills"] = kill(arguments.kills, arguments.seed)
        rows += found
    if arguments.loaded:
        found, figures["loaded"] = loaded(arguments.loaded)
        rows += found
    print_table(["what", "measured", "to reach", ""], rows)
    finish("endurance", figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--soak", type=int, default=20_000, help="evaluations in a row (five minutes)")
    parser.add_argument("--kills", type=int, default=1_000, help="processes killed (five minutes)")
    parser.add_argument("--loaded", type=int, default=500, help="right solutions on a busy machine (a minute)")
    parser.add_argument("--seed", type=int, default=0, help="of what is killed and when")
    main(parser.parse_args())
