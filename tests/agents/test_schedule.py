"""The fixed schedule: what is due when, and the greedy order that it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from blampert_agents import Agent, Episode, make_agent
from blampert_agents.schedule import greedy_order

NAMES = ("small", "large", "repair", "next")
FEATURES = (*(f"{name}:tried_on_target" for name in NAMES[:3]), "target_left", "budget_left")
ALL = np.ones(4, dtype=bool)


def make(**hyperparams: Any) -> Any:
    box = spaces.Box(0.0, 1.0, (5,), np.float32)
    return make_agent(
        "schedule",
        box,
        spaces.Discrete(4),
        seed=0,
        hyperparams=hyperparams,
        action_names=NAMES,
        feature_names=FEATURES,
    )


def seen(tries: list[int], budget: float = 1.0) -> NDArray[np.float32]:
    return np.array([*(min(1.0, tried / 4) for tried in tries), budget], dtype=np.float32)


def asked(agent: Agent, steps: int, mask: NDArray[np.bool_] = ALL) -> str:
    """What it asks on one target, greedily."""
    tries, names = [0] * 4, []
    for _ in range(steps):
        action = agent.act(seen(tries), mask, np.random.default_rng(0), deterministic=True)
        tries[action] += 1
        names.append(NAMES[action])
    return " ".join(names)


def episode(steps: list[tuple[list[int], int, float, float]]) -> Episode:
    """Steps as (tries before, action, reward, cost)."""
    left, observations = 1.0, []
    for tries, _, _, cost in steps:
        observations.append(seen(tries, left))
        left -= cost
    observations.append(seen([0, 0, 0, 0], left))
    _, actions, rewards, _ = zip(*steps, strict=True)
    masks = np.ones((len(steps) + 1, 4), dtype=bool)
    return Episode(
        np.array(observations),
        masks,
        np.array(actions, dtype=np.int64),
        np.array(rewards, dtype=np.float32),
        terminated=True,
        truncated=False,
    )


@pytest.mark.parametrize(
    ("order", "asks"),
    [
        (None, "small large repair next small large repair next"),
        (["large", "small"], "large small large small"),
        (["small", "small", "large", 3], "small small large next small small large next"),
        (["repair"], "repair repair repair repair repair repair"),
    ],
)
def test_asks_in_its_order_and_from_its_start_again(order: list[str] | None, asks: str) -> None:
    assert asked(make(order=order), len(asks.split())) == asks


def test_what_is_masked_is_passed_over() -> None:
    agent = make(order=["repair", "large", "next"])
    assert asked(agent, 3, np.array([True, True, False, True])) == "large next large"
    assert asked(agent, 2, np.array([True, False, False, False])) == "small small", "nothing of it is allowed"


def test_the_place_is_that_of_the_target_in_front() -> None:
    agent, rng = make(order=["large", "small"]), np.random.default_rng(0)
    tries = [[0, 1, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0]]
    assert [agent.act(seen(one), ALL, rng) for one in tries] == [0, 1, 1, 0]


def test_explores_what_was_tried_least() -> None:
    agent, rng = make(explore=0.5), np.random.default_rng(0)
    taken = [agent.act(seen([1, 1, 0, 0]), np.array([True, True, True, True]), rng) for _ in range(2_000)]
    counts = np.bincount(taken, minlength=4) / 2_000
    assert counts == pytest.approx([0, 0, 0.75, 0.25], abs=0.04), "repair is due, and half of what is explored"
    given = make(order=["small"], explore=1.0)
    assert {given.act(seen([0, 0, 0, 0]), ALL, rng) for _ in range(50)} == {0}


def test_learns_the_greedy_order_by_cost() -> None:
    agent = make()
    none, small = [0, 0, 0, 0], [1, 0, 0, 0]
    steps = [(none, 0, 0.5, 0.001)] * 6 + [(none, 0, 0.0, 0.001)] * 4  # cheap, solves six of ten
    steps += [(none, 1, 0.5, 0.02)] * 10  # dear, solves all, also of what the first did not
    steps += [(small, 1, 0.5, 0.02)] * 4 + [(small, 2, 0.0, 0.001)] * 9
    steps += [(small, 0, 0.5, 0.001), ([0, 0, 0, 1], 3, 0.0, 0.0)]  # a second try, and leaving: not counted
    metrics = agent.learn([episode(steps)])
    assert [NAMES[action] for action in agent.order] == ["small", "large", "next"]
    assert metrics == {"train/place_small": 0.0, "train/place_large": 1.0, "train/place_next": 2.0}
    assert asked(agent, 4) == "small large next small"
    assert agent._tallies[frozenset(), 0] == (10, 6, pytest.approx(0.01, rel=1e-3))
    assert sum(steps for steps, _, _ in agent._tallies.values()) == 33


def test_a_given_order_stays_and_nothing_solved_changes_nothing() -> None:
    failed = episode([([0, 0, 0, 0], 1, -0.1, 0.1), ([0, 1, 0, 0], 0, 0.0, 0.1)])
    agent = make()
    assert set(agent.learn([failed]).values()) == {0.0, 1.0, 2.0, 3.0}
    assert agent.order == (0, 1, 2, 3)
    solved = episode([([0, 0, 0, 0], 1, 1.0, 0.1)])
    given = make(order=["small", "large"])
    assert given.learn([solved]) == {}
    assert given.order == (0, 1)
    strict = make(success_above=1.0)
    strict.learn([solved])
    assert strict.order == (0, 1, 2, 3)


def test_greedy_looks_at_what_those_before_left() -> None:
    """Alone the second is next best, but it solves only what the first solves."""
    none, first = frozenset[int](), frozenset({0})
    tallies = {
        (none, 0): (100, 60, 100.0),
        (none, 1): (100, 50, 100.0),
        (none, 2): (100, 20, 100.0),
        (first, 1): (40, 0, 40.0),
        (first, 2): (40, 20, 40.0),
    }
    assert greedy_order(tallies, range(3)) == (0, 2)
    assert greedy_order({}, range(3)) == ()
    assert greedy_order({(none, 1): (1, 1, 0.0)}, range(3)) == (1,), "free"
    assert greedy_order({(none, 0): (1, 1, 1.0), (none, 1): (50, 45, 50.0)}, range(2))[0] == 1, "not the lucky one"
