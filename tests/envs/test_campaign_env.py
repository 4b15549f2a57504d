"""Many targets under one budget. The LM is scripted."""

from __future__ import annotations

import copy
import pickle
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import blampert_env  # noqa: F401  (registers the ids)
from blampert_env.envs import CampaignEnv
from blampert_env.errors import ConfigError, ProjectError
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.projects import Project

ID = "Blampert-Campaign-v0"
PRICES = {"scripted": (0.0, 0.1)}  # of the answer's words
SOURCE = "\n\n".join(
    f'def {name}(x):\n    """Return x plus {number}."""\n    # TODO: implement\n'
    for number, name in enumerate(("one", "two", "three"), start=1)
)
TESTS = "from m import *\n\n" + "\n\n".join(
    f"def test_{name}():\n    assert {name}(1) == {number + 1}\n"
    for number, name in enumerate(("one", "two", "three"), start=1)
)
STRATEGIES = ["complete", "complete-sample"]


def project(name: str = "m") -> Project:
    return Project.from_files(name, {"m.py": SOURCE, "test_m.py": TESTS})


def answer(**bodies: str) -> ScriptedLM:
    """Gives each function's body, "return x" for those that are not named."""

    def say(messages: list[dict[str, str]]) -> str:
        name = re.findall(r"def (\w+)\(", messages[-1]["content"])[-1]
        return f"```python\ndef {name}(x):\n    {bodies.get(name, 'return x')}\n```"

    return ScriptedLM(say)


RIGHT = {"one": "return x + 1", "two": "return x + 2", "three": "return x + 3"}


def campaign(lm: ScriptedLM, **kwargs: Any) -> CampaignEnv:
    given: dict[str, Any] = {"projects": [project()], "prices": PRICES, "strategies": STRATEGIES, "budget": 1000.0}
    return CampaignEnv(**{**given, "lm": lm, **kwargs})


def test_a_return_of_one_means_that_all_are_solved() -> None:
    with campaign(answer(**RIGHT), projects=[project("a"), project("b")]) as env:
        _, info = env.reset(seed=0)
        assert (info["targets_solved"], info["targets_total"], info["outcome"]) == (0, 6, "none")
        rewards, terminated = [], False
        while not terminated:
            _, reward, terminated, truncated, info = env.step(0)
            rewards.append(reward)
    assert not truncated
    assert rewards == pytest.approx([1 / 6] * 6)
    assert info["is_success"]
    assert (info["next_project"], info["next_target"], info["lm_calls"]) == ("", "", 1)
    assert info["spent"] == pytest.approx(6 * info["cost"])


def test_next_leaves_a_target_which_comes_back() -> None:
    with campaign(answer(**RIGHT)) as env:
        _, info = env.reset(seed=0)
        places = list(env.progress.queue)
        seen = []
        for _ in range(3):
            _, reward, *_, info = env.step(2)
            seen.append((env.progress.queue[0], reward, info["outcome"], info["cost"], info["strategy"]))
        assert seen == [(place, 0.0, "left", 0.0, "next") for place in (*places[1:], places[0])]
        assert env.progress.on[places[0]].left == 1


def test_next_is_masked_where_nothing_else_is_open() -> None:
    with campaign(answer(**RIGHT), n_targets=1) as env:
        env.reset(seed=0)
        assert env.action_masks().tolist() == [True, True, False]
        _, _, terminated, truncated, info = env.step(2)
        assert (terminated, truncated, info["spent"], info["outcome"]) == (False, False, 0.0, "masked")


def test_the_budget_ends_it() -> None:
    with campaign(answer(), budget=0.8) as env:  # an answer has 5 words and costs 0.5
        env.reset(seed=0)
        ends = [env.step(1)[2] for _ in range(2)]
        assert ends == [False, True]
        assert env.progress.spent == pytest.approx(1.0)
        with pytest.raises(ConfigError, match="over: call reset"):
            env.step(0)
        observation, _ = env.reset(seed=1)
        assert observation[env.feature_names.index("budget_left")] == 1.0


def test_it_is_cut_off_after_so_many_steps() -> None:
    with campaign(answer(), max_steps=3) as env:
        env.reset(seed=0)
        assert [env.step(2)[2:4] for _ in range(3)] == [(False, False), (False, False), (False, True)]


