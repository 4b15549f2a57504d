"""What Blampert itself costs: import, command start, and an environment step beside the LM and grading.

The steps are real: random strategies on the calculator, answered by the embedded LM or its sample pool, graded by the
real grader. Overhead is the step's time without asking (DSPy and the LM) and without grading.

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
    return times


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    python = process_times(["-c", "pass"], arguments.runs)
    importing = process_times(["-c", "import blampert_env"], arguments.runs)
    helping = process_times(["-m", "blampert_env.cli", "--help"], arguments.runs)
    steps = step_times(arguments.steps, seed=0)
    rows = [
        ["python -c pass (for comparison)", *spread(python), ""],
        ["import blampert_env (whole process)", *spread(importing), "<= 350 ms"],
        ["blampert --help", *spread(helping), "<= 300 ms"],
        ["env step beside LM and grading", *spread(steps["overhead"]), "<= 1 ms"],
        ["DSPy around a call", *spread(steps["dspy"]), ""],
        ["grading (cold process, or its cache)", *spread(steps["grading"]), ""],
        ["the LM (0 from the pool)", *spread(steps["lm"]), ""],
    ]
    print_table(["what", "min", "median", "max", "to reach (median)"], rows)
    finish("overhead", {"import_s": importing, "help_s": helping, **{f"step_{k}_s": v for k, v in steps.items()}})


def spread(times: list[float]) -> list[str]:
    """Minimum, median and maximum in milliseconds."""
    return [f"{1000 * value:.2f} ms" for value in (min(times), median(times), max(times))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--runs", type=int, default=11)
    run(parser.parse_args())
