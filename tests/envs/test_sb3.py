"""Stable-Baselines3 on the environments as they come, without our trainer."""

from __future__ import annotations

import functools

import gymnasium as gym
import pytest
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

import blampert_env  # noqa: F401  (registers the ids)
from blampert_env.lm.scripted import ScriptedLM


@pytest.mark.parametrize("algorithm", [PPO, A2C, DQN])
@pytest.mark.parametrize("env_id", ["Blampert-Calculator-v0", "Blampert-Suite-v0"])
def test_learns_on_the_strategy_env(algorithm: type[PPO], env_id: str, solver_lm: ScriptedLM) -> None:
    with gym.make(env_id, lm=solver_lm) as env:
        steps = {PPO: {"n_steps": 8, "batch_size": 8}, A2C: {"n_steps": 8}, DQN: {"learning_starts": 4}}[algorithm]
        model = algorithm("MlpPolicy", env, seed=0, device="cpu", **steps)
        model.learn(16)
        assert model.num_timesteps == 16
        infos = [info for info in model.ep_info_buffer or []]
        assert infos, "no episode ended"


def test_maskable_ppo_finds_the_masks_and_the_success_rate(solver_lm: ScriptedLM) -> None:
    envs = DummyVecEnv([lambda: gym.make("Blampert-Calculator-v0", lm=solver_lm)] * 2)
    assert get_action_masks(envs).shape == (2, envs.action_space.n)
    model = MaskablePPO("MlpPolicy", envs, n_steps=8, batch_size=8, seed=0, device="cpu")
    model.learn(16)
    assert len(model.ep_success_buffer) > 0
    envs.close()


@pytest.mark.slow
@pytest.mark.parametrize("start_method", ["forkserver", "spawn"])
def test_learns_in_processes(start_method: str, solver_lm: ScriptedLM) -> None:
    makers = [functools.partial(gym.make, "blampert_env:Blampert-Calculator-v0", lm=solver_lm)] * 2
    envs = SubprocVecEnv(makers, start_method=start_method)
    try:
        model = MaskablePPO("MlpPolicy", envs, n_steps=8, batch_size=8, seed=0, device="cpu")
        model.learn(16)
        assert len(model.ep_success_buffer) > 0
    finally:
        envs.close()
