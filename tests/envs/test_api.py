"""Everything a Gymnasium user tries, over every registered id and both kinds of actions."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.wrappers import RecordEpisodeStatistics, TimeLimit
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import blampert_env  # noqa: F401  (registers the ids)
from blampert_env.envs import CodeEditEnv, StrategyEnv, SuiteEnv, Utf8Text
from blampert_env.lm.scripted import ScriptedLM

IDS = ["Blampert-Calculator-v0", "Blampert-MathOperations-v0", "Blampert-DataProcessor-v0", "Blampert-Suite-v0"]
ACTIONS = ["strategy", "edit"]
each_env = pytest.mark.parametrize(("env_id", "actions"), [(i, a) for i in IDS for a in ACTIONS])


def make(env_id: str, actions: str, lm: ScriptedLM, **kwargs: Any) -> gym.Env[Any, Any]:
    if actions == "strategy":
        kwargs["lm"] = lm
    return gym.make(env_id, actions=actions, **kwargs)


def test_every_bundled_project_is_registered() -> None:
    ours = {identity: spec for identity, spec in gym.registry.items() if identity.startswith("Blampert-")}
    # the user's own workspace, if there is one, may add to them
    assert {*IDS, "Blampert-Campaign-v0"} == {
        identity for identity, spec in ours.items() if "workspace" not in spec.kwargs
    }


@each_env
def test_gymnasium_check_env_without_a_warning(env_id: str, actions: str, solver_lm: ScriptedLM) -> None:
    with make(env_id, actions, solver_lm) as env, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped)
    assert not [str(warning.message) for warning in caught]


@each_env
def test_sb3_check_env_without_a_warning(env_id: str, actions: str, solver_lm: ScriptedLM) -> None:
    with make(env_id, actions, solver_lm) as env, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # SB3 takes arrays only; text crosses over as bytes
        sb3_check_env(env.unwrapped if actions == "strategy" else Utf8Text(env.unwrapped, 4096, 512))
    assert not [str(warning.message) for warning in caught]


def play(env: gym.Env[Any, Any], seed: int, steps: int = 6) -> list[Any]:
    """A masked random rollout: everything the env returned."""
    env.action_space.seed(seed)
    seen: list[Any] = [env.reset(seed=seed)]
    for _ in range(steps):
        masked = hasattr(env.unwrapped, "progress")
        mask = env.unwrapped.action_masks().astype(np.int8) if masked else None
        seen.append(env.step(env.action_space.sample(mask) if masked else env.action_space.sample()))
        if seen[-1][2] or seen[-1][3]:
            break
    return seen


def as_bytes(seen: Any) -> str:
    """What an env returned, with every array's exact bytes."""
    return json.dumps(seen, default=lambda array: [str(array.dtype), array.shape, array.tobytes().hex()])


@each_env
def test_same_seed_same_episode_infos_included(env_id: str, actions: str, solver_lm: ScriptedLM) -> None:
    with make(env_id, actions, solver_lm) as one, make(env_id, actions, solver_lm) as other:
        first, second, again = play(one, 7), play(other, 7), play(one, 7)
    assert as_bytes(first) == as_bytes(again) == as_bytes(second)
    assert data_equivalence(tuple(map(tuple, first)), tuple(map(tuple, second)), exact=True)


@each_env
def test_spec_survives_json(env_id: str, actions: str) -> None:
    with gym.make(env_id, actions=actions, max_attempts=5) as env:
        assert env.spec is not None
        again = gym.envs.registration.EnvSpec.from_json(env.spec.to_json())
        assert json.loads(env.spec.to_json())["kwargs"]["actions"] == actions
        with gym.make(again) as rebuilt:
            assert rebuilt.spec == env.spec
            assert rebuilt.observation_space == env.observation_space
            assert rebuilt.action_space == env.action_space


@each_env
def test_pickling_keeps_the_episode(env_id: str, actions: str, solver_lm: ScriptedLM) -> None:
    with make(env_id, actions, solver_lm) as env:
        play(env, 3, steps=1)
        with pickle.loads(pickle.dumps(env.unwrapped)) as copied:
            env.action_space.seed(1)
            action = env.action_space.sample()
            assert as_bytes(copied.step(action)) == as_bytes(env.unwrapped.step(action))


@pytest.mark.parametrize("mode", ["sync", "async"])
@each_env
def test_vector_envs_agree_with_single_ones(env_id: str, actions: str, mode: str, solver_lm: ScriptedLM) -> None:
    kwargs: dict[str, Any] = {"lm": solver_lm} if actions == "strategy" else {}
    envs = gym.make_vec(env_id, num_envs=4, vectorization_mode=mode, actions=actions, **kwargs)
    try:
        observations, _ = envs.reset(seed=5)
        text = "def nothing():\n    pass\n"
        batch = np.zeros(4, np.int64) if actions == "strategy" else (text,) * 4
        stepped = envs.step(batch)
        with make(env_id, actions, solver_lm) as single:
            first, _ = single.reset(seed=5)
            after, reward, *_ = single.step(0 if actions == "strategy" else text)
    finally:
        envs.close()
    if actions == "strategy":
        assert observations.shape == (4, *first.shape)
        np.testing.assert_array_equal(observations[0], first)
        np.testing.assert_array_equal(stepped[0][0], after)
    else:
        assert {name: texts[0] for name, texts in observations.items()} == first
        assert {name: texts[0] for name, texts in stepped[0].items()} == after
    assert stepped[1][0] == pytest.approx(reward)


@pytest.mark.parametrize("env_id", IDS)
def test_wrappers_work(env_id: str, solver_lm: ScriptedLM) -> None:
    env = RecordEpisodeStatistics(TimeLimit(gym.make(env_id, lm=solver_lm), max_episode_steps=2))
    with env:
        env.reset(seed=0)
        env.step(0)
        *_, truncated, info = env.step(0)
        assert truncated or info["is_success"]
        assert info["episode"]["l"] == 2


@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
@each_env
def test_render(env_id: str, actions: str, mode: str, solver_lm: ScriptedLM) -> None:
    with make(env_id, actions, solver_lm, render_mode=mode) as env:
        env.reset(seed=0)
        before = env.render()
        env.step(0 if actions == "strategy" else "def nothing(): pass")
        after = env.render()
    if mode == "ansi":
        assert isinstance(after, str)
        assert "attempt 1/" in after
        assert before != after
    else:
        assert after.shape == (400, 640, 3)
        assert after.dtype == np.uint8
        assert (before != after).any()


def test_observations_and_infos_are_fresh_objects(solver_lm: ScriptedLM) -> None:
    with make(IDS[0], "strategy", solver_lm) as env:
        observation, info = env.reset(seed=0)
        kept = copy.deepcopy((observation, info))
        env.step(0)
        np.testing.assert_array_equal(observation, kept[0])
        assert info == kept[1]


def test_kinds() -> None:
    with gym.make(IDS[0]) as strategy, gym.make(IDS[0], actions="edit") as edit, gym.make(IDS[3]) as suite:
        assert isinstance(strategy.unwrapped, StrategyEnv)
        assert isinstance(edit.unwrapped, CodeEditEnv)
        assert isinstance(suite.unwrapped, SuiteEnv)


def test_module_prefix_registers_too() -> None:
    with gym.make("blampert_env:Blampert-Calculator-v0") as env:
        assert env.spec is not None