def test_what_was_seen_of_a_target_is_observed() -> None:
    lm = answer(one="return y", two="return x + 'a'", three="return x")
    with campaign(lm, n_targets=3) as env:
        observation, _ = env.reset(seed=0)
        at = env.feature_names.index
        kinds = {"one": "name", "two": "type", "three": "assertion"}
        for place in list(env.progress.queue):
            observation, *_ = env.step(1)
            kind = kinds[place[1].rpartition("::")[2]]
            assert observation[at(f"last_failure_{kind}")] == 1.0
            assert observation[at("target_stale")] == pytest.approx(1 / 8)
            assert observation[at("answer_repeats")] == 0.0
            observation, *_ = env.step(1)
            assert observation[at("answer_repeats")] == 1.0
            assert observation[at("complete-sample:tried_on_target")] == pytest.approx(2 / 4)
            env.step(2)
        assert observation[at("complete-sample:tried")] == pytest.approx(6 / 20)
        assert observation[at("complete-sample:cost")] > 0
        assert observation[at("budget_left")] < 1


def test_a_solved_target_counts_for_its_strategy() -> None:
    with campaign(answer(**RIGHT)) as env:
        env.reset(seed=0)
        observation, *_ = env.step(1)
        at = env.feature_names.index
        assert observation[at("complete-sample:solve_rate")] == 1.0
        assert observation[at("complete:solve_rate")] == 0.0
        assert observation[at("targets_left")] == pytest.approx(2 / 3)


def test_a_model_without_a_price_is_one_line() -> None:
    with campaign(answer(**RIGHT), prices=None) as env:
        env.reset(seed=0)
        with pytest.raises(ConfigError, match="no price is known of scripted: give prices="):
            env.step(0)
        assert env.progress.spent == 0.0
        assert not env._env("m").session.attempts


def test_infos_name_what_was_asked_and_what_is_next() -> None:
    with campaign(answer(**RIGHT), projects=[project("a"), project("b")]) as env:
        env.reset(seed=0)
        for _ in range(6):
            asked = env.progress.queue[0]
            *_, info = env.step(0)
            assert (info["project"], info["target"]) == asked
            assert (info["next_project"], info["next_target"]) == (env.progress.queue or [("", "")])[0]


def test_what_passes_untouched_is_no_target() -> None:
    tests = TESTS.replace("one(1) == 2", "one(1) is None")
    with campaign(answer(**RIGHT), projects=[Project.from_files("m", {"m.py": SOURCE, "test_m.py": tests})]) as env:
        _, info = env.reset(seed=0)
        assert info["targets_total"] == 2
        assert "m.py::one" not in {target for _, target in env.progress.queue}
    nothing = "from m import *\n\ndef test_one():\n    assert one(1) is two(1) is three(1) is None\n"
    done = campaign(answer(), projects=[Project.from_files("m", {"m.py": SOURCE, "test_m.py": nothing})])
    with done as env, pytest.raises(ProjectError, match="nothing to write"):
        env.reset(seed=0)


def test_a_masked_strategy_counts_nowhere() -> None:
    with campaign(answer(), strategies=["complete", "repair"]) as env:
        before, _ = env.reset(seed=0)
        after, reward, *_, info = env.step(1)
        assert (info["outcome"], info["cost"], info["lm_calls"], reward) == ("masked", 0.0, 0, 0.0)
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("action", [-1, 3, 99])
def test_an_action_that_is_none_changes_nothing(action: int) -> None:
    with campaign(answer()) as env:
        env.reset(seed=0)
        queue = list(env.progress.queue)
        with pytest.raises(ConfigError, match="is not in Discrete"):
            env.step(action)
        assert env.progress.queue == queue


