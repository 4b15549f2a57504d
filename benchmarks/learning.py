"""Does learning how to ask save cost? Policies on recorded answers, learnt and scored on different repositories.

In each of several seeds the repositories are divided into two halves, and the problems of HumanEval by a hash; every
policy is chosen or learnt on the tasks of one half and scored on those of the other. Compared are each arm alone, a
cascade, fixed schedules of up to four arms, asking at random, the learning agents, and the oracle, which knows the
answers. Learning sees visible tests alone; scored is what held-out tests say, where there are any. Costs are in seconds
at the prices of ``configs/models.yaml``.

How much a solved task is worth says how long a policy goes on. It is chosen on the learning half alone: of a list, the
one with which the first agent, learnt on a part of that half and tried on the rest, solves at least as much as the best
arm does there at the least cost a solved task; then it is the same for all agents. Intervals are bootstrapped over
tasks, paired by task, with all that came of a task in several divisions taken together.

    python benchmarks/learning.py [--table FILE] [--seeds 5] [--episodes 2000] [--agents NAME ...] [--save FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from asking import HUMANEVAL
from machine import RESULTS, command, finish, met, print_table
from numpy.typing import NDArray
from per_solved import per_solved, ratio
from replay import ReplayEnv, Table
from scatter import draw
from schedules import Answers, Known, Schedule

from blampert_agents import Agent, Episode, make_agent

LONGEST = 4
MOST = "schedule that solves most"
FAIR = "schedule for as much as the best arm"  # what the agents are after, too
CASCADE = "small, then large"
BATCH = 50  # episodes between two updates
AGENTS = ["lin-thompson", "linucb", "rex", "schedule", "ppo", "recurrent-ppo"]
WORTHS = (25, 30, 35, 40, 50, 70, 100)  # seconds
PARTS = 3  # of the learning half
# What follows an answer counts: a cheap one first is right only as another may come after it. A task is played about
# twenty times and tells one thing, so the prior weighs as twenty times that of steps that tell something each.
HYPERPARAMS = {name: {"gamma": 1.0, "ridge": 100.0} for name in ("linucb", "lin-thompson")}
Outcome = tuple[bool, float]  # whether it is solved, and what it cost
Choose = Callable[[NDArray[np.float32], NDArray[np.bool_], np.random.Generator], int]


@dataclass(frozen=True)
class Half:
    """One division: tasks to learn from, tasks to score."""

    seed: int
    learning: list[str]
    scored: list[str]


def halves(table: Table, seeds: int) -> list[Half]:
    """The repositories divided anew for each seed, so that both halves have about as many tasks; HumanEval by hash."""
    found = []
    for seed in range(seeds):
        names = sorted(table.repositories.keys() - {HUMANEVAL})
        np.random.default_rng(seed).shuffle(names)
        sides: tuple[list[str], list[str]] = ([], [])
        for name in names:
            min(sides, key=len).extend(table.repositories[name])
        for task in table.repositories.get(HUMANEVAL, []):
            sides[sha256(f"{seed} {task}".encode()).digest()[0] % 2].append(task)
        found.append(Half(seed, *sides))
    return found


def play(
    env: ReplayEnv, choose: Choose, task: str, rng: np.random.Generator, *, blind: bool = True
) -> tuple[Outcome, Episode]:
    """One episode on a task; ``blind``: it counts as solved by its visible tests, else by those held out."""
    observation, _ = env.reset(options={"task": task})
    observations, masks = [observation], [env.action_masks()]
    actions: list[int] = []
    rewards: list[float] = []
    ends = False
    while not ends:
        action = choose(observations[-1], masks[-1], rng)
        observation, reward, ends, _, _ = env.step(action)
        observations.append(observation)
        masks.append(env.action_masks())
        actions.append(action)
        rewards.append(reward)
    episode = Episode(
        np.stack(observations), np.stack(masks), np.asarray(actions, np.int64), np.asarray(rewards, np.float32),
        terminated=True, truncated=False, is_success=env.solved,
    )  # fmt: skip
    return (env.solved if blind else env.right, env.spent), episode


def trained(name: str, env: ReplayEnv, seed: int, episodes: int, hyperparams: Mapping[str, object]) -> Agent:
    """An agent that has learnt from so many episodes on the env's tasks."""
    agent = make_agent(name, env.observation_space, env.action_space, seed=seed, hyperparams=hyperparams,
                       action_names=env.actions, feature_names=env.feature_names)  # fmt: skip
    rng = np.random.default_rng((seed, 2))
    for _ in range(episodes // BATCH):
        tasks = rng.choice(env.tasks, BATCH)
        # a generator an episode: by it an agent with a memory tells them apart
        agent.learn(
            [play(env, agent.act, str(task), own)[1] for task, own in zip(tasks, rng.spawn(BATCH), strict=True)]
        )
    return agent


def played(
    agent: Agent, env: ReplayEnv, tasks: Sequence[str], rng: np.random.Generator, *, blind: bool = True
) -> list[Outcome]:
    """What a policy does, greedily, task by task; ``blind`` as for :func:`play`."""
    act: Choose = lambda observation, mask, rng: agent.act(observation, mask, rng, deterministic=True)  # noqa: E731
    pairs = zip(tasks, rng.spawn(len(tasks)), strict=True)
    return [play(env, act, task, own, blind=blind)[0] for task, own in pairs]


def chosen_worth(table: Table, name: str, tasks: Sequence[str], seed: int, episodes: int, least: float) -> float:
    """The worth of a solved task with which an agent solves a share of ``least``, on other tasks, at the least cost.

    Tasks of a repository are in one part; where none reaches the share, the worth that solves most.
    """
    parts: list[list[str]] = [[] for _ in range(PARTS)]
    for task in tasks:
        at = task if task.startswith(HUMANEVAL) else task.split()[0]
        parts[sha256(f"part {seed} {at}".encode()).digest()[0] % PARTS].append(task)
    found = {}
    for worth in WORTHS:
        outcomes: list[Outcome] = []
        for part in parts:
            others = [task for task in tasks if task not in part]
            agent = trained(name, ReplayEnv(table, others, worth), seed, episodes, HYPERPARAMS.get(name, {}))
            outcomes += played(agent, ReplayEnv(table, part, worth), part, np.random.default_rng((seed, 4)))
        found[worth] = np.array(outcomes, float)
    able = [worth for worth, outcomes in found.items() if outcomes[:, 0].mean() >= least]
    if not able:
        return float(max(found, key=lambda worth: found[worth][:, 0].sum()))
    return float(min(able, key=lambda worth: per_solved(found[worth])))


def scored(table: Table, half: Half, agents: Sequence[str], episodes: int) -> tuple[dict[str, list[Outcome]], float]:
    """Every policy on the tasks of one division's scored half, task by task; and the worth that was chosen."""
    known = Answers(
        {at: Known(one["solved"], one["cost"], one["held_out"]) for at, one in table.answers.items()}, table.after
    )
    schedules = list(known.schedules(table.arms, LONGEST))
    on_half = {one: known.score(one, half.learning) for one in schedules}
    first = [arm for arm in table.arms if arm not in table.after]
    most = max(on_half[(arm,)].solved for arm in first)
    able = [one for one in schedules if on_half[one].solved >= most]

    def each(schedule: Schedule) -> list[Outcome]:
        scores = [known.score(schedule, [task]) for task in half.scored]
        return [(bool(one.right), one.cost) for one in scores]

    found = {f"always {arm}": each((arm,)) for arm in first}
    if len(first) > 1:
        found[CASCADE] = each((first[0], first[-1]))
    found[MOST] = each(known.best(schedules, half.learning))
    found[FAIR] = each(min(able, key=lambda one: on_half[one].cost / on_half[one].solved))
    worth = chosen_worth(table, agents[0], half.learning, half.seed, episodes, most / len(half.learning))
    env, there = ReplayEnv(table, half.learning, worth), ReplayEnv(table, half.scored, worth)
    rng = np.random.default_rng((half.seed, 3))
    at_random: Choose = lambda observation, mask, rng: int(rng.choice(np.flatnonzero(mask)))  # noqa: E731
    found["random"] = [play(there, at_random, task, rng, blind=False)[0] for task in half.scored]
    for name in agents:
        agent = trained(name, env, half.seed, episodes, HYPERPARAMS.get(name, {}))
        found[name] = played(agent, there, half.scored, rng, blind=False)
        solved = sum(one for one, _ in found[name])
        print(f"... seed {half.seed} {name}, worth {worth:.0f} s: {solved} solved", file=sys.stderr, flush=True)
    oracle = [known.oracle(table.arms, [task]) for task in half.scored]
    found["oracle"] = [(bool(one.right), one.cost) for one in oracle]
    return found, worth


def by_task(divided: Sequence[Half], outcomes: Sequence[Sequence[Outcome]]) -> NDArray[np.float64]:
    """What came of each task over all divisions together, so that one that was scored twice is drawn as one: (n, 2)."""
    found: dict[str, NDArray[np.float64]] = {}
    for half, results in zip(divided, outcomes, strict=True):
        for task, outcome in zip(half.scored, results, strict=True):
            found[task] = found.get(task, np.zeros(2)) + np.array(outcome, float)
    return np.array([found[task] for task in sorted(found)])


def main(arguments: argparse.Namespace) -> int:
    """Learn, score, print."""
    table = Table.of(json.loads(arguments.table.read_text())["figures"])
    divided = halves(table, arguments.seeds)
    results, worths = zip(*(scored(table, half, arguments.agents, arguments.episodes) for half in divided), strict=True)
    pooled = {name: by_task(divided, [result[name] for result in results]) for name in results[0]}
    arms = [name for name in pooled if name.startswith("always")]
    fixed = max(arms, key=lambda name: pooled[name][:, 0].sum())
    count = sum(len(half.scored) for half in divided)
    rows, said = [], {}
    for name, outcomes in pooled.items():
        against = {base: ratio(pooled[base], outcomes) for base in (fixed, FAIR)}
        rates = [np.mean([solved for solved, _ in result[name]]) for result in results]
        rate, cost = outcomes.sum(axis=0) / count
        said[name] = {"solve_rate": float(rate), "per_solved": per_solved(outcomes), "against": against}
        ratios = [f"{mid:.2f}x ({low:.2f}-{high:.2f})" for mid, low, high in against.values()]
        solved = f"{rate:.1%} ({min(rates):.0%}-{max(rates):.0%})"
        rows.append([name, solved, f"{cost:.1f}", f"{per_solved(outcomes):.1f}", *ratios])
    worth = ", ".join(f"{one:.0f}" for one in worths)
    print(f"{len(table.tasks)} tasks of {len(table.repositories)} repositories, {arguments.seeds} divisions, "
          f"{count} scored tasks in all; a solved task is worth {worth} s\n")  # fmt: skip
    headings = ("policy", "solved (by seed)", "cost, s a task", "cost, s a solved task", f"less than {fixed}",
                "less than the best schedule for as much")  # fmt: skip
    print_table(headings, rows)
    print()
    verdicts(said, fixed, FAIR, arguments.agents)
    finish("learning", {"policies": said, "worths": worths})
    points = {
        name: (one["per_solved"], 100 * one["solve_rate"], _kind(name, arguments.agents)) for name, one in said.items()
    }
    draw(points, RESULTS / "learning.png", title="Recorded answers, tasks that no policy has seen",
         across="cost of a solved task, seconds", up="solved, %")  # fmt: skip
    if arguments.save:
        ship(table, arguments, said, fixed)
    return 0


def _kind(name: str, agents: Sequence[str]) -> str:
    return "learned" if name in agents else "bound" if name in ("oracle", "random") else "fixed"


def ship(table: Table, arguments: argparse.Namespace, said: Mapping[str, dict[str, Any]], fixed: str) -> None:
    """The first agent, learnt from all tasks, as a policy file, and its card beside it."""
    name, tasks = arguments.agents[0], sorted(table.tasks)
    least = float(np.mean([table.answers[task, fixed.split()[1]]["solved"] for task in tasks]))
    worth = chosen_worth(table, name, tasks, 0, arguments.episodes, least)
    env = ReplayEnv(table, tasks, worth)
    trained(name, env, 0, arguments.episodes, HYPERPARAMS.get(name, {})).save(arguments.save)
    others = sorted(table.repositories.keys() - {HUMANEVAL})
    problems = len(table.repositories.get(HUMANEVAL, []))
    rows = "\n".join(
        f"- {one}: {said[one]['solve_rate']:.1%} solved, {said[one]['per_solved']:.1f} s a solved task"
        for one in (name, fixed, FAIR, MOST, "oracle")
    )
    arguments.save.with_suffix(".md").write_text(
        f"""# The policy that `blampert solve` starts with

`{name}` over the strategies of `solve.yaml` and `next` (leave the function), learnt in {arguments.episodes} episodes of
`benchmarks/replay.py`, one task each, where a solved task is worth {worth:.0f} s.

Data: one answer an arm of the embedded models for {len(tasks) - problems} functions of {len(others)} packages
({", ".join(others)})
and {problems} problems of HumanEval, recorded in `benchmarks/data/`. This file was learnt from all of them. What such
policies do on tasks of packages they have not seen, and on other problems, was measured with policies that were learnt
from one half and scored on the other, in {arguments.seeds} divisions (`{command()}`):

{rows}

It observes {len(env.feature_names)} features of a campaign, which the file names; what does not fit them is refused.
"""
    )
    print(f"written: {arguments.save} ({name}, worth {worth:.0f} s)")


def verdicts(said: Mapping[str, dict[str, Any]], fixed: str, schedule: str, agents: Sequence[str]) -> None:
    """What is to be reached, and whether it is, by the best learned policy that solves no less than the fixed arm."""
    able = [name for name in agents if said[name]["solve_rate"] >= said[fixed]["solve_rate"]]
    if not able:
        print(f"NOT met: no learned policy solves as much as {fixed}")
        return
    best = min(able, key=lambda name: said[name]["per_solved"])
    against = said[best]["against"]
    (mid, low, _), (over, over_low, _) = against[fixed], against[schedule]
    costs = {name: float(said[name]["per_solved"]) for name in (schedule, best, "oracle")}
    gap = costs[schedule] - costs["oracle"]
    closed = (costs[schedule] - costs[best]) / gap if gap else 0.0
    goals = [
        ("cost of a solved task, less than the best fixed arm", f"{mid:.2f}x", ">= 1.5x", mid >= 1.5),
        ("the interval's lower end", f"{low:.2f}x", "> 1.2x", low > 1.2),
        ("less than the best schedule, interval above 1", f"{over:.2f}x from {over_low:.2f}x", "> 1x", over_low > 1),
        ("of the gap from the best schedule to the oracle", f"{closed:.0%}", ">= 50 %", closed >= 0.5),
    ]
    headings = (f"the best learned policy: {best}", "measured", "to reach", "")
    print_table(headings, [(what, value, goal, met(is_met)) for what, value, goal, is_met in goals])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=RESULTS / "headroom.json", help="what headroom.py wrote")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--episodes", type=int, default=2000)
    parser.add_argument("--agents", nargs="+", default=AGENTS)
    parser.add_argument("--save", type=Path, metavar="FILE", help="learn the best agent from all tasks, for solve")
    sys.exit(main(parser.parse_args()))
