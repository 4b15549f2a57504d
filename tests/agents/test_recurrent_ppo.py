"""Recurrent PPO remembers its rollout, each its own, and learns from what it remembered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from blampert_agents import make_agent
from tests.agents.conftest import rollout

ALL = np.ones(4, dtype=bool)


class Cue(gym.Env[NDArray[np.float32], np.int64]):
    """Shows one of two cues, then nothing; the third action earns 1 if it names the cue."""

    observation_space = spaces.Box(0.0, 1.0, (3,), np.float32)
    action_space = spaces.Discrete(2)

    def action_masks(self) -> NDArray[np.bool_]:
        return np.ones(2, dtype=bool)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.steps, self.cue = 0, int(self.np_random.integers(2))
        return self._observe(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        right = self.steps == 3 and action == self.cue
        return self._observe(), float(right), self.steps == 3, False, {"is_success": right}

    def _observe(self) -> NDArray[np.float32]:
        return np.array([*(self.steps == 0 and self.cue == cue for cue in (0, 1)), self.steps / 3], dtype=np.float32)


@pytest.mark.parametrize(("algo", "remembers"), [("recurrent-ppo", True), ("ppo", False)])
def test_acts_on_what_is_no_longer_shown(algo: str, remembers: bool) -> None:
    env = Cue()
    agent = make_agent(algo, env.observation_space, env.action_space, seed=1)
    for iteration in range(10):
        agent.learn([rollout(agent, env, iteration * 16 + number) for number in range(16)])
    score = np.mean([rollout(agent, env, 90_000 + number, deterministic=True).ret for number in range(30)])
    assert bool(score == 1.0) == remembers


@pytest.mark.slow
def test_learns_the_bandit(lab: Callable[[str], Any]) -> None:
    bench = lab("bandit")
    agent = bench.make("recurrent-ppo", seed=1)
    for _ in bench.train(agent, 30):
        pass
    assert bench.score(agent) >= 0.9 * 8.0


def test_each_rollout_has_a_state_of_its_own(lab: Callable[[str], Any]) -> None:
    agent, numbers = lab("bandit").make("recurrent-ppo"), np.random.default_rng(3)
    seen = numbers.random((2, 5, 5), dtype=np.float32)  # two rollouts of five steps

    def scores(rollout: int, rng: np.random.Generator) -> list[list[float]]:
        return [agent._scores(observation, rng).tolist() for observation in seen[rollout]]

    first, second = np.random.default_rng(0), np.random.default_rng(0)
    mixed = [(agent._scores(a, first).tolist(), agent._scores(b, second).tolist()) for a, b in zip(*seen, strict=True)]
    alone = [scores(rollout, np.random.default_rng(0)) for rollout in (0, 1)]
    assert [list(one) for one in zip(*mixed, strict=True)] == alone
    assert scores(0, first) != alone[0], "a generator that goes on is a rollout that goes on"


def test_learns_from_the_probabilities_that_it_acted_by(lab: Callable[[str], Any]) -> None:
    bench = lab("bandit")
    agent = bench.make("recurrent-ppo")
    next(bench.train(agent, 1))
    episodes = bench.rollouts(agent, range(50, 53))
    acted = []
    for episode in episodes:
        rng = np.random.default_rng(0)
        logits = [agent._scores(observation, rng) for observation in episode.observations[:-1]]
        acted += [float(one[action]) for one, action in zip(logits, episode.actions, strict=True)]
    agent.learn(episodes)
    np.testing.assert_allclose(agent.model.rollout_buffer.log_probs.flatten(), acted, atol=1e-5)


def test_samples_from_the_renormalised_policy(lab: Callable[[str], Any]) -> None:
    agent = lab("bandit").make("recurrent-ppo", seed=2)
    observation, mask = np.array([1, 0, 0, 0, 1], dtype=np.float32), np.array([True, False, True, True])
    zero = torch.zeros(agent.model.policy.lstm_hidden_state_shape)
    with torch.no_grad():
        agent.model.policy.action_net.bias.copy_(torch.tensor([1.0, 2.0, 0.0, -1.0]))
        shown = torch.as_tensor(observation)[None]
        distribution, _ = agent.model.policy.get_distribution(shown, (zero, zero), torch.zeros(1))
    expected = np.where(mask, distribution.distribution.probs[0].numpy(), 0)
    expected /= expected.sum()
    drawn = [agent.act(observation, mask, np.random.default_rng(seed)) for seed in range(1_000)]
    assert np.abs(np.bincount(drawn, minlength=4) / 1_000 - expected).max() < 0.05
    assert len(agent._states) == 256, "it does not grow for ever"
