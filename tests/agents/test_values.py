"""What agents hold their actions for: it is what they act by, and linear weights are what they learnt from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from blampert_agents import ALGOS, Agent, Episode, ValuingAgent, make_agent
from blampert_env.errors import UsageError

LABELS = ("complete", "sample", "repair", "plan")
NAMES = ("target_pass_rate", *(f"{label}:tried_on_target" for label in LABELS))
FEATURES, ACTIONS = len(NAMES), len(LABELS)
WITHOUT = {"random", "fixed", "round-robin", "schedule"}
KINDS = {
    "thompson": "chance of success",
    "rex": "chance of success",
    "linucb": "predicted reward",
    "lin-thompson": "predicted reward",
    "ppo": "chance to be picked",
    "a2c": "chance to be picked",
    "maskable-ppo": "chance to be picked",
    "recurrent-ppo": "chance to be picked",
    "dqn": "Q value",
}


def trained(algo: str, rng: np.random.Generator, **hyperparams: Any) -> tuple[Any, Episode]:
    box = spaces.Box(0.0, 1.0, (FEATURES,), np.float32)
    agent = make_agent(algo, box, spaces.Discrete(ACTIONS), seed=0, hyperparams=hyperparams, action_names=LABELS,
                       feature_names=NAMES)  # fmt: skip
    observations, actions = rng.random((41, FEATURES)).astype(np.float32), rng.integers(0, ACTIONS, 40)
    rewards = observations[:40, 0] * (actions == 1) - 0.1
    episode = Episode(observations, np.ones((41, ACTIONS), bool), actions, rewards, True, False)
    agent.learn([episode])
    return agent, episode


@pytest.mark.parametrize("algo", ALGOS)
def test_who_has_values(algo: str) -> None:
    agent: Agent = trained(algo, np.random.default_rng(0))[0]
    assert isinstance(agent, ValuingAgent) == (algo not in WITHOUT)


@pytest.mark.parametrize("algo", KINDS)
def test_the_greedy_action_is_the_allowed_one_with_the_largest_value(algo: str) -> None:
    rng = np.random.default_rng(1)
    agent, _ = trained(algo, rng)
    for _ in range(20):
        observation, mask = rng.random(FEATURES).astype(np.float32), rng.random(ACTIONS) < 0.6
        mask[int(rng.integers(ACTIONS))] = True
        values = agent.values(observation, mask)
        assert values.kind == KINDS[algo]
        assert values.means.shape == (ACTIONS,)
        allowed = np.flatnonzero(mask)
        new = np.random.default_rng(0)  # a rollout of its own: nothing is remembered
        assert agent.act(observation, mask, new, deterministic=True) == allowed[np.argmax(values.means[allowed])]
        if values.kind == "chance to be picked":
            assert values.means.sum() == pytest.approx(1.0)
            assert not values.means[~mask].any()
        assert (values.deviations is not None) == (algo in ("thompson", "linucb", "lin-thompson"))
        assert values.deviations is None or (values.deviations > 0).all()


@pytest.mark.parametrize("algo", sorted(set(KINDS) - {"thompson"}))
def test_an_observation_that_does_not_fit_is_refused(algo: str) -> None:
    agent, _ = trained(algo, np.random.default_rng(0))
    with pytest.raises(UsageError, match=r"has shape \(7,\), the policy expects \(5,\)"):
        agent.values(np.zeros(7, np.float32), np.ones(ACTIONS, bool))


def test_a_mask_that_does_not_fit_is_refused() -> None:
    agent, _ = trained("thompson", np.random.default_rng(0))
    with pytest.raises(UsageError, match="mask has shape"):
        agent.values(np.zeros(FEATURES, np.float32), np.ones(3, bool))


def test_rex_values_what_goes_on_from_its_program_alone() -> None:
    agent, _ = trained("rex", np.random.default_rng(0))
    mask = np.ones(ACTIONS, bool)
    nearly, nothing = np.array([0.9, 0, 0, 0, 0], np.float32), np.array([0.0, 0, 0, 0.25, 0], np.float32)
    assert np.flatnonzero(agent.values(nearly, mask).means).tolist() == [2], "repair what is there"
    assert np.flatnonzero(agent.values(nothing, mask).means).tolist() == [0, 1, 3]


def test_thompsons_deviation_is_that_of_its_draws() -> None:
    agent, _ = trained("thompson", np.random.default_rng(0))
    values = agent.values(np.zeros(FEATURES, np.float32), np.ones(ACTIONS, bool))
    draws = np.random.default_rng(2).beta(agent.alpha, agent.beta, (50_000, ACTIONS))
    np.testing.assert_allclose(values.means, draws.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(values.deviations, draws.std(axis=0), atol=0.01)


def test_linear_weights_are_coefficients_times_the_spread_of_what_was_learnt_from() -> None:
    agent, episode = trained("linucb", np.random.default_rng(3), ridge=0.5)
    spread = episode.observations[:-1].std(axis=0, dtype=np.float64)
    np.testing.assert_allclose(agent.weights(), agent.models.theta[:, :-1] * spread, rtol=1e-6)
    assert np.abs(agent.weights()).argmax() == 1 * FEATURES + 0  # action 1 pays by feature 0


def test_weights_before_anything_was_learnt_are_zeros() -> None:
    box = spaces.Box(0.0, 1.0, (FEATURES,), np.float32)
    agent: Any = make_agent("lin-thompson", box, spaces.Discrete(ACTIONS), seed=0)
    np.testing.assert_array_equal(agent.weights(), np.zeros((ACTIONS, FEATURES)))


def test_a_return_is_called_one() -> None:
    agent, _ = trained("linucb", np.random.default_rng(0), gamma=0.9)
    assert agent.values(np.zeros(FEATURES, np.float32), np.ones(ACTIONS, bool)).kind == "predicted return"
