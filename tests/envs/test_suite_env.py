from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import blampert_env
from blampert_env.envs import CodeEditEnv, SuiteEnv
from blampert_env.errors import ConfigError, ProjectError
from blampert_env.lm.scripted import ScriptedLM


def test_seed_draws_the_project(solver_lm: ScriptedLM) -> None:
    with SuiteEnv(lm=solver_lm) as env:
        drawn = [env.reset(seed=seed)[1]["project"] for seed in range(12)]
        again = [env.reset(seed=seed)[1]["project"] for seed in range(12)]
    assert drawn == again
    assert set(drawn) == {"calculator", "math_operations", "data_processor"}


def test_options_choose_and_unknown_ones_are_named(solver_lm: ScriptedLM) -> None:
    with SuiteEnv(lm=solver_lm) as env:
        assert env.reset(options={"project": "data_processor"})[1]["project"] == "data_processor"
        with pytest.raises(ProjectError, match="did you mean 'calculator'"):
            env.reset(options={"project": "calculatr"})


def test_a_suite_of_folders(make_project: Callable[..., Path]) -> None:
    with SuiteEnv([make_project("one"), make_project("two")], actions="edit") as env:
        _, info = env.reset(seed=0, options={"project": "two"})
        assert info["tests_total"] == 1
        *_, terminated, _, info = env.step("def double(x):\n    return 2 * x\n")
        assert terminated
        assert info["is_success"]


def test_bad_suites(make_project: Callable[..., Path]) -> None:
    with pytest.raises(ProjectError, match="at least one"):
        SuiteEnv([])
    with pytest.raises(ProjectError, match="share a name"):
        SuiteEnv([make_project("one"), make_project("one")])
    with pytest.raises(ConfigError, match="actions"):
        SuiteEnv(actions="edits")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="actions"):
        gym.make("Blampert-Calculator-v0", actions="edits")


def test_register_project(make_project: Callable[..., Path]) -> None:
    folder = make_project("my_thing")
    try:
        identity = blampert_env.register_project(folder)
        assert identity == "Blampert-MyThing-v0"
        assert blampert_env.register_project(folder) == identity, "twice is fine"
        with gym.make(identity, actions="edit") as env:
            assert isinstance(env.unwrapped, CodeEditEnv)
            env.reset(seed=0)
        other = make_project("elsewhere/my_thing")
        with pytest.raises(ProjectError, match="taken"):
            blampert_env.register_project(other)
    finally:
        gym.registry.pop("Blampert-MyThing-v0", None)
    with pytest.raises(ProjectError):
        blampert_env.register_project(folder / "nowhere")


def test_one_action_space_for_every_project(solver_lm: ScriptedLM) -> None:
    with SuiteEnv(lm=solver_lm) as env:
        for name in env.projects:
            observation, _ = env.reset(seed=0, options={"project": name})
            assert env.observation_space.contains(observation)
            assert env.current.action_space == env.action_space
            assert env.action_masks().dtype == np.bool_
