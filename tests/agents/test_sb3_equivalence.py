"""What our learn() computes is what Stable-Baselines3 computes from the same steps, bit for bit where it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3.common.logger import Logger

from blampert_agents import Episode, make_agent
from blampert_agents.sb3_updates import even_batch_size, off_policy_update, on_policy_update

SMALL_LSTM = {"lstm_hidden_size": 8, "n_lstm_layers": 2, "net_arch": [], "enable_critic_lstm": False}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As our agents do: two threads on such small networks only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Tape(gym.Wrapper[Any, Any, Any, Any]):
    """Records every episode that passes through."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.episodes: list[Episode] = []

    def reset(self, **options: Any) -> Any:
        observation, info = super().reset(**options)
        self._steps: list[tuple[Any, Any]] = []
        self._observations, self._masks = [observation], [self.unwrapped.action_masks()]
        return observation, info

    def action_masks(self) -> Any:
        return self.unwrapped.action_masks()

    def step(self, action: Any) -> Any:
        result = observation, reward, terminated, truncated, _ = super().step(action)
        self._observations.append(observation)
        self._masks.append(self.unwrapped.action_masks())
        self._steps.append((action, reward))
        if terminated or truncated:
            actions, rewards = zip(*self._steps, strict=True)
            self.episodes.append(
                Episode(
                    np.array(self._observations, dtype=np.float32),
                    np.array(self._masks),
                    np.array(actions, dtype=np.int64),
                    np.array(rewards, dtype=np.float32),
                    terminated,
                    truncated,
                )
            )
        return result


def pair(lab: Any, algo: str, limit: int, **hyperparams: Any) -> tuple[Any, Any, Tape]:
    """Two models with the same weights, the second with a recorded env of its own that ends after ``limit`` steps."""
    tape = Tape(gym.wrappers.TimeLimit(lab.env, limit))
    models = [
        make_agent(algo, lab.env.observation_space, lab.env.action_space, seed=3, hyperparams=hyperparams).model  # type: ignore[attr-defined]
        for _ in range(2)
    ]
    models[1].set_env(tape)
    for model in models:
        model.set_logger(Logger(folder=None, output_formats=[]))
    return models[0], models[1], tape


@pytest.mark.parametrize(
    ("algo", "env", "limit", "hyperparams"),
    [
        ("ppo", "bandit", 5, {"batch_size": 8, "learning_rate": "lin_0.01", "clip_range": "lin_0.3", "ent_coef": 0.01}),
        ("ppo", "bandit", 30, {"batch_size": 16, "gae_lambda": 0.9, "gamma": 0.9, "clip_range_vf": 0.2}),
        ("a2c", "bandit", 5, {"normalize_advantage": True, "gae_lambda": 0.95}),
        ("maskable-ppo", "corridor", 3, {"batch_size": 8, "n_epochs": 3, "learning_rate": 0.01}),
        ("recurrent-ppo", "bandit", 5, {"batch_size": 16, "n_epochs": 3, "policy_kwargs": {"lstm_hidden_size": 8}}),
        ("recurrent-ppo", "bandit", 30, {"batch_size": 50, "n_epochs": 3, "policy_kwargs": SMALL_LSTM}),
    ],
)
def test_on_policy_update_is_sb3s(
    lab: Callable[[str], Any], algo: str, env: str, limit: int, hyperparams: dict[str, Any]
) -> None:
    steps, planned = 120, 400
    ours, theirs, tape = pair(lab(env), algo, limit, **hyperparams)
    theirs.n_steps = steps
    theirs.rollout_buffer.buffer_size = steps
    _, callback = theirs._setup_learn(planned, None)
    theirs.set_logger(Logger(folder=None, output_formats=[]))
    assert theirs.collect_rollouts(theirs.env, callback, theirs.rollout_buffer, steps)
    theirs._update_current_progress_remaining(theirs.num_timesteps, planned)
    assert sum(episode.length for episode in tape.episodes) == steps, "the rollout ends with an episode"
    assert any(episode.truncated for episode in tape.episodes) == (limit < 30)

    for train in (theirs.train, lambda: on_policy_update(ours, tape.episodes, planned)):
        np.random.seed(11)
        train()
    for name in ("observations", "actions", "values", "log_probs", "returns", "advantages"):
        np.testing.assert_allclose(
            getattr(ours.rollout_buffer, name), getattr(theirs.rollout_buffer, name), atol=1e-5, err_msg=name
        )
    assert ours.num_timesteps == theirs.num_timesteps == steps
    assert ours._n_updates == theirs._n_updates > 0
    logged = [model.logger.name_to_value for model in (ours, theirs)]
    assert logged[0]["train/learning_rate"] == logged[1]["train/learning_rate"]
    for mine, sb3 in zip(ours.policy.parameters(), theirs.policy.parameters(), strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), sb3.detach().numpy(), atol=1e-4)


@pytest.mark.parametrize("limit", [5, 30])
def test_dqn_keeps_sb3s_books(lab: Callable[[str], Any], limit: int) -> None:
    hyperparams = {
        "learning_starts": 10,
        "train_freq": 4,
        "gradient_steps": 2,
        "target_update_interval": 23,
        "exploration_fraction": 0.5,
        "buffer_size": 100,
        "n_timesteps": 160,
    }
    ours, theirs, tape = pair(lab("bandit"), "dqn", limit, **hyperparams)
    theirs.learn(160, log_interval=10_000)
    episodes = tape.episodes
    assert sum(episode.length for episode in episodes) == 160
    for start in range(0, len(episodes), 3):
        off_policy_update(ours, episodes[start : start + 3], 160)
    for name in ("observations", "next_observations", "actions", "rewards", "dones", "timeouts", "pos", "full"):
        np.testing.assert_array_equal(getattr(ours.replay_buffer, name), getattr(theirs.replay_buffer, name), name)
    for name in ("num_timesteps", "_n_updates", "_n_calls", "_episode_num", "exploration_rate"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours._current_progress_remaining == theirs._current_progress_remaining == 0.0

    def target_is_online() -> bool:
        target, online = ours.q_net_target.state_dict(), ours.q_net.state_dict()
        return all(bool((target[name] == online[name]).all()) for name in online)

    assert not target_is_online()
    first = episodes[0]
    one = Episode(first.observations[:2], first.masks[:2], first.actions[:1], first.rewards[:1], False, True)
    off_policy_update(ours, [one], 160)
    assert target_is_online(), "step 161 is a multiple of 23"


@pytest.mark.parametrize("steps", [1, 2, 3, 31, 32, 33, 65, 97, 1_025])
@pytest.mark.parametrize("wanted", [2, 3, 32])
def test_no_batch_of_one(steps: int, wanted: int) -> None:
    size = even_batch_size(steps, wanted)
    assert size >= wanted
    assert steps == 1 or steps <= size or steps % size != 1
