"""How far ways of asking are apart on functions of real packages: what each solves, and what choosing could gain.

A task is one documented function of a pinned repository (``data/repositories.json``): its body is a stub, everything
else is right code, all tests of the repository decide. A stub that fails no test is no task. Each arm
(``configs/solve.yaml``) is asked once, a bolder sample of the same where that one failed. Answers come from the
sample pool where they were drawn before. What a call costs is its tokens at the prices of ``configs/models.yaml``, in
seconds; ``schedules.py`` says what is compared. Solved is a task whose held-out tests pass, where it has any: a problem
of HumanEval has, and of a repository all tests decide.

    python benchmarks/headroom.py [NAME ...] [--functions 6] [--humaneval N] [--seed 1] [--arms FILE] [--only ARM ...]
        [--samples FILE]
"""

from __future__ import annotations

import argparse
import atexit
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from statistics import mean

from asking import Answer, Asker, facts, humaneval_tasks, tasks
from machine import finish, met, print_table, wilson
from repository import Options
from schedules import Answers, Known, Schedule, Score
from sources import pinned, pins

from blampert_env.coding import Coder, earlier_draws, load_strategies
from blampert_env.errors import BlampertError
from blampert_env.lm import LanguageModel, resolve
from blampert_env.lm.exchange import import_pool
from blampert_env.lm.prices import cost_of
from blampert_env.lm.store import SampleStore
from blampert_env.resources import data_dir

ARMS = data_dir("configs") / "solve.yaml"


LONGEST = 4  # arms of a schedule
ORACLE = "oracle: the cheapest way that solves it, or none"


def rows(answers: Sequence[Answer], arms: Sequence[str]) -> list[list[str]]:
    """A row an arm."""
    solved = {arm: {one.task for one in answers if one.arm == arm and one.held_out} for arm in arms}
    found = []
    for arm in arms:
        mine = [one for one in answers if one.arm == arm]
        if not mine:  # a second one, where every first answer was right
            continue
        others = set().union(*(solved[other] for other in arms if other != arm))
        drawn = [one.seconds for one in mine if one.seconds is not None]
        figures = [mean(one.prompt_tokens for one in mine), mean(one.completion_tokens for one in mine)]
        share = f"{len(solved[arm])} of {len(mine)}"
        low, high = wilson(len(solved[arm]), len(mine))
        cost, seconds = mean(one.cost for one in mine), f"{mean(drawn):.1f}" if drawn else "-"
        found.append([arm, share, f"{low:.0%}-{high:.0%}", str(len(solved[arm] - others)),
                      *(f"{figure:.0f}" for figure in figures), f"{cost:.1f}", seconds])  # fmt: skip
    return found


def chosen(answers: Sequence[Answer], arms: Sequence[str], after: Mapping[str, str]) -> dict[str, Score]:
    """Ways of choosing, and what each comes to over all tasks."""
    known = Answers({(one.task, one.arm): Known(one.solved, one.cost, one.held_out) for one in answers}, after)
    groups = [
        sorted({one.task for one in answers if one.repository == name})
        for name in dict.fromkeys(one.repository for one in answers)
    ]
    every = [task for group in groups for task in group]
    found = {f"always {arm}": known.score((arm,), every) for arm in arms if arm not in after}
    for longest in range(1, LONGEST + 1) if len(groups) > 1 else ():
        schedules: list[Schedule] = list(known.schedules(arms, longest))
        found[f"best schedule of up to {longest}, of other repositories"] = known.crossed(schedules, groups)
    best = known.best(list(known.schedules(arms, LONGEST)), every)
    found[f"best in hindsight: {', '.join(best)}"] = known.score(best, every)
    found[ORACLE] = known.oracle(arms, every)
    return found


