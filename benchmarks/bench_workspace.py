"""What a workspace costs: making it, a second create, looking at it, importing with many projects, packing a run.

Making it is measured with a warm package cache: one workspace is made before, which is not counted. The import is that
of a process of its own, with a workspace of 100 projects, against one without.

    python benchmarks/bench_workspace.py [--runs 3] [--projects 100]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from machine import finish, print_table

from blampert_env.workspace.create import create
from blampert_env.workspace.info import describe
from blampert_env.workspace.template import new_project


def seconds(body: Callable[[], object]) -> float:
    started = time.perf_counter()
    body()
    return time.perf_counter() - started


def process(code: list[str], home: Path) -> float:
    environment = {**os.environ, "HOME": str(home), "BLAMPERT_WORKSPACE": ""}
    return seconds(
        lambda: subprocess.run([sys.executable, *code], check=True, stdout=subprocess.DEVNULL, env=environment)
    )


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    times: dict[str, list[float]] = {name: [] for name in ("create", "again", "info")}
    with tempfile.TemporaryDirectory(prefix="blampert-bench-") as scratch:
        create(Path(scratch, "warm"))
        for number in range(arguments.runs):
            folder = Path(scratch, f"ws{number}")
            times["create"].append(seconds(lambda folder=folder: create(folder)))
            times["again"].append(seconds(lambda folder=folder: create(folder)))
            report = create(folder)
            times["info"].append(seconds(lambda report=report: describe(report.workspace)))
        empty, full = Path(scratch, "empty"), Path(scratch, "full")
        for home in (empty, full):
            home.mkdir()
        projects = full / ".blampert_workspace" / "projects"
        projects.mkdir(parents=True)
        (projects.parent / "agent_config.json").write_text("{}")
        for number in range(arguments.projects):
            new_project(f"project{number}", projects)
        for name, home in (("import, no workspace", empty), (f"import, {arguments.projects} projects", full)):
            times[name] = [process(["-c", "import blampert_env"], home) for _ in range(arguments.runs * 3 + 1)][1:]
        helping = ["-m", "blampert_env.cli", "--help"]
        times["blampert --help"] = [process(helping, full) for _ in range(arguments.runs * 3 + 1)][1:]
    limits = {"create": 15.0, f"import, {arguments.projects} projects": 0.35, "blampert --help": 0.3}
    rows = []
    for name, values in times.items():
        verdict = ""
        if name in limits:
            verdict = f"<= {limits[name]:g} s: {'met' if median(values) <= limits[name] else 'NOT met'}"
        rows.append([name, *(f"{value:.3f} s" for value in (min(values), median(values), max(values))), verdict])
    print_table(["what", "min", "median", "max", "to reach (median)"], rows)
    finish("workspace", times)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--projects", type=int, default=100)
    run(parser.parse_args())
