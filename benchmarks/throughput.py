"""Steps a second on a full sample pool: what training costs when no model has to be asked.

The calculator is played by chance with a few strategies, first as often as it takes for every sample of the pool to be
drawn (by the real embedded model, where it is not there yet), then on the clock with ``pool_only``: prompts are built,
answers looked up, edits applied, reports taken from the grader's cache. One core is used. PPO is Stable-Baselines3's.

    python benchmarks/throughput.py [--steps 2000] [--runs 3] [--strategies complete complete-sample minimal]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from statistics import median

import numpy as np
from machine import finish, met, print_table

from blampert_env.envs import StrategyEnv
from blampert_env.projects import Project, find_project

PROJECT = "calculator"
WARM_STEPS = 400  # without a new sample


def by_chance(env: StrategyEnv, steps: int, seed: int, *, until_drawn: bool = False) -> float:
    """Seconds of so many steps by chance; ``until_drawn``: until so many in a row have drawn nothing new."""
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)
    started, left = time.perf_counter(), steps
    while left:
        *_, terminated, truncated, _ = env.step(int(rng.choice(np.flatnonzero(env.action_masks()))))
        record, left = env.last_step, left - 1
        if until_drawn and record is not None and record.proposal is not None and not record.proposal.completion.cached:
            left = steps
            print(f"... {PROJECT} {record.strategy}: drew a sample", file=sys.stderr, flush=True)
        if terminated or truncated:
            env.reset(seed=int(rng.integers(2**31)))
    return time.perf_counter() - started


def by_ppo(env: StrategyEnv, steps: int, seed: int) -> float:
    """Seconds in which PPO takes so many steps, its updates among them."""
    import torch
    from stable_baselines3 import PPO

    torch.set_num_threads(1)
    model = PPO("MlpPolicy", env, n_steps=500, batch_size=100, seed=seed, device="cpu")
    started = time.perf_counter()
    model.learn(steps)
    return time.perf_counter() - started


def main(arguments: argparse.Namespace) -> int:
    """Fill the pool, then time."""
    project = Project.load(find_project(PROJECT))
    drawing = StrategyEnv(project, strategies=arguments.strategies, lm="embedded")
    by_chance(drawing, WARM_STEPS, 0, until_drawn=True)
    drawing.close()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    env = StrategyEnv(project, strategies=arguments.strategies, lm="embedded", pool_only=True)
    rows, figures = [], {}
    for name, play, goal in (("by chance", by_chance, 300), ("PPO", by_ppo, 150)):
        rates = [arguments.steps / play(env, arguments.steps, seed) for seed in range(arguments.runs)]
        rate = median(rates)
        spread = f"{min(rates):.0f}-{max(rates):.0f}"
        rows.append([name, f"{rate:.0f}", spread, f">= {goal}", met(rate >= goal)])
        figures[name] = rates
    env.close()
    print(f"{PROJECT}, strategies {', '.join(arguments.strategies)}, {arguments.steps} steps a run, one core\n")
    print_table(("played", "steps a second, median", "spread", "to reach", ""), rows)
    finish("throughput", figures)
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--strategies", nargs="+", default=["complete", "complete-sample", "minimal"])
    sys.exit(main(parser.parse_args()))
