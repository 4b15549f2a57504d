"""What Blampert itself costs: import, command start, and an environment step beside the LM and grading.

The steps are real: random strategies on the calculator, answered by the embedded LM or its sample pool, graded by the
real grader. Overhead is the wall-clock time of ``env.step`` without asking and without grading; what DSPy and the pool
add to the LM's own time is a row of its own. The first step of a run, which loads DSPy, is left out. The verdict is on
the steps that were really graded: another process has run meanwhile, so the processor's caches are cold. Each seed is
a run of its own with a fresh environment; the spread of their medians shows the noise of the machine, as does parsing
a file, which is Python's own work.

    python benchmarks/bench_overhead.py [--steps 60] [--seeds 3] [--runs 11]
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
from machine import finish, print_table


def process_times(arguments: list[str], runs: int) -> list[float]:
    """Wall-clock seconds of a whole process, after one run to warm the disk cache."""
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return times[1:]


def step_times(steps: int, seed: int) -> dict[str, list[float]]:
    """Seconds of overhead (in all steps, and in those graded anew), of asking beside the LM, of grading, of the LM."""
    import gymnasium as gym

    import blampert_env  # noqa: F401

    env = gym.make("Blampert-Calculator-v0", lm="embedded")
    inner = env.unwrapped
    inner.edit_env.grader.cache_size = 0  # a report from the disk would be no graded step
    rng = np.random.default_rng(seed)
    times: dict[str, list[float]] = {name: [] for name in ("overhead", "overhead_graded", "dspy", "grading", "lm")}
    done = True
    for number in range(steps):
        if done:
            env.reset(seed=int(rng.integers(1000)))
        action = int(rng.choice(np.flatnonzero(inner.action_masks())))
        started = time.perf_counter()
        *_, terminated, truncated, _ = env.step(action)
        whole = time.perf_counter() - started
        done = terminated or truncated
        attempt, proposal = inner.last_step.attempt, inner.last_step.proposal
        if number == 0 or proposal is None:
            continue
        overhead = whole - attempt.grade_s - proposal.seconds
        times["overhead"].append(overhead)
        times["dspy"].append(proposal.seconds - proposal.completion.latency_s)
        times["lm"].append(proposal.completion.latency_s)
        if attempt.files_proposed:
            times["overhead_graded"].append(overhead)
            times["grading"].append(attempt.grade_s)
    env.close()
    return times


def parse_times(runs: int) -> list[float]:
    """Seconds to parse the calculator, warm: a measure of the machine."""
    text = (Path(__file__).parent.parent / "projects" / "calculator" / "calculator.py").read_text()
    times = []
    for _ in range(20 * runs):
        started = time.perf_counter()
        ast.parse(text)
        times.append(time.perf_counter() - started)
    return times


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    python = process_times(["-c", "pass"], arguments.runs)
    importing = process_times(["-c", "import blampert_env"], arguments.runs)
    helping = process_times(["-m", "blampert_env.cli", "--help"], arguments.runs)
    parsing = parse_times(arguments.runs)
    by_seed = [step_times(arguments.steps, seed) for seed in range(arguments.seeds)]
    steps = {name: [value for times in by_seed for value in times[name]] for name in by_seed[0]}
    rows = [
        row("python -c pass (for comparison)", python),
        row("import blampert_env (whole process)", importing, 350),
        row("blampert --help (whole process)", helping, 300),
        row("ast.parse of calculator.py (for comparison)", parsing),
        row("env step beside asking and grading: graded steps", steps["overhead_graded"], 1),
        row("the same: all steps", steps["overhead"]),
        row("asking beside the LM: DSPy, pool", steps["dspy"]),
        row("grading, where the report cache has nothing", steps["grading"]),
        row("the LM (0 from the pool)", steps["lm"]),
    ]
    print_table(["what", "n", "min", "median", "max", "to reach (median)"], rows)
    medians = [f"{1000 * median(times['overhead_graded']):.2f}" for times in by_seed]
    print(f"\nmedian of the graded steps by seed (0 to {arguments.seeds - 1}): {', '.join(medians)} ms")
    figures = {f"step_{name}_s": values for name, values in steps.items() if name != "overhead_graded"}
    figures |= {f"step_overhead_graded_seed_{seed}_s": times["overhead_graded"] for seed, times in enumerate(by_seed)}
    finish("overhead", {"import_s": importing, "help_s": helping, "python_s": python, "parse_s": parsing, **figures})


def row(what: str, times: list[float], limit_ms: float | None = None) -> list[str]:
    """Number, minimum, median and maximum in milliseconds, and whether the median is within its limit."""
    verdict = ""
    if limit_ms is not None:
        verdict = f"<= {limit_ms:g} ms: {'met' if 1000 * median(times) <= limit_ms else 'NOT met'}"
    return [
        what,
        str(len(times)),
        *(f"{1000 * value:.2f} ms" for value in (min(times), median(times), max(times))),
        verdict,
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=11)
    run(parser.parse_args())
