from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blampert_env.coding import load_strategies
from blampert_env.envs import StrategyEnv
from blampert_env.envs.features import feature_names
from blampert_env.errors import ConfigError, ProjectError
from blampert_env.lm import LanguageModel, NotInPool, SamplePool
from blampert_env.lm.clients import EmbeddedClient
from blampert_env.lm.completion import Completion, Messages
from blampert_env.lm.models import bundled_models
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.projects import Project

NAMES = [strategy.name for strategy in load_strategies()]


def test_a_perfect_lm_solves_every_bundled_project(solver_lm: ScriptedLM) -> None:
    for name in ("calculator", "math_operations", "data_processor"):
        env = StrategyEnv(name, lm=solver_lm)
        env.reset(seed=0)
        total = 0.0
        for _ in range(8):
            action = int(np.flatnonzero(env.action_masks())[0])
            _, reward, terminated, truncated, info = env.step(action)
            total += reward
            assert info["outcome"] in ("improved", "solved")
            if terminated:
                break
        assert terminated
        assert not truncated
        assert info["is_success"]
        assert info["attempts"] == 4, "one attempt a target is enough"
        assert total > 1.0
        env.close()


def test_a_useless_lm_earns_nothing_and_is_truncated() -> None:
    env = StrategyEnv(
        "calculator", lm=ScriptedLM(["I would rather not."]), strategies=["direct", "plan"], max_attempts=3
    )
    env.reset(seed=0)
    before = dict(env.session.files)
    rewards = []
    for _ in range(3):
        action = int(np.flatnonzero(env.action_masks())[0])
        _, reward, terminated, truncated, info = env.step(action)
        rewards.append(reward)
    assert info["outcome"] == "no_code"
    assert (terminated, truncated) == (False, True)
    assert all(reward < 0 for reward in rewards)
    assert env.session.files == before
    env.close()


def test_observation_is_named_bounded_and_as_long_for_every_project(solver_lm: ScriptedLM) -> None:
    lengths = set()
    for name in ("calculator", "data_processor"):
        env = StrategyEnv(name, lm=solver_lm)
        observation, _ = env.reset(seed=0)
        assert env.observation_space.contains(observation)
        assert len(observation) == len(env.feature_names) == len(set(env.feature_names))
        named = dict(zip(env.feature_names, observation, strict=True))
        assert named["budget_left"] == 1.0
        assert named["last_none"] == 1.0
        assert named["open_targets"] == 1.0
        lengths.add(len(observation))
        env.close()
    assert len(lengths) == 1
    assert feature_names(load_strategies(names=NAMES[:2])) == env.feature_names[:22] + env.feature_names[22:28]


def test_masks_follow_what_exists(solver_lm: ScriptedLM) -> None:
    env = StrategyEnv("calculator", lm=ScriptedLM(["```python\ndef add(self, a, b):\n    return 0\n```"]))
    env.reset(seed=0)
    mask = dict(zip(NAMES, env.action_masks(), strict=True))
    assert mask["complete"]
    assert not mask["repair"]
    assert not mask["examples"]
    env.step(NAMES.index("complete"))
    env.close()

    env = StrategyEnv("calculator", lm=solver_lm)
    env.reset(seed=0)
    env.step(NAMES.index("complete"))
    assert dict(zip(NAMES, env.action_masks(), strict=True))["examples"], "a solved target can be shown"
    env.close()


def test_repair_sees_the_previous_attempt_and_its_failing_output() -> None:
    lm = ScriptedLM(["```python\ndef add(self, a, b):\n    return 'wrong answer'\n```"])
    env = StrategyEnv("calculator", lm=lm, max_attempts=40)
    env.reset(seed=0)
    for _ in range(20):  # round the targets, until the first comes again
        env.step(int(np.flatnonzero(env.action_masks())[0]))
        if env.progress.target.name == "add" and env.session.attempts[-1].target.endswith("divide"):
            break
    assert env.action_masks()[NAMES.index("repair")]
    context = env.progress.context()
    assert "wrong answer" in context.previous
    assert context.failing
    env.close()


def test_wrong_code_that_is_named_as_a_target_is_the_first_attempt() -> None:
    wrong, right = ("def double(x):\n    return " + body + "\n" for body in ("x + 1", "2 * x"))
    files = {
        "a.py": f"{wrong}\n\ndef triple(x):\n    raise NotImplementedError\n",
        "test_a.py": "import a\n\n\ndef test_a():\n    assert a.double(3) == 6\n\n\n"
        "def test_b():\n    assert a.triple(1) == 3\n",
        "pyproject.toml": '[tool.blampert]\ntargets = ["a.py::double", "a.py::triple"]\n',
    }
    env = StrategyEnv(Project.from_files("wrong", files), lm=ScriptedLM([f"```python\n{right}```"]))
    for _ in range(2):
        env.reset(seed=0)
        context = env.progress.context()
        assert context.target.name == "double"
        assert context.previous == wrong
        assert "assert 4 == 6" in context.failing
        assert env.action_masks()[NAMES.index("repair")]
        *_, info = env.step(NAMES.index("repair"))
        assert info["outcome"] == "improved"
        assert env.progress.target.name == "triple"
        assert not env.action_masks()[NAMES.index("repair")], "nothing is there yet"
    env.close()


