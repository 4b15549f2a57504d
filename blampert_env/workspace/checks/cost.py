"""What an evaluation and an opening cost, against plain pytest."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from statistics import median

from blampert_env.grading import Grader
from blampert_env.projects import Project
from blampert_env.workspace.checks.finding import Finding
from blampert_env.workspace.checks.probe import probe

_TIMES, _ENOUGH_S = 5, 60.0
_OPEN = """
import sys, time
from blampert_env.grading import make_grader
from blampert_env.projects import Project
started = time.perf_counter()
with make_grader(Project.load(sys.argv[1]), python=sys.argv[2]) as grader:
    grader.facts
    print(time.perf_counter() - started)
"""


def cost(
    project: Project, grader: Grader, right: Mapping[str, str], plain_s: float | None, opening_s: float
) -> Finding:
    """Evaluate edits of one target each that nobody has seen, and open the project in a process of its own.

    Args:
        project: The project.
        grader: Its grader, opened.
        right: The solution, or the untouched sources.
        plain_s: What plain pytest takes.
        opening_s: What the first opening took.

    Raises:
        GraderError: The grader itself failed.
    """
    taken: list[float] = []
    for number in range(_TIMES):
        files = probe(right, [project.targets[number % len(project.targets)]])
        started = time.perf_counter()
        grader.grade(files)
        taken.append(time.perf_counter() - started)
        if sum(taken) > _ENOUGH_S:
            break
    details = {"evaluation_s": round(median(taken), 4), "opening_s": round(opening_s, 2)}
    text = f"an evaluation {median(taken):.3g} s"
    if plain_s is not None:
        details |= {"plain_pytest_s": round(plain_s, 3), "ratio": round(median(taken) / plain_s, 3)}
        text += f", plain pytest {plain_s:.3g} s ({_times(plain_s / median(taken))})"
    text += f"; opening {opening_s:.3g} s"
    again = _again(project, grader.python)
    if again is not None:
        details["opening_again_s"] = round(again, 2)
        text += f", again {again:.3g} s"
    slow = plain_s is not None and median(taken) > plain_s
    return Finding("cost", "note" if slow else "ok", text, details)


def _times(factor: float) -> str:
    return f"{factor:.1f} times faster" if factor >= 1 else f"{1 / factor:.1f} times slower"


def _again(project: Project, python: str) -> float | None:
    """Seconds of an opening from what is kept on disk; None if it failed."""
    command = [sys.executable, "-c", _OPEN, str(project.root), python]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None
