"""What every benchmark prints and writes: the machine, the command, the table, and a JSON file of the figures."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """Processor, cores, Python."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores, {platform.system()}, Python {platform.python_version()}"


def command() -> str:
    """The command line as a reader would type it."""
    return " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])


def print_table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A Markdown table, as it stands in README."""
    cells = [[str(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    for number, row in enumerate(cells):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def met(is_met: bool) -> str:
    """The word for a figure that was to be reached."""
    return "met" if is_met else "NOT met"


def finish(name: str, figures: Any) -> None:
    """Print machine and command, and write ``benchmarks/results/<name>.json``."""
    RESULTS.mkdir(exist_ok=True)
    content = {"machine": machine(), "command": command(), "figures": figures}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    print(f"\nmachine: {machine()}\ncommand: {command()}\nwritten: benchmarks/results/{name}.json")


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """95 % confidence interval of a proportion (Wilson 1927, score interval)."""
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * (share * (1 - share) / trials + z * z / (4 * trials * trials)) ** 0.5 / (1 + z * z / trials)
    return max(0.0, centre - half), min(1.0, centre + half)