def test_greedy_strategies_are_not_repeated_on_a_target() -> None:
    env = StrategyEnv("calculator", lm=ScriptedLM(["no"]), max_attempts=30)
    env.reset(seed=0)
    tried: set[tuple[str, int]] = set()
    greedy = [i for i, s in enumerate(env.strategies) if s.temperature == 0 and s.show <= {"docstring", "tests"}]
    for _ in range(30):
        mask = env.action_masks()
        action = next((index for index in greedy if mask[index]), int(np.flatnonzero(mask)[0]))
        if action in greedy:
            assert (env.progress.target.id, action) not in tried
            tried.add((env.progress.target.id, action))
        env.step(action)
    assert len(tried) == 4 * len(greedy)
    env.close()


def test_masked_action_asks_nothing_and_costs() -> None:
    env = StrategyEnv("calculator", lm=ScriptedLM([]))
    env.reset(seed=0)
    _, reward, _, _, info = env.step(NAMES.index("repair"))
    assert info["outcome"] == "masked"
    assert info["lm_calls"] == 0
    assert reward == pytest.approx(-0.12)
    env.close()


def test_held_out_tests_and_solution_never_enter_a_prompt(solver_lm: ScriptedLM) -> None:
    seen: list[str] = []

    def listen(messages: list[dict[str, str]], draw: int) -> str:
        seen.extend(message["content"] for message in messages)
        return "```python\ndef add(self, a, b):\n    result = a\n    return result\n```"

    env = StrategyEnv("calculator", lm=ScriptedLM(listen), max_attempts=30)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(30):
        env.step(int(rng.choice(np.flatnonzero(env.action_masks()))))
    text = "\n".join(seen)
    assert "test_add" in text, "visible tests are shown by some strategies"
    for secret in ("held_out", "test_subtract_undoes_add", "numbers(", "result = a + b"):
        assert secret not in text
    env.close()


@pytest.mark.parametrize(
    ("kwargs", "error", "said"),
    [
        ({"project": "calculater"}, ProjectError, "did you mean 'calculator'"),
        ({"project": "calculator", "strategies": ["complet"]}, ConfigError, "did you mean 'complete'"),
        ({"project": "calculator", "rewards": "defualt"}, ConfigError, "did you mean 'default'"),
        ({"project": "calculator", "rewards": {"progres": 1}}, ConfigError, "did you mean 'progress'"),
        ({"project": "calculator", "rewards": {"progress": float("nan")}}, ConfigError, "finite"),
        ({"project": "calculator", "accept": "never"}, ConfigError, "not_worse"),
        ({"project": "calculator", "max_attempts": 1}, ConfigError, "at least 2"),
        ({"project": "calculator", "render_mode": "human"}, ConfigError, "render_mode"),
    ],
)
def test_bad_arguments_are_one_clear_line(kwargs: dict[str, object], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        StrategyEnv(**kwargs)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_recorded_pool_plays_the_episode_and_anything_else_is_an_error(tmp_path: Path) -> None:
    """The model's weights are not even there."""
    pool = tmp_path / "samples.sqlite3"
    answers = {"add": "return a + b", "subtract": "return a - b", "multiply": "return a * b"}

    class Known(EmbeddedClient):
        def chat(self, messages: Messages, **decoding: Any) -> Completion:
            name = re.findall(r"def (\w+)\(", messages[-1]["content"])[-1]
            return Completion(f"    {answers.get(name, 'return a / b')}", 10, 5, "stop")

    spec = bundled_models().model("qwen2.5-coder-0.5b")
    named = "embedded/qwen2.5-coder-0.5b"
    lm = LanguageModel(named, Known(spec, None, 1.0), pool=SamplePool(pool), supports_prefill=True)
    recorded = StrategyEnv("calculator", lm=lm, strategies=["complete"], max_attempts=4)
    only: dict[str, Any] = {"pool": pool, "pool_only": True}
    replayed = StrategyEnv("calculator", lm="embedded", strategies=["complete"], max_attempts=4, **only)
    other = StrategyEnv("calculator", lm="embedded", strategies=["direct"], **only)
    infos = []
    for env in (recorded, replayed):
        env.reset(seed=3)
        infos.append([env.step(0)[4] for _ in range(4)])
        env.close()
    assert infos[0] == infos[1]
    other.reset(seed=3)
    with pytest.raises(NotInPool, match="pool_only asks nobody"):
        other.step(0)
    other.close()


@pytest.mark.parametrize("setting", ["pool_only", "samples"])
def test_a_pool_goes_with_a_models_name(solver_lm: ScriptedLM, setting: str) -> None:
    with pytest.raises(ConfigError, match="samples go with a model's name"):
        StrategyEnv("calculator", lm=solver_lm, **{setting: 1})
