"""How far ways of asking are apart on functions of real packages: what each solves, and what any of them does.

A task is one documented function of a pinned repository (``data/repositories.json``): its body is a stub, everything
else is right code, all tests of the repository decide. A stub that fails no test is no task. Each arm
(``arms.yaml``) is asked once, greedily; answers come from the sample pool where they were drawn before. ``any``
picks the best arm for each task in hindsight, which nobody can: what a policy could gain lies below it.

    python benchmarks/headroom.py [NAME ...] [--functions 4] [--seed 1] [--arms FILE] [--only ARM ...]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

from machine import finish, print_table, wilson
from repository import Bench, Options
from sources import Pin, SourceError, archives, pinned, pins

from blampert_env.coding import Coder, CodingContext, Strategy, load_strategies
from blampert_env.editing import apply_edit
from blampert_env.errors import BlampertError, EditRejected
from blampert_env.grading import Grader, make_grader
from blampert_env.lm import ContextOverflow, resolve
from blampert_env.projects import Project, Target
from blampert_env.projects.files import load_solution

ARMS = Path(__file__).with_name("arms.yaml")


@dataclass(frozen=True)
class Answer:
    """What one call gave: ``outcome`` is ``solved``, how many tests still fail, or why nothing was graded."""

    task: str
    arm: str
    solved: bool
    outcome: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    cached: bool


def tasks(
    chosen: list[Pin], options: Options, refused: dict[str, str]
) -> Iterator[tuple[str, Project, Grader, dict[str, str], Target]]:
    """Repository, project, grader, right code in which the target alone is a stub, target."""
    known = pins()
    for name, archive in archives(chosen).items():
        if not isinstance(archive, Path):
            refused[name] = str(archive)
            continue
        with tempfile.TemporaryDirectory(prefix="blampert-headroom-") as folder:
            try:
                bench = Bench(known[name], archive, options, Path(folder))
                project = bench.project(bench.right_code())
                assert project.root is not None
                right = load_solution(project.root)
                with make_grader(project, python=bench.python) as grader:
                    for target in project.targets:
                        files = {**project.sources, **right, **bench.stub(project, right, target.id)}
                        yield name, project, grader, files, target
            except (SourceError, BlampertError) as error:
                refused[name] = f"{type(error).__name__}: {error}".splitlines()[0]


def ask(
    coder: Coder, strategy: Strategy, name: str, project: Project, grader: Grader, files: dict[str, str], target: Target
) -> Answer:
    """One call, applied and graded."""
    context = CodingContext(target=target, files=files, tests=project.tests_for(target))
    task = f"{name} {target.id}"
    try:
        proposal = coder.propose(context, strategy)
    except ContextOverflow:
        return Answer(task, strategy.name, False, "prompt too long", 0, 0, 0.0, False)
    said = proposal.completion
    outcome = "no code"
    if proposal.edit is not None:
        try:
            report = grader.grade(apply_edit(project, files, proposal.edit))
            outcome = "solved" if report.all_passed else f"{report.total - report.passed} of {report.total} fail"
        except EditRejected as refusal:
            outcome = refusal.reason
    figures = (said.prompt_tokens, said.completion_tokens, round(proposal.seconds, 2), said.cached)
    return Answer(task, strategy.name, outcome == "solved", outcome, *figures)


def rows(answers: list[Answer], arms: list[str], count: int) -> list[list[str]]:
    """A row an arm, then what any of them solves."""
    solved = {arm: {one.task for one in answers if one.arm == arm and one.solved} for arm in arms}
    found = []
    for arm in arms:
        mine = [one for one in answers if one.arm == arm]
        others = set().union(*(solved[other] for other in arms if other != arm))
        drawn = [one.seconds for one in mine if not one.cached]
        prompt, said = mean(one.prompt_tokens for one in mine), mean(one.completion_tokens for one in mine)
        seconds = f"{mean(drawn):.1f}" if drawn else "-"
        alone = len(solved[arm] - others)
        found.append([arm, *_share(len(solved[arm]), count), str(alone), f"{prompt:.0f}", f"{said:.0f}", seconds])
    return [*found, ["any", *_share(len(set().union(*solved.values())), count), "", "", "", ""]]


def _share(solved: int, count: int) -> tuple[str, str]:
    low, high = wilson(solved, count)
    return f"{solved} of {count}", f"{low:.0%}-{high:.0%}"


def main(arguments: argparse.Namespace) -> int:
    """Ask, grade, print."""
    chosen = arguments.names or list(pins().values())
    strategies = load_strategies(arguments.arms, arguments.only)
    coder = Coder(resolve("small"))
    refused: dict[str, str] = {}
    answers: list[Answer] = []
    count = 0
    options = Options(seed=arguments.seed, functions=arguments.functions)
    for task in tasks(chosen, options, refused):
        count += 1
        for strategy in strategies:
            answers.append(ask(coder, strategy, *task))
            print(f"... {answers[-1].task} {strategy.name}: {answers[-1].outcome}", file=sys.stderr, flush=True)
    for name, why in refused.items():
        print(f"{name}: left out, {why}")
    if not answers:
        print("no function to ask for", file=sys.stderr)
        return 1
    opened = len(chosen) - len(refused)
    print(f"{count} functions of {opened} repositories, seed {arguments.seed}, one greedy answer each\n")
    headings = ("arm", "solved", "95 %", "by it alone", "prompt tokens", "tokens", "seconds a call")
    print_table(headings, rows(answers, [one.name for one in strategies], count))
    finish("headroom", {"refused": refused, "answers": [asdict(one) for one in answers]})
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", type=pinned, metavar="NAME", help="repositories; all that are pinned by default"
    )
    parser.add_argument("--functions", type=int, default=4, help="a repository")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--arms", type=Path, default=ARMS)
    parser.add_argument("--only", nargs="+", metavar="ARM")
    sys.exit(main(parser.parse_args()))