@pytest.mark.parametrize(
    ("kwargs", "error", "said"),
    [
        ({"budget": 0}, ConfigError, "budget must be a number of seconds above 0"),
        ({"budget": float("nan")}, ConfigError, "budget must be"),
        ({"budget": "5m"}, ConfigError, "budget must be"),
        ({"budget": True}, ConfigError, "budget must be"),
        ({"prices": {"m": 1}}, ConfigError, "prices: m must be two numbers"),
        ({"prices": {"m": (-1.0, 0.0)}}, ConfigError, "prices: m must be two numbers"),
        ({"rewards": "quality"}, ConfigError, "code_quality counts tests"),
        ({"n_targets": 0}, ConfigError, "n_targets must be a whole number"),
        ({"n_targets": 4}, ConfigError, "n_targets is 4 and the projects have 3"),
        ({"max_steps": True}, ConfigError, "max_steps must be a whole number"),
        ({"render_mode": "human"}, ConfigError, "render_mode must be one of"),
        ({"projects": []}, ProjectError, "at least one target"),
        ({"projects": [project(), project()]}, ProjectError, "share a name"),
        ({"rewards": {"progres": 1}}, ConfigError, "did you mean 'progress'"),
    ],
)
def test_bad_arguments_are_one_clear_line(kwargs: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        campaign(answer(), **kwargs)
    assert "\n" not in str(caught.value)


# what a Gymnasium user tries


def make(lm: ScriptedLM, **kwargs: Any) -> gym.Env[Any, Any]:
    return gym.make(ID, lm=lm, prices=PRICES, **kwargs)


def play(env: gym.Env[Any, Any], seed: int, steps: int = 8) -> list[Any]:
    env.action_space.seed(seed)
    seen: list[Any] = [env.reset(seed=seed)]
    for _ in range(steps):
        mask = env.unwrapped.action_masks().astype(np.int8)  # type: ignore[attr-defined]
        seen.append(env.step(env.action_space.sample(mask)))
        if seen[-1][2] or seen[-1][3]:
            break
    return seen


def test_both_checkers_without_a_warning(solver_lm: ScriptedLM) -> None:
    with make(solver_lm) as env, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped)
        sb3_check_env(env.unwrapped)
    assert not [str(warning.message) for warning in caught]


def test_same_seed_same_episode_infos_included(solver_lm: ScriptedLM) -> None:
    with make(solver_lm) as one, make(solver_lm) as other:
        first, second, again = play(one, 7), play(other, 7), play(one, 7)
        assert data_equivalence(tuple(map(tuple, first)), tuple(map(tuple, second)), exact=True)
        assert data_equivalence(tuple(map(tuple, first)), tuple(map(tuple, again)), exact=True)
        assert [one.reset(seed=seed)[1]["next_target"] for seed in range(6)] != [first[0][1]["next_target"]] * 6


def test_pickling_keeps_the_episode(solver_lm: ScriptedLM) -> None:
    with make(solver_lm) as env:
        play(env, 3, steps=2)
        with pickle.loads(pickle.dumps(env.unwrapped)) as copied:
            assert data_equivalence(copied.step(0), env.unwrapped.step(0), exact=True)


def test_spec_survives_json(make_project: Callable[..., Path]) -> None:
    with gym.make(ID, projects=[str(make_project())], budget=5.0) as env:
        assert env.spec is not None
        with gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json())) as again:
            assert again.spec == env.spec
            assert again.observation_space == env.observation_space


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_vector_envs_agree_with_single_ones(mode: str, solver_lm: ScriptedLM) -> None:
    envs = gym.make_vec(ID, num_envs=2, vectorization_mode=mode, lm=solver_lm, prices=PRICES)
    try:
        observations, _ = envs.reset(seed=5)
        stepped = envs.step(np.zeros(2, np.int64))
    finally:
        envs.close()
    with make(solver_lm) as single:
        np.testing.assert_array_equal(observations[0], single.reset(seed=5)[0])
        np.testing.assert_array_equal(stepped[0][0], single.step(0)[0])


def test_render_and_fresh_objects(solver_lm: ScriptedLM) -> None:
    with make(solver_lm, render_mode="ansi") as env:
        observation, info = env.reset(seed=0)
        kept, before = copy.deepcopy((observation, info)), env.render()
        env.step(0)
        np.testing.assert_array_equal(observation, kept[0])
        assert info == kept[1]
        assert isinstance(before, str)
        assert before.startswith("0 of 12 targets solved")
        assert env.render() != before