def show_choices(found: Mapping[str, Score], count: int) -> dict[str, float]:
    """Print them, and what is to be reached; the ratios."""
    print_table(
        ("chosen", "solved", "calls a task", "cost, s a task", "cost, s a solved task"),
        [
            [name, f"{one.right} of {count}", f"{one.calls:.2f}", f"{one.cost / count:.1f}", f"{one.per_solved:.1f}"]
            for name, one in found.items()
        ],
    )
    always = [one for name, one in found.items() if name.startswith("always")]
    cheapest, most = min(always, key=lambda one: one.per_solved), max(always, key=lambda one: one.right)
    oracle, first = found[ORACLE], found.get("always small")
    lines = [
        (f"cost of a solved task, {what}, against the oracle's", one.per_solved / oracle.per_solved, 2.0)
        for what, one in (("fixed arm with the lowest", cheapest), ("fixed arm that solves most", most))
        if oracle.right
    ]
    lines += (
        [("tasks the oracle solves, against always small", oracle.right / max(1, first.right), 4.0)] if first else []
    )
    ratios = {what: value for what, value, _ in lines}
    print()
    print_table(
        ("what", "measured", "to reach", ""),
        [(what, f"{value:.1f}x", f">= {goal:.0f}x", met(value >= goal)) for what, value, goal in lines],
    )
    return ratios


def recorded(samples: Path) -> LanguageModel:
    """A model that answers from a file alone, which `blampert pool export` wrote."""
    pool = Path(tempfile.mkdtemp(prefix="blampert-samples-")) / "samples.sqlite3"
    atexit.register(shutil.rmtree, pool.parent, ignore_errors=True)
    import_pool(SampleStore(pool), samples)
    return resolve("small", pool=pool, pool_only=True)


def main(arguments: argparse.Namespace) -> int:
    """Ask, grade, print."""
    chosen_pins = arguments.names or ([] if arguments.humaneval else list(pins().values()))
    strategies = load_strategies(arguments.arms, arguments.only)
    if repairs := [one.name for one in strategies if one.ask == "repair"]:
        print(f"{', '.join(repairs)}: here everything is asked for once and anew: leave it out", file=sys.stderr)
        return 2
    after = earlier_draws(strategies)
    arms = [one.name for one in strategies]
    lm = recorded(arguments.samples) if arguments.samples else resolve("small")
    for name in {lm.other(one.model).name for one in strategies}:
        if cost_of(name) is None:
            print(f"no price is known of {name}: name one in configs/models.yaml", file=sys.stderr)
            return 2
    asker = Asker(Coder(lm), strategies, after)
    refused: dict[str, str] = {}
    answers: list[Answer] = []
    known: dict[str, dict[str, float]] = {}
    try:
        options = Options(seed=arguments.seed, functions=arguments.functions)
        for task in chain(tasks(chosen_pins, options, refused), humaneval_tasks(arguments.humaneval)):
            asked = list(asker.ask(task))
            answers += asked
            known[task.name] = facts(task)
            said = ", ".join(f"{one.arm}: {one.outcome}" for one in asked)
            print(f"... {task.name} {said}", file=sys.stderr, flush=True)
    except (KeyboardInterrupt, BlampertError) as error:  # whole tasks count
        print(f"ended early ({error or 'interrupted'}): what follows is of the tasks until then", file=sys.stderr)
    for name, why in refused.items():
        print(f"{name}: left out, {why}")
    if not answers:
        print("no function to ask for", file=sys.stderr)
        return 1
    count = len({one.task for one in answers})
    opened = len({one.repository for one in answers})
    print(f"{count} functions of {opened} repositories, seed {arguments.seed}, one answer each\n")
    headings = ("arm", "solved, of those asked", "95 %", "by it alone", "prompt tokens", "tokens", "cost, s", "took, s")
    print_table(headings, rows(answers, arms))
    print()
    ratios = show_choices(chosen(answers, arms, after), count)
    found = {"refused": refused, "ratios": ratios, "after": after, "tasks": known}
    finish("headroom", {**found, "answers": [asdict(one) for one in answers]})
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names",
        nargs="*",
        type=pinned,
        metavar="NAME",
        help="(default: all that are pinned; none with --humaneval)",
    )
    parser.add_argument("--functions", type=int, default=6, help="a repository")
    parser.add_argument("--humaneval", type=int, default=0, metavar="N", help="the first N of its problems too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--arms", type=Path, default=ARMS)
    parser.add_argument("--only", nargs="+", metavar="ARM")
    parser.add_argument("--samples", type=Path, metavar="FILE", help="recorded answers; then nobody is asked")
    sys.exit(main(parser.parse_args()))
