"""Does learning how to ask save cost? Policies on recorded answers, learnt and scored on different tasks.

In each of several divisions the repositories are divided into two halves, so that none is on both sides, and the
problems of HumanEval by a hash; every policy is chosen or learnt on the tasks of one half and scored on those of the
other. Compared are each arm alone, fixed schedules of up to four arms, asking at random, the learning agents, and the
oracle, which knows the answers. Learning sees visible tests alone; scored is what held-out tests say: of a problem of
HumanEval the official check (where its docstring has no examples, half of that check's assertions are the visible
tests), of a function of a repository all its tests, which are visible. Costs are in seconds at the prices of
``configs/models.yaml``.

How much a solved task is worth says how long a policy goes on. It is chosen on the learning half alone, with the weight
of the prior: of a list, what makes the first agent, learnt on a part of that half and tried on the rest, solve at least
as much as the best arm does there at the least cost a solved task; then the worth is the same for all agents. Each
learns from several seeds in each division. Intervals are bootstrapped over repositories and single problems of
HumanEval, with all that came of one in several divisions and seeds taken together. The first agent is the one that is
judged, whatever the others do.

    python benchmarks/learning.py [--table FILE] [--divisions 5] [--seeds 5] [--episodes 2000] [--agents NAME ...]
        [--save FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from asking import HUMANEVAL
from headroom import ARMS
from learning_report import FAIR, Outcome, Rows, card, cluster, digest, picture, report, show, verdicts
from machine import RESULTS, finish
from numpy.typing import NDArray
from per_solved import per_solved
from replay import ReplayEnv, Table
from schedules import Answers, Known, Schedule

from blampert_agents import Agent, Episode, make_agent

LONGEST = 4
LEAST = 12  # tasks of a half
MOST = "schedule that solves most"
BATCH = 50  # episodes between two updates
AGENTS = ["lin-thompson", "linucb", "thompson", "ppo", "recurrent-ppo"]
WORTHS = (25, 30, 35, 40, 50, 70, 100)  # seconds
PARTS = 3  # of the learning half
PATIENT = 120.0  # seconds that a solved task is worth, of one more policy for comparison
SHIPPED = 40.0  # likewise, of the policy that ships
RIDGES = (10.0, 100.0)  # a task is played about twenty times and tells one thing: the default, 1, is little
LINEAR = ("lin-thompson", "linucb")
Choose = Callable[[NDArray[np.float32], NDArray[np.bool_], np.random.Generator], int]


@dataclass(frozen=True)
class Half:
    """One division: tasks to learn from, tasks to score."""

    number: int
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


def hyperparams(name: str, ridge: float) -> dict[str, object]:
    """What follows an answer counts: a cheap one first is right only as another may come after it."""
    return {"gamma": 1.0, "ridge": ridge} if name in LINEAR else {}


def played(
    agent: Agent, env: ReplayEnv, tasks: Sequence[str], rng: np.random.Generator, *, blind: bool = True
) -> list[Outcome]:
    """What a policy does, greedily, task by task; ``blind`` as for :func:`play`."""
    act: Choose = lambda observation, mask, rng: agent.act(observation, mask, rng, deterministic=True)  # noqa: E731
    pairs = zip(tasks, rng.spawn(len(tasks)), strict=True)
    return [play(env, act, task, own, blind=blind)[0] for task, own in pairs]


def chosen(
    table: Table, name: str, tasks: Sequence[str], seed: int, episodes: int, least: float
) -> tuple[float, float]:
    """Worth of a solved task and ridge with which an agent solves a share of ``least``, on other tasks, at least cost.

    Tasks of a repository are in one part; where none reaches the share, what solves most.
    """
    parts: list[list[str]] = [[] for _ in range(PARTS)]
    for task in tasks:
        parts[sha256(f"part {seed} {cluster(task)}".encode()).digest()[0] % PARTS].append(task)
    found = {}
    for worth, ridge in product(WORTHS, RIDGES if name in LINEAR else RIDGES[:1]):
        outcomes: list[Outcome] = []
        for part in filter(None, parts):
            others = [task for task in tasks if task not in part]
            agent = trained(name, ReplayEnv(table, others, worth), seed, episodes, hyperparams(name, ridge))
            outcomes += played(agent, ReplayEnv(table, part, worth), part, np.random.default_rng((seed, 4)))
        found[float(worth), ridge] = np.array(outcomes, float)
    able = [one for one, outcomes in found.items() if outcomes[:, 0].mean() >= least]
    if not able:
        return max(found, key=lambda one: found[one][:, 0].sum())
    return min(able, key=lambda one: per_solved(found[one]))


def scored(table: Table, half: Half, arguments: argparse.Namespace) -> tuple[dict[str, list[list[Outcome]]], float]:
    """Every policy on the tasks of one division's scored half, task by task, for each seed; and the worth chosen."""
    known = Answers(
        {at: Known(one["solved"], one["cost"], one["held_out"]) for at, one in table.answers.items()}, table.after
    )
    schedules = list(known.schedules(table.arms, LONGEST))
    on_half = {one: known.score(one, half.learning) for one in schedules}
    first = [arm for arm in table.arms if arm not in table.after]
    most = max(on_half[(arm,)].solved for arm in first)
    able = [one for one in schedules if on_half[one].solved >= max(1, most)]

    def each(schedule: Schedule) -> list[list[Outcome]]:
        scores = [known.score(schedule, [task]) for task in half.scored]
        return [[(bool(one.right), one.cost) for one in scores]]

    found = {f"always {arm}": each((arm,)) for arm in first}
    found |= {", then ".join(one): each(one) for one in schedules if len(one) == 2 and one[0] == first[0]}
    found[MOST] = each(known.best(schedules, half.learning))
    found[FAIR] = each(min(able, key=lambda one: on_half[one].cost / on_half[one].solved))
    share = most / len(half.learning)
    worth, ridge = chosen(table, arguments.agents[0], half.learning, half.number, arguments.episodes, share)
    env, there = ReplayEnv(table, half.learning, worth), ReplayEnv(table, half.scored, worth)
    at_random: Choose = lambda observation, mask, rng: int(rng.choice(np.flatnonzero(mask)))  # noqa: E731
    rng = np.random.default_rng((half.number, 3))
    found["random"] = [[play(there, at_random, task, rng, blind=False)[0] for task in half.scored]]
    patient = f"{arguments.agents[0]}, worth {PATIENT:.0f} s"
    for name in (*arguments.agents, patient):
        found[name], algo = [], name.split(",")[0]
        own = ReplayEnv(table, half.learning, PATIENT) if name == patient else env
        for seed in range(arguments.seeds):
            agent = trained(algo, own, seed, arguments.episodes, hyperparams(algo, ridge))
            found[name].append(played(agent, there, half.scored, rng, blind=False))
        solved = [sum(one for one, _ in outcomes) for outcomes in found[name]]
        print(f"... division {half.number} {name}, worth {worth:.0f} s, ridge {ridge:.0f}: {solved} of "
              f"{len(half.scored)} solved", file=sys.stderr, flush=True)  # fmt: skip
    oracle = [known.oracle(table.arms, [task]) for task in half.scored]
    found["oracle"] = [[(bool(one.right), one.cost) for one in oracle]]
    return found, worth


