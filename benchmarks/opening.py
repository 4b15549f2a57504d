"""Seconds until a project is open: its tests known, its untouched state graded. For a process of its own.

python benchmarks/opening.py FOLDER PYTHON
"""

from __future__ import annotations

import sys
import time

from blampert_env.grading import make_grader
from blampert_env.projects import Project

if __name__ == "__main__":
    started = time.perf_counter()
    with make_grader(Project.load(sys.argv[1]), python=sys.argv[2]) as grader:
        assert grader.baseline.outcomes.keys() == set(grader.test_ids)
        print(time.perf_counter() - started)
