"""Random, fixed, round-robin and the bandits: what they promise, under every mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blampert_agents import ALGOS, Agent, Episode, make_agent
from blampert_env.errors import ConfigError, UsageError
from tests.agents.conftest import names_of_features

Make = Callable[..., Agent]
SIMPLE = ("random", "fixed", "round-robin", "thompson", "linucb", "lin-thompson", "schedule", "rex")
OBSERVATION = np.zeros(5, dtype=np.float32)


def make(algo: str, n_actions: int = 4, **options: Any) -> Agent:
    from gymnasium import spaces

    labels = options.get("action_names", "0123"[:n_actions])
    given = {"seed": 0, "feature_names": names_of_features(5, labels)} | options
    return make_agent(algo, spaces.Box(0.0, 1.0, (5,), np.float32), spaces.Discrete(n_actions), **given)


def episode(actions: list[int], rewards: list[float], n_actions: int = 4) -> Episode:
    steps = len(actions)
    return Episode(
        np.zeros((steps + 1, 5), dtype=np.float32),
        np.ones((steps + 1, n_actions), dtype=bool),
        np.array(actions, dtype=np.int64),
        np.array(rewards, dtype=np.float32),
        True,
        False,
    )


@settings(max_examples=60, deadline=None)
@given(
    algo=st.sampled_from(SIMPLE),
    mask=st.lists(st.booleans(), min_size=4, max_size=4).filter(any),
    seed=st.integers(0, 2**32),
    deterministic=st.booleans(),
)
def test_never_a_masked_action_and_reproducible(algo: str, mask: list[bool], seed: int, deterministic: bool) -> None:
    agent = make(algo)
    first, second = (
        [agent.act(OBSERVATION, np.array(mask), rng, deterministic=deterministic) for _ in range(6)]
        for rng in (np.random.default_rng(seed), np.random.default_rng(seed))
    )
    assert first == second
    assert all(mask[action] for action in first)


@pytest.mark.parametrize("algo", ALGOS)
@pytest.mark.parametrize("mask", [[False] * 4, [True] * 3, [True] * 5], ids=["nothing", "short", "long"])
def test_impossible_masks_are_one_line(algo: str, mask: list[bool]) -> None:
    with pytest.raises(UsageError, match="mask"):
        make(algo, hyperparams={}).act(OBSERVATION, np.array(mask), np.random.default_rng(0))


def test_random_is_uniform_over_the_allowed() -> None:
    agent, rng, mask = make("random"), np.random.default_rng(0), np.array([True, False, True, True])
    counts = np.bincount([agent.act(OBSERVATION, mask, rng) for _ in range(3_000)], minlength=4)
    assert counts[1] == 0
    assert np.abs(counts[[0, 2, 3]] / 3_000 - 1 / 3).max() < 0.03


@pytest.mark.parametrize(("action", "expected"), [(2, 2), ("plan", 1), ("2", 2)])
def test_fixed_takes_its_action(action: int | str, expected: int) -> None:
    agent = make("fixed", 3, hyperparams={"action": action}, action_names=("direct", "plan", "repair"))
    rng = np.random.default_rng(0)
    assert agent.act(OBSERVATION, np.array([True] * 3), rng) == expected
    mask = np.array([True] * 3)
    mask[expected] = mask[0] = False
    assert agent.act(OBSERVATION, mask, rng) == np.flatnonzero(mask)[0]


@pytest.mark.parametrize(
    ("action", "message"), [("pln", "did you mean 'plan'"), (9, "use 0 to 2"), (-1, "use 0 to 2"), (1.5, "index or")]
)
def test_fixed_refuses_what_is_not_there(action: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make("fixed", 3, hyperparams={"action": action}, action_names=("direct", "plan", "repair"))


def test_round_robin_takes_turns_in_each_rollout_of_its_own() -> None:
    agent, mask = make("round-robin"), np.ones(4, dtype=bool)
    first, second = np.random.default_rng(0), np.random.default_rng(0)
    turns = [(agent.act(OBSERVATION, mask, first), agent.act(OBSERVATION, mask, second)) for _ in range(6)]
    assert turns == [(action, action) for action in (0, 1, 2, 3, 0, 1)]
    assert agent.act(OBSERVATION, np.array([True, True, False, False]), first) == 0, "2 and 3 are skipped"
    assert agent.act(OBSERVATION, mask, first) == 1


def test_round_robin_does_not_grow_for_ever() -> None:
    agent, mask = make("round-robin"), np.ones(4, dtype=bool)
    for seed in range(1_000):
        assert agent.act(OBSERVATION, mask, np.random.default_rng(seed)) == 0
    assert len(agent._turns) <= 256  # type: ignore[attr-defined]


def test_thompson_finds_the_best_arm() -> None:
    chances, agent, rng = np.array([0.2, 0.5, 0.8, 0.4]), make("thompson"), np.random.default_rng(1)
    mask = np.ones(4, dtype=bool)
    taken: list[int] = []
    for _ in range(60):
        actions = [agent.act(OBSERVATION, mask, rng) for _ in range(10)]
        agent.learn([episode(actions, [1.0 if rng.random() < chances[action] else -0.1 for action in actions])])
        taken += actions
    assert agent.act(OBSERVATION, mask, rng, deterministic=True) == 2
    assert taken[-200:].count(2) > 150, "it stops exploring what is worse"
    assert set(taken[:40]) == {0, 1, 2, 3}, "after having tried everything"
    without = np.array([True, True, False, True])
    assert agent.act(OBSERVATION, without, rng, deterministic=True) in (1, 3)


def test_thompson_counts_clear_gains_only() -> None:
    agent = make("thompson", action_names=("a", "b", "c", "d"))
    metrics = agent.learn([episode([0, 0, 1, 3], [0.5, 0.0, -1.0, 1e-6])])
    assert (agent.alpha.tolist(), agent.beta.tolist()) == ([2, 1, 1, 2], [2, 2, 1, 1])  # type: ignore[attr-defined]
    assert metrics == pytest.approx(
        {"train/success_a": 1 / 2, "train/success_b": 1 / 3, "train/success_c": 1 / 2, "train/success_d": 2 / 3}
    )
    strict = make("thompson", hyperparams={"success_above": 0.75, "prior_alpha": 2, "prior_beta": 3})
    strict.learn([episode([0, 1], [0.5, 1.0])])
    assert (strict.alpha.tolist(), strict.beta.tolist()) == ([2, 3, 2, 2], [4, 3, 3, 3])  # type: ignore[attr-defined]


@pytest.mark.parametrize("algo", ["thompson", "linucb", "lin-thompson"])
def test_bandits_break_ties_low(algo: str) -> None:
    assert (
        make(algo).act(OBSERVATION, np.array([False, True, True, True]), np.random.default_rng(5), deterministic=True)
        == 1
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rewards": np.zeros(3, dtype=np.float32)}, "1 actions"),
        ({"masks": np.zeros((2, 4), dtype=bool)}, "its mask forbids"),
        ({"rewards": np.array([np.nan], dtype=np.float32)}, "not finite"),
        ({"observations": np.zeros((1, 3), dtype=np.float32)}, "1 actions"),
    ],
)
def test_episodes_must_hold_together(changes: dict[str, Any], message: str) -> None:
    good = episode([0], [1.0])
    values = {name: getattr(good, name) for name in Episode.__slots__}
    with pytest.raises(ValueError, match=message):
        Episode(**(values | changes))


def test_episode_measures() -> None:
    measured = episode([0, 1, 2], [0.5, 0.25, -1.0])
    assert (measured.length, measured.ret) == (3, -0.25)
