"""Run a saved policy, greedily, on projects: ``python -m blampert_env.evaluate POLICY``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from blampert_env.cli.run import natural, positive, run_command


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("policy", type=Path, help="a policy that training saved, such as models/thompson_1.zip")
    add("--project", action="append", metavar="NAME", help="a bundled project or a folder; repeatable (default: all)")
    add("--episodes", type=positive, default=1, metavar="N", help="episodes on each project (default: 1)")
    add("--seed", type=natural, default=0, help="seeds the LM's samples (default: 0)")
    add("--model", default="auto", help="embedded, ollama/<m>, openai/<m> or any LiteLLM name (default: auto)")
    add("--n-envs", type=positive, default=1, help="episodes played at once (default: 1)")
    add("--max-attempts", type=positive, metavar="N", help="steps in an episode (default: 3 a target)")
    add("--rewards", default="default", metavar="PROFILE", help="profile of configs/rewards.yaml")
    add("--strategies", metavar="FILE", help="the strategies the policy was trained with")
    add("--isolation", default="default", choices=("default", "strict", "none"), help="of the grader")
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "python -m blampert_env.evaluate") -> int:
    """Entry point; returns the exit code."""
    arguments = build_parser(prog).parse_args(argv)
    return run_command(prog, lambda: evaluate(arguments))


def evaluate(arguments: argparse.Namespace) -> int:
    """Play greedy episodes and print the table.

    Raises:
        UsageError: The policy, a project or a flag does not fit.
    """
    from blampert_agents import load_agent
    from blampert_env.coding import load_strategies
    from blampert_env.envs import SuiteEnv, policy_spaces
    from blampert_env.lm import resolve
    from blampert_env.projects import Project, bundled_projects, find_project
    from blampert_env.training.console import RunConsole
    from blampert_env.training.rollout import Collector
    from blampert_env.training.trainer import (
        ProjectResult,
        evaluation_jobs,
        evaluation_scalars,
        held_out_score,
    )

    strategies = load_strategies(arguments.strategies)
    observation_space, action_space = policy_spaces(strategies)
    agent = load_agent(
        arguments.policy,
        observation_space=observation_space,
        action_space=action_space,
        action_names=[strategy.name for strategy in strategies],
    )
    names = list(dict.fromkeys(arguments.project or bundled_projects()))
    projects = [Project.load(find_project(name)) for name in names]
    listed = ", ".join(project.name for project in projects)
    print(f"blampert: evaluating {agent.name} from {arguments.policy} on {listed}", flush=True)
    lm = resolve(arguments.model)
    options = {
        "strategies": arguments.strategies,
        "rewards": arguments.rewards,
        "max_attempts": arguments.max_attempts,
        "isolation": arguments.isolation,
    }
    collector = Collector(lambda: SuiteEnv(projects, lm=lm, **options), arguments.n_envs)
    try:
        jobs = evaluation_jobs([project.name for project in projects], arguments.seed, arguments.episodes)
        results = collector.collect(agent, jobs, deterministic=True)
        rows = {project.name: ProjectResult(project.name) for project in projects}
        best: dict[str, tuple[int, dict[str, str]]] = {}
        for result in results:
            rows[result.job.project].add(result)
            if result.tests_after > best.get(result.job.project, (-1, {}))[0]:
                best[result.job.project] = (result.tests_after, result.files)
        for project in projects:
            rows[project.name].after, files = best[project.name]
            rows[project.name].held_out = held_out_score(project, files, arguments.isolation)
    finally:
        collector.close()
    with RunConsole(bar=False) as console:
        console.table(f"{agent.name}, {arguments.episodes} greedy episodes each, model {lm.name}", list(rows.values()))
        for tag, value in evaluation_scalars(results).items():
            console.say(f"{tag}: {value:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
