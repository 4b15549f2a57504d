"""What learning.py prints: tables, verdicts, a picture, and the card of the policy that ships."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from asking import HUMANEVAL
from machine import command, met, print_table
from numpy.typing import NDArray
from per_solved import per_solved, ratio
from scatter import draw

FAIR = "schedule for as much as the best arm"  # what the agents are after, too
Outcome = tuple[bool, float]  # whether it is solved, and what it cost
Results = Mapping[str, Sequence[Sequence[Outcome]]]  # policy to outcomes, task by task, for each seed
Rows = dict[str, dict[str, Any]]  # policy to figures


def cluster(task: str) -> str:
    """What is drawn as one: a repository, or a problem of HumanEval."""
    return task if task.startswith(HUMANEVAL) else task.split()[0]


def report(
    tasks: Sequence[Sequence[str]], results: Sequence[Results], keep: Callable[[str], bool] = lambda task: True
) -> Rows:
    """Figures of every policy over the scored tasks of all divisions; of some tasks alone, where asked.

    ``solve_rate``; ``cost`` of a task and ``per_solved``, seconds; ``by_seed``: the latter for each seed of learning;
    ``against``: how many times less a solved task costs than with the best arm, and with :data:`FAIR`; the interval.
    """
    pooled = {name: _by_cluster(tasks, [one[name] for one in results], keep) for name in results[0]}
    count = sum(keep(task) for side in tasks for task in side)
    rows: Rows = {}
    for name, outcomes in pooled.items():
        solved, cost = outcomes.sum(axis=0)
        seeds = range(len(results[0][name]))
        by_seed = [_by_cluster(tasks, [[one[name][seed]] for one in results], keep) for seed in seeds]
        rows[name] = {"solve_rate": solved / count, "cost": cost / count, "per_solved": per_solved(outcomes),
                      "by_seed": [per_solved(one) for one in by_seed], "tasks": count}  # fmt: skip
    fixed = best_arm(rows)
    for name, outcomes in pooled.items():
        rows[name]["against"] = {base: ratio(pooled[base], outcomes) for base in (fixed, FAIR)}
    return rows


def _by_cluster(
    tasks: Sequence[Sequence[str]], outcomes: Sequence[Sequence[Sequence[Outcome]]], keep: Callable[[str], bool]
) -> NDArray[np.float64]:
    """What came of each cluster over all divisions, the mean of the seeds: solved and cost, shape (n, 2)."""
    found: dict[str, NDArray[np.float64]] = {}
    for side, seeds in zip(tasks, outcomes, strict=True):
        for results in seeds:
            for task, outcome in zip(side, results, strict=True):
                if keep(task):
                    at = cluster(task)
                    found[at] = found.get(at, np.zeros(2)) + np.array(outcome, float) / len(seeds)
    return np.array([found[at] for at in sorted(found)])


def best_arm(rows: Rows) -> str:
    """The arm alone that solves most."""
    return max((name for name in rows if name.startswith("always")), key=lambda name: rows[name]["solve_rate"])


def show(what: str, rows: Rows) -> None:
    """Print the table."""
    fixed = best_arm(rows)
    print(f"{what}: {next(iter(rows.values()))['tasks']} scored tasks\n")
    found = []
    for name, one in rows.items():
        spread = f" ({min(one['by_seed']):.1f}-{max(one['by_seed']):.1f})" if len(one["by_seed"]) > 1 else ""
        ratios = [f"{mid:.2f}x ({low:.2f}-{high:.2f})" for mid, low, high in one["against"].values()]
        solved = f"{one['per_solved']:.1f}{spread}"
        found.append([name, f"{one['solve_rate']:.1%}", f"{one['cost']:.1f}", solved, *ratios])
    headings = ("policy", "solved", "cost, s a task", "cost, s a solved task (by seed)", f"less than {fixed} (95 %)",
                f"less than the {FAIR} (95 %)")  # fmt: skip
    print_table(headings, found)
    print()


def verdicts(rows: Rows, name: str) -> None:
    """What is to be reached, and whether the agent that was named before reaches it."""
    fixed, own = best_arm(rows), rows[name]
    (mid, low, _), (over, over_low, _) = own["against"][fixed], own["against"][FAIR]
    gap = rows[FAIR]["per_solved"] - rows["oracle"]["per_solved"]
    closed = (rows[FAIR]["per_solved"] - own["per_solved"]) / gap if gap else 0.0
    more = own["solve_rate"] - rows[fixed]["solve_rate"]
    goals = [
        (f"solves as much as {fixed}", f"{100 * more:+.1f} points", ">= 0", more >= 0),
        ("cost of a solved task, less than with it", f"{mid:.2f}x", ">= 1.5x", mid >= 1.5),
        ("the interval's lower end", f"{low:.2f}x", "> 1.2x", low > 1.2),
        (f"less than the {FAIR}, interval above 1", f"{over:.2f}x from {over_low:.2f}x", "> 1x", over_low > 1),
        ("of the gap from that schedule to the oracle", f"{closed:.0%}", ">= 50 %", closed >= 0.5),
    ]
    headings = (name, "measured", "to reach", "")
    print_table(headings, [(what, value, goal, met(is_met)) for what, value, goal, is_met in goals])


def picture(rows: Rows, agents: Sequence[str], path: Path) -> None:
    """Draw the policies by cost and share solved."""
    kinds = dict.fromkeys(agents, "learned") | dict.fromkeys(("oracle", "random"), "bound")
    points = {
        name: (one["per_solved"], 100 * one["solve_rate"], kinds.get(name.split(",")[0], "fixed"))
        for name, one in rows.items()
    }
    draw(points, path, title="Recorded answers, tasks that no policy has seen",
         across="cost of a solved task, seconds", up="solved, %")  # fmt: skip


def digest(file: Path) -> str:
    """Tells the strategies that a policy was learnt over from others."""
    return sha256(file.read_bytes()).hexdigest()[:16]


def card(data: Mapping[str, Any], how: Mapping[str, Any], said: Mapping[str, Rows]) -> str:
    """The text beside the policy that ships."""
    tables = "\n\n".join(f"{what}:\n\n" + "\n".join(map(_line, rows.items())) for what, rows in said.items())
    return f"""# The policy that `blampert solve` starts with

`{how["agent"]}` over the strategies of `solve.yaml` (SHA-256 `{how["strategies"]}…`) and `next` (leave the function),
learnt in {how["episodes"]} episodes of `benchmarks/replay.py`, one task each, where a solved task is worth
{how["worth"]:.0f} s ({", ".join(f"{one:.0f}" for one in how["worths"])} s in the divisions measured below).

Data: one answer an arm of the embedded models for {data["functions"]} functions of {len(data["packages"])} packages
({", ".join(data["packages"])})
and {data["problems"]} problems of HumanEval, recorded in `benchmarks/data/`. This file was learnt from all of them.
What such policies do on tasks of packages they have not seen, and on other problems of HumanEval, was measured with
policies learnt from one half and scored on the other, in {how["divisions"]} divisions with {how["seeds"]} seeds each
(`{command()}`). Where a docstring of HumanEval has no examples, half of the official check's assertions are what the
policy sees; the whole check is what is scored. Cost is in seconds by the prices of `models.yaml`; `always` asks one way
once, "then" a second one where the first failed.

{tables}

It observes {data["features"]} features of a campaign, which the file names; what does not fit them is refused. It is
for the embedded models: another model of the same role costs and solves something else.
"""


def _line(row: tuple[str, Mapping[str, Any]]) -> str:
    name, one = row
    return f"- {name}: {one['solve_rate']:.1%} solved, {one['per_solved']:.1f} s a solved task"
