"""A learned policy against `random`, `round-robin` and every `fixed` strategy, for the same LM calls, in one table.

Each learning policy first trains on the bundled projects until it has spent --train-calls LM calls. Then every policy
plays the same evaluation episodes (same seeds). What is compared: tests passed, projects solved, return, and LM calls
an episode. Answers come from one sample pool that all policies share, so that luck in sampling is shared as well.
`fixed:X` takes the first allowed strategy where X is masked (a greedy X that would only repeat its answer is).

    python benchmarks/bench_policies.py [--train-calls 150] [--episodes 3] [--seeds 0] [--model embedded]
"""

from __future__ import annotations

import argparse
from statistics import mean, stdev
from typing import Any

import numpy as np
from machine import finish, print_table

from blampert_agents import Agent, make_agent
from blampert_env.coding import load_strategies
from blampert_env.envs import SuiteEnv
from blampert_env.lm import resolve
from blampert_env.projects import bundled_projects
from blampert_env.training.rollout import EpisodeResult, Job, rollout
from blampert_env.training.trainer import episode_seed, evaluation_jobs

LEARNING = ("thompson", "maskable-ppo")


def train(agent: Agent, env: SuiteEnv, calls: int, seed: int) -> int:
    """Iterate over the projects until ``calls`` LM calls are spent; returns how many were."""
    spent = index = 0
    while spent < calls:
        episodes = []
        for name in env.projects:
            result = rollout(env, agent, Job(name, episode_seed(seed, 0, index), index))
            assert result is not None
            episodes.append(result.episode)
            spent += result.lm_calls
            index += 1
        agent.learn(episodes)
    return spent


def evaluate(agent: Agent, env: SuiteEnv, episodes: int, seed: int, deterministic: bool) -> list[EpisodeResult]:
    """Play the evaluation episodes."""
    jobs = evaluation_jobs(list(env.projects), seed, episodes)
    results = [rollout(env, agent, job, deterministic=deterministic) for job in jobs]
    return [result for result in results if result is not None]


def run(arguments: argparse.Namespace) -> None:
    """Train, evaluate, print."""
    lm = resolve(arguments.model)
    env = SuiteEnv(sorted(bundled_projects()), lm=lm, max_attempts=arguments.max_attempts)
    names = [strategy.name for strategy in load_strategies()]
    figures = []
    for label in [*LEARNING, "random", "round-robin", *(f"fixed:{name}" for name in names)]:
        algo, _, strategy = label.partition(":")
        results, spent = [], 0
        for seed in arguments.seeds:
            agent = make_agent(
                algo,
                env.observation_space,
                env.action_space,
                seed=seed,
                hyperparams={"action": strategy} if strategy else None,
                action_names=names,
            )
            if algo in LEARNING:
                spent += train(agent, env, arguments.train_calls, seed)
            # a learned policy is read greedily; random and round-robin have no greedy form
            results += evaluate(agent, env, arguments.episodes, seed, deterministic=algo in LEARNING)
        figures.append(summary(label, spent, results))
        print(f"... {label}: {figures[-1]['test_pass_rate']:.2f}", flush=True)
    env.close()
    report(figures, lm.name, arguments)


def summary(label: str, spent: int, results: list[EpisodeResult]) -> dict[str, Any]:
    """One row."""
    rates = [result.tests_after / result.tests_total for result in results]
    return {
        "policy": label,
        "training_calls": spent,
        "episodes": len(results),
        "test_pass_rate": mean(rates),
        "spread": stdev(rates) if len(rates) > 1 else 0.0,
        "solved": mean(result.episode.is_success for result in results),
        "returns": [result.episode.ret for result in results],
        "return": mean(result.episode.ret for result in results),
        "lm_calls": mean(result.lm_calls for result in results),
        "tokens": mean(result.completion_tokens for result in results),
    }


def report(figures: list[dict[str, Any]], model: str, arguments: argparse.Namespace) -> None:
    """Print the table, best return first, and what it says of learning."""
    ranked = sorted(figures, key=lambda row: -float(row["return"]))
    rows = [
        [
            row["policy"],
            row["training_calls"],
            f"{row['test_pass_rate']:.0%} (sd {row['spread']:.0%})",
            f"{row['solved']:.0%}",
            f"{row['return']:+.2f}",
            f"{row['lm_calls']:.1f}",
            f"{row['tokens']:.0f}",
        ]
        for row in ranked
    ]
    print(f"\nmodel {model}; seeds {arguments.seeds}; {arguments.episodes} episodes a project and seed\n")
    print_table(
        ["policy", "training calls", "tests passed", "solved", "return", "LM calls an episode", "tokens an episode"],
        rows,
    )
    fixed = [row for row in ranked if str(row["policy"]).startswith("fixed")]
    for label in LEARNING:
        learned = next(row for row in figures if row["policy"] == label)
        print(f"\n{label} against the best fixed strategy, {fixed[0]['policy']}: {compare(learned, fixed[0])}")
    finish("policies", figures)


def compare(learned: dict[str, Any], fixed: dict[str, Any]) -> str:
    """The paired difference in return over the same episodes, with a bootstrap 95 % interval (10,000 resamples)."""
    differences = np.subtract(learned["returns"], fixed["returns"])
    rng = np.random.default_rng(0)
    means = rng.choice(differences, (10_000, len(differences))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    said = "better" if low > 0 else "worse" if high < 0 else "no difference shown"
    return f"{differences.mean():+.2f} return an episode (95 % CI {low:+.2f} to {high:+.2f}): {said}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train-calls", type=int, default=150)
    parser.add_argument("--episodes", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--max-attempts", type=int, default=12)
    parser.add_argument("--model", default="embedded")
    run(parser.parse_args())
