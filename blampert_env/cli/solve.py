"""Write the open functions of a project, a repository or one file: an LLM proposes, the tests decide."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blampert_env.cli.options import add_grading, add_json, aligned, say
from blampert_env.commands import natural, positive
from blampert_env.errors import ProjectError, UsageError
from blampert_env.training.places import Places, find_places

if TYPE_CHECKING:
    from blampert_env.envs import StrategyEnv
    from blampert_env.envs.session import Attempt
    from blampert_env.lm import LanguageModel
    from blampert_env.projects import Project
    from blampert_env.training.budget import Budget, Spent
    from blampert_env.training.solving import Choose, Solution

_ROOTS = ("pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", "tox.ini", ".git")  # what marks a project's folder


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("path", metavar="PATH", help="a project's name or folder, or one file of it")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--apply", action="store_true", help="write what was solved; what was there is kept in .blampert/"
    )
    what.add_argument(
        "--diff", action="store_true", help="print what would be written, and write nothing (the default)"
    )
    what.add_argument("--check", action="store_true", help="print neither: only what can be solved")
    add("--force", action="store_true", help="with --apply: though git has changes that are not committed")
    add("--budget", metavar="B", help="the most to spend: 5m, 200k (tokens) or $1 (default: until the policy gives up)")
    add("--policy", type=Path, metavar="FILE",
        help="a trained policy that chooses how to ask, or none: each way in turn (default: the one that ships, for "
        "the embedded models)")  # fmt: skip
    add("--model", default="auto", help="embedded, small, large, ollama/<m>, openai/<m> or any LiteLLM name")
    add("--strategies", metavar="FILE", help="ways of asking (default: those that ship with Blampert)")
    add("--max-attempts", type=positive, metavar="N", help="calls at the most")
    add("--seed", type=natural, default=0, help="of the LM's samples (default: 0)")
    add_grading(parser, "untouched")
    add("--workspace", type=Path, metavar="DIR", help="take projects and settings from there")
    add_json(parser)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert solve") -> int:
    """Entry point; returns the exit code: 0 if every test passes at the end, 1 if not."""
    from blampert_env.training.budget import Budget, parse_budget
    from blampert_env.training.writing import check_clean, write

    arguments = build_parser(prog).parse_args(argv)
    if arguments.force and not arguments.apply:
        raise UsageError("--force goes with --apply")
    budget = parse_budget(arguments.budget) if arguments.budget else Budget()
    places = find_places(arguments.workspace, default=True)
    project = _project(arguments.path, places)
    assert project.root is not None
    if arguments.apply and not arguments.force:
        check_clean(project.root)
    found = _solve(arguments, project, places, budget)
    if found.trouble:
        kept = "; what was solved before counts" if found.report.passed > found.before.passed else ""
        say(f"{found.trouble}{kept}")
    written, backup = write(project.root, project.sources, found.files) if arguments.apply else ([], None)
    if arguments.json:
        print(json.dumps(_as_json(project, found, written, backup), indent=2))
    else:
        _show(project, found, with_diff=not (arguments.apply or arguments.check))
        if arguments.apply:
            said = f"wrote {', '.join(written)}; as they were: {backup}" if written else "nothing to write"
            print(f"blampert: {said}")
    return 0 if found.solved else 1


def _project(path: str, places: Places) -> Project:
    """The project of a name, a folder or a file; of a file, only its targets.

    Raises:
        ProjectError: There is none, or nothing to write in it.
    """
    from blampert_env.projects import Project, find_project

    file = Path(path).expanduser()
    if not file.is_file():
        return Project.load(find_project(path, places.projects))
    file = file.resolve()
    root = next((one for one in file.parents if any((one / mark).exists() for mark in _ROOTS)), file.parent)
    project = Project.load(root)
    name = file.relative_to(root).as_posix()
    targets = tuple(target for target in project.targets if target.path == name)
    if not targets:
        raise ProjectError(f"{path}: nothing to write there: mark a function with '# TODO: implement'")
    return replace(project, targets=targets)


def _solve(arguments: argparse.Namespace, project: Project, places: Places, budget: Budget) -> Solution:
    from blampert_env.coding import load_strategies
    from blampert_env.envs import StrategyEnv
    from blampert_env.training.campaigning import Campaigner
    from blampert_env.training.solving import solve

    lm = places.language_model(arguments.model, ())
    file, policy = _way(arguments, places, lm)
    strategies = load_strategies(file)
    _check_prices(budget, {lm.other(strategy.model) for strategy in strategies})
    once = len(strategies) * len(project.targets)
    env = StrategyEnv(
        project,
        lm=lm,
        strategies=file,
        max_attempts=max(2, arguments.max_attempts or (once if budget.is_open else 100 * once)),
        isolation=arguments.isolation,
        timeout_s=arguments.timeout_s,
        python=arguments.python or places.python({project.name: project.root} if project.root else {}),
    )
    try:
        how = f"{policy.name} chooses how to ask" if policy else "each way of asking in turn"
        say(f"{project.name}: {len(project.targets)} to write, {env.session.report.passed} of "
             f"{env.session.report.total} tests pass; model {lm.name}; {how}")  # fmt: skip
        choose = _choose(env, policy, arguments.seed, patient=not budget.is_open)
        lost = choose.lost if isinstance(choose, Campaigner) else None
        return solve(env, choose, budget=budget, seed=arguments.seed, tell=_tell, lost=lost)
    finally:
        env.close()


def _way(arguments: argparse.Namespace, places: Places, lm: LanguageModel) -> tuple[Path | None, Path | None]:
    """The file of strategies (None: those that ship), and the policy over them (None: each in turn).

    The policy that ships was learnt with the embedded models: it is for those who name neither a model nor strategies.
    """
    from blampert_agents.storage import read_policy
    from blampert_env.coding import load_strategies
    from blampert_env.lm.models import bundled_models
    from blampert_env.resources import data_dir

    configs, given = data_dir("configs"), arguments.strategies
    own, shipped = configs / "solve.yaml", bundled_models().roles
    roles = {**shipped, **places.settings.models.roles}
    if arguments.policy is None:
        fits = given is None and arguments.model == "auto" and roles == shipped and lm.name == roles["small"]
        return (own, configs / "solve-policy.json") if fits else (given, None)
    if str(arguments.policy) == "none":
        return given, None
    policy = places.policy(arguments.policy)
    names = read_policy(policy).spec.action_names
    if given is None and names[:-1] == tuple(strategy.name for strategy in load_strategies(own)):
        if arguments.model != "auto":
            raise UsageError(f"--model {arguments.model} would not be asked: the strategies of {policy} name their "
                             "models; set models.small and models.large of a workspace, or leave it out")  # fmt: skip
        return own, policy
    return given, policy


def _check_prices(budget: Budget, models: set[LanguageModel]) -> None:
    from blampert_env.lm.prices import price_of

    unknown = sorted(lm.name for lm in models if budget.dollars is not None and price_of(lm.name) is None)
    if unknown:
        raise UsageError(
            f"--budget in dollars: no price is known of {', '.join(unknown)}: give time (5m) or tokens (200k)"
        )


def _choose(env: StrategyEnv, policy: Path | None, seed: int, *, patient: bool) -> Choose:
    from blampert_env.training.solving import in_turn

    if policy is None:
        return in_turn(env)
    import numpy as np

    from blampert_env.training.campaigning import Campaigner, campaign_policy
    from blampert_env.training.start import saved_agent

    rng = np.random.default_rng([seed, 1])
    if (campaigner := campaign_policy(policy, env.strategies)) is not None:
        return Campaigner(env, campaigner, rng, patient=patient)
    agent = saved_agent(policy, env.strategies)
    # not greedily: a greedy policy asks the same for ever where nothing changes
    return lambda observation, mask: agent.act(observation, mask, rng)


def _tell(attempt: Attempt, strategy: str, spent: Spent) -> None:
    """One line an attempt, while it goes on."""
    passed = f"{attempt.passed_before} -> {attempt.passed_after}" if attempt.gained else f"{attempt.passed_after}"
    name = attempt.target.rpartition("::")[2] or "-"
    say(f"{spent.seconds:5.0f} s {spent.tokens:7,} tokens  {name}  {strategy}: {attempt.outcome}, {passed} tests pass")


def _show(project: Project, found: Solution, *, with_diff: bool) -> None:
    if with_diff and found.diff:
        print(found.diff, end="")
    rows = [("target", "tests before", "after", "solved by", "calls", "tokens", "cost", "seconds")]
    rows += [
        (one.target, f"{one.before}/{one.total}", f"{one.after}/{one.total}", one.strategy or "-", str(one.attempts),
         f"{one.tokens:,}", f"{one.cost:.1f}", f"{one.seconds:.1f}")
        for one in found.targets
    ]  # fmt: skip
    for line in aligned(rows):
        print(line.rstrip())
    dollars = f", ${found.spent.dollars:.4f}" if found.spent.dollars else ""
    calls = f"{found.spent.calls} calls, {found.spent.tokens:,} tokens, cost {found.spent.cost:.1f}{dollars}"
    cost = f"{calls}, {found.spent.seconds:.0f} s"
    total = f"{found.before.passed} -> {found.report.passed} of {found.report.total} tests pass"
    print(f"{project.name}: {total} ({found.ended}; {cost})")


def _as_json(project: Project, found: Solution, written: list[str], backup: Path | None) -> dict[str, Any]:
    spent = found.spent
    counts = {"calls": spent.calls, "tokens": spent.tokens, "seconds": round(spent.seconds, 2)}
    cost = {**counts, "dollars": spent.dollars, "cost": round(spent.cost, 3)}
    return {
        "project": project.name,
        "solved": found.solved,
        "ended": found.ended,
        "trouble": found.trouble,
        "tests": {"before": found.before.passed, "after": found.report.passed, "total": found.report.total},
        "targets": [asdict(one) for one in found.targets],
        "cost": cost,
        "diff": found.diff,
        "written": written,
        "backup": str(backup) if backup else None,
    }
