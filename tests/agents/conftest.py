"""Two tiny environments that can be learnt in seconds, and a trainer that rolls them out as the real one does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from blampert_agents import Agent, Episode, make_agent


def names_of_features(n_features: int, labels: Sequence[str]) -> tuple[str, ...]:
    """Names that `schedule` and `rex` take, for observations that mean something else."""
    names = [*(f"{label}:tried_on_target" for label in labels), "target_pass_rate"]
    return (*names, *(f"other_{number}" for number in range(n_features - len(names))))


class ContextualBandit(gym.Env[NDArray[np.float32], np.int64]):
    """Four contexts, shown one-hot, and the steps left; action ``(context + 1) % 4`` earns 1, for eight steps.

    The best return is 8, random gets about 2.
    """

    observation_space = spaces.Box(0.0, 1.0, (5,), np.float32)
    action_space = spaces.Discrete(4)

    def action_masks(self) -> NDArray[np.bool_]:
        return np.ones(4, dtype=bool)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.steps = 0
        return self._observe(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        reward = float(action == (self.context + 1) % 4)
        self.steps += 1
        return self._observe(), reward, self.steps == 8, False, {"is_success": reward == 1.0}

    def _observe(self) -> NDArray[np.float32]:
        self.context = int(self.np_random.integers(4))
        return np.append(np.eye(4, dtype=np.float32)[self.context], np.float32(1 - self.steps / 8))


class MaskedCorridor(gym.Env[NDArray[np.float32], np.int64]):
    """Seven cells, from the first to the last; each step costs 0.05, the end earns 1, 20 steps cut off.

    Actions: left, right, jump two (allowed on even cells), back to the start (allowed on cells 1, 3). The mask changes
    the way, so a policy that ignored it would fail. The best return is 0.85; random gets about 0.2.
    """

    observation_space = spaces.Box(0.0, 1.0, (7,), np.float32)
    action_space = spaces.Discrete(4)

    def action_masks(self) -> NDArray[np.bool_]:
        return np.array([self.cell > 0, True, self.cell % 2 == 0, self.cell in (1, 3)])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.cell = self.steps = 0
        return self._observe(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if not self.action_masks()[action]:
            raise AssertionError(f"masked action {action} taken in cell {self.cell}")
        self.cell = 0 if action == 3 else min(6, self.cell + (-1, 1, 2)[int(action)])
        self.steps += 1
        done = self.cell == 6
        return self._observe(), -0.05 + done, done, not done and self.steps == 20, {"is_success": done}

    def _observe(self) -> NDArray[np.float32]:
        return np.eye(7, dtype=np.float32)[self.cell]


ENVS: dict[str, Callable[[], Any]] = {"bandit": ContextualBandit, "corridor": MaskedCorridor}


def rollout(agent: Agent, env: Any, seed: int, *, deterministic: bool = False) -> Episode:
    """One episode, with a generator of its own (not the env's stream: they would be correlated)."""
    rng = np.random.default_rng((seed, 1))
    observation, _ = env.reset(seed=seed)
    observations, masks, actions, rewards = [observation], [env.action_masks()], [], []
    terminated = truncated = False
    info: dict[str, Any] = {}
    while not (terminated or truncated):
        action = agent.act(observation, masks[-1], rng, deterministic=deterministic)
        assert type(action) is int
        assert masks[-1][action]
        observation, reward, terminated, truncated, info = env.step(action)
        observations.append(observation)
        masks.append(env.action_masks())
        actions.append(action)
        rewards.append(reward)
    return Episode(
        np.array(observations, dtype=np.float32),
        np.array(masks, dtype=bool),
        np.array(actions, dtype=np.int64),
        np.array(rewards, dtype=np.float32),
        terminated,
        truncated,
        bool(info["is_success"]),
    )


class Lab:
    """Makes agents for a test env, trains and measures them."""

    def __init__(self, env: str) -> None:
        self.name = env
        self.env = ENVS[env]()

    def make(self, algo: str, *, seed: int = 0, **hyperparams: Any) -> Agent:
        """An agent; without hyperparameters, with those of configs/train."""
        return make_agent(
            algo,
            self.env.observation_space,
            self.env.action_space,
            seed=seed,
            hyperparams=hyperparams or None,
            feature_names=self.feature_names("0123"),
        )

    def feature_names(self, labels: Sequence[str]) -> tuple[str, ...]:
        """As :func:`names_of_features`, for this env."""
        return names_of_features(self.env.observation_space.shape[0], labels)

    def rollouts(self, agent: Agent, seeds: range, *, deterministic: bool = False) -> list[Episode]:
        """One episode a seed."""
        return [rollout(agent, self.env, seed, deterministic=deterministic) for seed in seeds]

    def train(self, agent: Agent, iterations: int, *, start: int = 0) -> Iterator[dict[str, float]]:
        """Iterations of three episodes, as the trainer's; gives each iteration's metrics."""
        for iteration in range(start, start + iterations):
            yield agent.learn(self.rollouts(agent, range(iteration * 3, iteration * 3 + 3)))

    def score(self, agent: Agent) -> float:
        """Mean return over 30 episodes, exploiting."""
        return float(np.mean([e.ret for e in self.rollouts(agent, range(90_000, 90_030), deterministic=True)]))


@pytest.fixture
def lab() -> Callable[[str], Lab]:
    """``lab("bandit")`` or ``lab("corridor")``."""
    return Lab