def main(arguments: argparse.Namespace) -> int:
    """Learn, score, print."""
    table = Table.of(json.loads(arguments.table.read_text())["figures"])
    divided = halves(table, arguments.divisions)
    if min(len(side) for half in divided for side in (half.learning, half.scored)) < LEAST:
        print(
            f"{arguments.table}: too few tasks: a half needs {LEAST}, and there must be two repositories",
            file=sys.stderr,
        )
        return 2
    with Pool(len(os.sched_getaffinity(0))) as pool:
        found = pool.starmap(scored, [(table, half, arguments) for half in divided], chunksize=1)
    results, worths = zip(*found, strict=True)
    tasks = [half.scored for half in divided]
    said = {"all": report(tasks, results)}
    said["functions of repositories"] = report(tasks, results, lambda task: not task.startswith(HUMANEVAL))
    said["problems of HumanEval"] = report(tasks, results, lambda task: task.startswith(HUMANEVAL))
    for what, rows in said.items():
        show(what, rows)
    worth = ", ".join(f"{one:.0f}" for one in worths)
    print(f"{len(table.tasks)} tasks, {arguments.divisions} divisions, {arguments.seeds} seeds of learning in each; a "
          f"solved task is worth {worth} s\n")  # fmt: skip
    verdicts(said["all"], arguments.agents[0])
    finish("learning", {**said, "worths": worths})
    picture(said["all"], arguments.agents, RESULTS / "learning.png")
    if arguments.save:
        ship(table, arguments, said, worths)
    return 0


def ship(table: Table, arguments: argparse.Namespace, said: Mapping[str, Rows], worths: Sequence[float]) -> None:
    """The first agent, learnt from all tasks, as a policy file, and its card beside it.

    It is a little more patient than those that are judged: who asks for a function waits for it.
    """
    name, tasks = arguments.agents[0], sorted(table.tasks)
    episodes = arguments.episodes * arguments.seeds  # as much as all seeds together
    ridge = RIDGES[-1] * arguments.seeds
    env = ReplayEnv(table, tasks, SHIPPED)
    trained(name, env, 0, episodes, hyperparams(name, ridge)).save(arguments.save)
    problems = len(table.repositories.get(HUMANEVAL, []))
    data = {"functions": len(tasks) - problems, "packages": sorted(table.repositories.keys() - {HUMANEVAL}),
            "problems": problems, "features": len(env.feature_names)}  # fmt: skip
    how = {"agent": name, "episodes": episodes, "worth": SHIPPED, "worths": worths, "divisions": arguments.divisions,
           "seeds": arguments.seeds, "strategies": digest(ARMS)}  # fmt: skip
    arguments.save.with_suffix(".md").write_text(card(data, how, said))
    print(f"written: {arguments.save}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=RESULTS / "headroom.json", help="what headroom.py wrote")
    parser.add_argument("--divisions", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5, help="of learning, in each division")
    parser.add_argument("--episodes", type=int, default=2000)
    parser.add_argument("--agents", nargs="+", default=AGENTS, help="the first one is judged")
    parser.add_argument("--save", type=Path, metavar="FILE", help="learn the first agent from all tasks, for solve")
    sys.exit(main(parser.parse_args()))
