"""What Blampert itself costs: import, command start, and an environment step beside the LM and grading.

The steps are real: random strategies on the calculator, answered by the embedded LM or its sample pool, graded by the
real grader. Overhead is the step's time without asking and without grading; what DSPy and the pool add to the LM's own
time is a row of its own. The first step, which loads DSPy, is left out.

    python benchmarks/bench_overhead.py [--steps 60] [--runs 11]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
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
    """Seconds of overhead, of asking beside the LM itself, and of grading, step by step."""
    import gymnasium as gym

    import blampert_env  # noqa: F401

    env = gym.make("Blampert-Calculator-v0", lm="embedded")
    inner = env.unwrapped
    rng = np.random.default_rng(seed)
    times: dict[str, list[float]] = {"overhead": [], "dspy": [], "grading": [], "lm": []}
    done = True
    for _ in range(steps):
        if done:
            env.reset(seed=int(rng.integers(1000)))
        action = int(rng.choice(np.flatnonzero(inner.action_masks())))
        started = time.perf_counter()
        *_, terminated, truncated, _ = env.step(action)
        whole = time.perf_counter() - started
        done = terminated or truncated
        record = inner.last_step
        times["overhead"].append(whole - record.attempt.grade_s - record.proposal.seconds)
        times["dspy"].append(record.proposal.seconds - record.proposal.completion.latency_s)
        times["grading"].append(record.attempt.grade_s)
        times["lm"].append(record.proposal.completion.latency_s)
    env.close()
    return {name: values[1:] for name, values in times.items()}


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    python = process_times(["-c", "pass"], arguments.runs)
    importing = process_times(["-c", "import blampert_env"], arguments.runs)
    helping = process_times(["-m", "blampert_env.cli", "--help"], arguments.runs)
    steps = step_times(arguments.steps, seed=0)
    rows = [
        row("python -c pass (for comparison)", python),
        row("import blampert_env (whole process)", importing, 350),
        row("blampert --help (whole process)", helping, 300),
        row("env step beside asking and grading", steps["overhead"], 1),
        row("asking beside the LM: DSPy, pool", steps["dspy"]),
        row("grading (a cold process, or the report cache)", steps["grading"]),
        row("the LM (0 from the pool)", steps["lm"]),
    ]
    print_table(["what", "min", "median", "max", "to reach (median)"], rows)
    finish("overhead", {"import_s": importing, "help_s": helping, **{f"step_{k}_s": v for k, v in steps.items()}})


def row(what: str, times: list[float], limit_ms: float | None = None) -> list[str]:
    """Minimum, median and maximum in milliseconds, and whether the median is within its limit."""
    verdict = ""
    if limit_ms is not None:
        verdict = f"<= {limit_ms:g} ms: {'met' if 1000 * median(times) <= limit_ms else 'NOT met'}"
    return [what, *(f"{1000 * value:.2f} ms" for value in (min(times), median(times), max(times))), verdict]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--runs", type=int, default=11)
    run(parser.parse_args())
