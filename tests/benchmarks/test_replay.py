"""The environment over a table of answers, and what a policy on it comes to."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from learning import halves, per_solved, play, ratio, trained
from replay import ReplayEnv, Table


def answer(task: str, arm: str, solved: bool, cost: float, outcome: str = "2 of 10 fail") -> dict[str, object]:
    failure = "" if solved else "assertion"
    named = {"task": task, "repository": task.split()[0], "arm": arm}
    return {**named, "solved": solved, "cost": cost, "outcome": "solved" if solved else outcome, "failure": failure}


# long tasks are hopeless, of the others every second one needs the dear arm
TASKS = {f"r{n % 4} t{n}": {"long": float(n % 3 == 0), "odd": float(n % 2)} for n in range(48)}
ANSWERS = [
    answer(task, arm, bool(not known["long"] and (arm == "dear" or not known["odd"])), cost)
    for task, known in TASKS.items()
    for arm, cost in (("cheap", 1.0), ("dear", 10.0))
]
TABLE = Table.of({"answers": ANSWERS, "tasks": TASKS, "after": {}})


def test_gymnasium_accepts_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*spec is None.*")
        check_env(ReplayEnv(TABLE, list(TASKS), 20.0), skip_render_check=True)


def test_an_episode_costs_what_its_answers_cost() -> None:
    env = ReplayEnv(TABLE, list(TASKS), 20.0)
    env.reset(options={"task": "r1 t1"})
    observation, reward, ends, _, info = env.step(0)
    assert (reward, ends, info["cost"]) == (pytest.approx(-1 / 20), False, 1.0)
    assert observation[env.feature_names.index("failing_share")] == pytest.approx(0.2)
    assert env.action_masks().tolist() == [False, True, True]
    _, reward, ends, _, info = env.step(1)
    assert (reward, ends, info["solved"], info["cost"]) == (pytest.approx(1 - 10 / 20), True, True, 11.0)


def test_stop_ends_it() -> None:
    env = ReplayEnv(TABLE, list(TASKS), 20.0)
    env.reset(options={"task": "r0 t0"})
    assert env.step(2)[1:3] == (0.0, True)


def test_an_arm_comes_after_the_one_that_failed() -> None:
    answers = [answer("r t", "first", False, 1.0), answer("r t", "again", True, 1.0), answer("r u", "first", True, 1.0)]
    table = Table.of({"answers": answers, "tasks": {"r t": {"x": 0.0}, "r u": {"x": 0.0}}, "after": {"again": "first"}})
    env = ReplayEnv(table, ["r t", "r u"], 20.0)
    env.reset(options={"task": "r t"})
    assert env.action_masks().tolist() == [True, False, True]
    env.step(0)
    assert env.action_masks().tolist() == [False, True, True]
    env.reset(options={"task": "r u"})
    assert env.step(0)[2]


def test_no_repository_is_on_both_sides() -> None:
    for half in halves(TABLE, 3):
        sides = [{task.split()[0] for task in side} for side in (half.learning, half.scored)]
        assert not sides[0] & sides[1]
        assert sorted([*half.learning, *half.scored]) == sorted(TASKS)


@pytest.mark.parametrize("name", ["linucb", "lin-thompson"])
def test_an_agent_learns_whom_to_ask_and_when_to_stop(name: str) -> None:
    half = halves(TABLE, 1)[0]
    agent = trained(name, ReplayEnv(TABLE, half.learning, 20.0), 0, 3000, {"gamma": 1.0})
    there, rng = ReplayEnv(TABLE, half.scored, 20.0), np.random.default_rng(0)
    found = [play(there, lambda o, m, r: agent.act(o, m, r, deterministic=True), task, rng)[0] for task in half.scored]
    best = [(not TASKS[task]["long"], 0.0 if TASKS[task]["long"] else 10.0 if TASKS[task]["odd"] else 1.0)
            for task in half.scored]  # fmt: skip
    assert [solved for solved, _ in found] == [solved for solved, _ in best]
    assert per_solved(np.array(found, float)) <= 1.2 * per_solved(np.array(best, float))


def test_ratios_are_of_the_same_tasks() -> None:
    base, policy = np.array([[1, 20], [0, 20], [1, 20], [1, 20]], float), np.array([[1, 10]] * 4, float)
    mid, low, high = ratio(base, policy)
    assert mid == pytest.approx((80 / 3) / 10)
    assert low <= mid <= high
    assert ratio(policy, policy) == (1.0, 1.0, 1.0)
