"""The environment over a table of answers, and what a policy on it comes to."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from asking import HUMANEVAL
from gymnasium.utils.env_checker import check_env
from learning import halves, play, trained
from learning_report import FAIR, best_arm, report
from per_solved import per_solved, ratio
from replay import ReplayEnv, Table

from blampert_env.envs.features import TARGET_FEATURES


def answer(task: str, arm: str, solved: bool, cost: float, failure: str = "assertion") -> dict[str, object]:
    named = {"task": task, "repository": task.split()[0], "arm": arm, "code": f"{task} {arm}"}
    outcome = {"outcome": "solved" if solved else "2 of 10 fail", "passed": 10 if solved else 8, "own": float(solved)}
    return {
        **named,
        **outcome,
        "solved": solved,
        "held_out": solved,
        "cost": cost,
        "failure": "" if solved else failure,
    }


def known(**features: float) -> dict[str, float]:
    return {**dict.fromkeys(TARGET_FEATURES, 0.0), "tests": 2, "passed": 8, "own": 0.0, **features}


# methods are hopeless, of the others every second one, which has a long docstring, needs the dear arm
TASKS = {
    f"{HUMANEVAL if n % 5 == 4 else f'r{n % 5}'} t{n}": known(target_is_method=n % 3 == 0, target_docstring=n % 2)
    for n in range(60)
}
ANSWERS = [
    answer(task, arm, bool(not of["target_is_method"] and (arm == "dear" or not of["target_docstring"])), cost)
    for task, of in TASKS.items()
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
    seen = dict(zip(env.feature_names, observation.tolist(), strict=True))
    assert seen["target_docstring"] == seen["last_failure_assertion"] == 1.0
    assert (seen["target_attempts"], seen["cheap:tried_on_target"]) == (1 / 8, 1 / 4)
    assert env.action_masks().tolist() == [False, True, True]
    _, reward, ends, _, info = env.step(1)
    assert (reward, ends, info["solved"], info["cost"]) == (pytest.approx(1 - 10 / 20), True, True, 11.0)


def test_next_ends_it_once_something_was_asked() -> None:
    env = ReplayEnv(TABLE, list(TASKS), 20.0)
    env.reset(options={"task": "r0 t0"})
    assert env.action_masks().tolist() == [True, True, False]
    env.step(0)
    assert env.step(2)[1:3] == (0.0, True)


def test_an_arm_comes_after_the_one_that_failed() -> None:
    answers = [answer("r t", "first", False, 1.0), answer("r t", "again", True, 1.0), answer("r u", "first", True, 1.0)]
    table = Table.of({"answers": answers, "tasks": {"r t": known(), "r u": known()}, "after": {"again": "first"}})
    env = ReplayEnv(table, ["r t", "r u"], 20.0)
    env.reset(options={"task": "r t"})
    assert env.action_masks().tolist() == [True, False, False]
    env.step(0)
    assert env.action_masks().tolist() == [False, True, True]
    env.reset(options={"task": "r u"})
    assert env.step(0)[2]


def test_no_repository_is_on_both_sides_and_humaneval_is_on_each() -> None:
    for half in halves(TABLE, 3):
        sides = [{task.split()[0] for task in side} for side in (half.learning, half.scored)]
        assert sides[0] & sides[1] == {HUMANEVAL}
        assert sorted([*half.learning, *half.scored]) == sorted(TASKS)


@pytest.mark.parametrize("name", ["linucb", "lin-thompson"])
def test_an_agent_learns_whom_to_ask_and_when_to_leave(name: str) -> None:
    half = halves(TABLE, 1)[0]
    agent = trained(name, ReplayEnv(TABLE, half.learning, 20.0), 0, 3000, {"gamma": 1.0})
    there, rng = ReplayEnv(TABLE, half.scored, 20.0), np.random.default_rng(0)
    found = [play(there, lambda o, m, r: agent.act(o, m, r, deterministic=True), task, rng)[0] for task in half.scored]
    of = [TASKS[task] for task in half.scored]
    # a method is asked for once, as cheaply as can be
    best = [(not one["target_is_method"], 10 if one["target_docstring"] and not one["target_is_method"] else 1)
            for one in of]  # fmt: skip
    assert [solved for solved, _ in found] == [solved for solved, _ in best]
    assert per_solved(np.array(found, float)) <= 1.2 * per_solved(np.array(best, float))


def test_what_is_scored_is_held_out() -> None:
    flattering = {**answer("r t", "first", True, 1.0), "held_out": False}
    env = ReplayEnv(Table.of({"answers": [flattering], "tasks": {"r t": known()}, "after": {}}), ["r t"], 20.0)
    first, rng = lambda observation, mask, rng: 0, np.random.default_rng(0)
    assert play(env, first, "r t", rng, blind=False)[0] == (False, 1.0)
    outcome, episode = play(env, first, "r t", rng)
    assert outcome == (True, 1.0)
    assert episode.ret == pytest.approx(1 - 1 / 20), "the policy sees visible tests alone"


def test_ratios_are_of_the_same_tasks() -> None:
    base, policy = np.array([[1, 20], [0, 20], [1, 20], [1, 20]], float), np.array([[1, 10]] * 4, float)
    mid, low, high = ratio(base, policy)
    assert mid == pytest.approx((80 / 3) / 10)
    assert low <= mid <= high
    assert ratio(policy, policy) == (1.0, 1.0, 1.0)


def test_a_report_takes_seeds_and_divisions_together() -> None:
    tasks = [["r0 a", "r0 b", f"{HUMANEVAL} c"], ["r0 a", f"{HUMANEVAL} d", "r1 e"]]
    dear = [[(True, 10.0)] * 3]
    mixed = [[(True, 2.0)] * 3, [(False, 4.0)] * 3]  # two seeds of learning
    rows = report(tasks, [{"always dear": dear, FAIR: dear, "learnt": mixed}] * 2)
    assert best_arm(rows) == "always dear"
    assert rows["learnt"]["solve_rate"] == pytest.approx(0.5)
    assert rows["learnt"]["cost"] == pytest.approx(3.0)
    assert rows["learnt"]["per_solved"] == pytest.approx(6.0)
    assert rows["learnt"]["by_seed"] == [pytest.approx(2.0), float("inf")]
    mid, low, high = rows["learnt"]["against"][FAIR]
    assert (mid, low, high) == (pytest.approx(10 / 6), pytest.approx(10 / 6), pytest.approx(10 / 6))
    only = report(tasks, [{"always dear": dear, FAIR: dear}] * 2, lambda task: task.startswith(HUMANEVAL))
    assert only["always dear"]["tasks"] == 2
