"""Run a saved policy, greedily, on projects: ``python -m blampert_env.evaluate POLICY``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from blampert_env.commands import natural, positive, run_command, seconds
from blampert_env.training.config import TrainConfig
from blampert_env.training.places import find_places


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("policy", type=Path, help="a policy that training saved, such as models/thompson_1.zip")
    add("--project", action="append", metavar="NAME", help="a project's name or folder; repeatable (default: all)")
    add("--workspace", type=Path, metavar="DIR", help="take projects, policies and settings from there")
    add("--episodes", type=positive, default=1, metavar="N", help="episodes on each project (default: 1)")
    add("--seed", type=natural, help="seeds the LM's samples (default: 0)")
    add("--model", default="auto", help="embedded, ollama/<m>, openai/<m> or any LiteLLM name (default: auto)")
    add("--n-envs", type=positive, help="episodes played at once (default: 1)")
    add("--max-attempts", type=positive, metavar="N", help="steps in an episode (default: 2 a target)")
    add("--rewards", default="default", metavar="PROFILE", help="profile of configs/rewards.yaml")
    add("--strategies", metavar="FILE", help="the strategies the policy was trained with")
    add("--isolation", choices=("default", "strict", "none"), help="of the grader (default: default)")
    add("--timeout-s", type=seconds, metavar="S", help="longest time of a project's tests (default: 10x the untouched)")
    return parser


def main(
    argv: Sequence[str] | None = None, prog: str = "python -m blampert_env.evaluate", *, default_workspace: bool = False
) -> int:
    """Entry point; returns the exit code. ``default_workspace``: that at the default place counts, if it exists."""
    arguments = build_parser(prog).parse_args(argv)
    return run_command(prog, lambda: evaluate(arguments, default_workspace=default_workspace))


_SETTINGS = ("seed", "n_envs", "isolation", "timeout_s")


def evaluate(arguments: argparse.Namespace, *, default_workspace: bool = False) -> int:
    """Play greedy episodes and print the table.

    Raises:
        UsageError: The policy, a project or a flag does not fit.
    """
    from blampert_env.coding import load_strategies
    from blampert_env.envs import SuiteEnv
    from blampert_env.projects import Project, bundled_projects, find_project
    from blampert_env.training.console import RunConsole
    from blampert_env.training.rollout import Collector
    from blampert_env.training.start import saved_agent
    from blampert_env.training.trainer import (
        ProjectResult,
        evaluation_jobs,
        evaluation_scalars,
        held_out_score,
    )

    places = find_places(arguments.workspace, default=default_workspace)
    settings = TrainConfig(projects=(), **places.defaults())
    settings = replace(
        settings, **{name: value for name in _SETTINGS if (value := getattr(arguments, name)) is not None}
    )
    strategies = load_strategies(arguments.strategies)
    agent = saved_agent(places.policy(arguments.policy), strategies)
    names = list(dict.fromkeys(arguments.project or places.projects or bundled_projects()))
    projects = [Project.load(find_project(name, places.projects)) for name in names]
    listed = ", ".join(project.name for project in projects)
    print(f"blampert: evaluating {agent.name} from {arguments.policy} on {listed}", flush=True)
    python = places.python({project.name: project.root for project in projects if project.root})
    lm = places.language_model(arguments.model, strategies)
    grader: dict[str, Any] = {"isolation": settings.isolation, "timeout_s": settings.timeout_s, "python": python}
    options = {
        "strategies": arguments.strategies,
        "rewards": arguments.rewards,
        "max_attempts": arguments.max_attempts,
        **grader,
    }
    collector = Collector(lambda: SuiteEnv(projects, lm=lm, **options), settings.n_envs)
    try:
        jobs = evaluation_jobs([project.name for project in projects], settings.seed, arguments.episodes)
        results = collector.collect(agent, jobs, deterministic=True)
        rows = {project.name: ProjectResult(project.name) for project in projects}
        best: dict[str, tuple[int, dict[str, str]]] = {}
        for result in results:
            rows[result.job.project].add(result)
            if result.tests_after > best.get(result.job.project, (-1, {}))[0]:
                best[result.job.project] = (result.tests_after, result.files)
        for project in projects:
            rows[project.name].after, files = best[project.name]
            rows[project.name].held_out = held_out_score(project, files, **grader)
    finally:
        collector.close()
    with RunConsole(bar=False) as console:
        console.table(f"{agent.name}, {arguments.episodes} greedy episodes each, model {lm.name}", list(rows.values()))
        for tag, value in evaluation_scalars(results).items():
            console.say(f"{tag}: {value:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
