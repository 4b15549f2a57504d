"""A policy of the campaign env writes one project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces

from blampert_agents import Agent, make_agent
from blampert_agents.protocol import AgentSpec
from blampert_env.coding import load_strategies
from blampert_env.envs import StrategyEnv
from blampert_env.envs.campaign_features import campaign_features, target_view
from blampert_env.errors import UsageError, WeightsError
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.projects import Project
from blampert_env.training.budget import Budget
from blampert_env.training.campaigning import Campaigner, campaign_policy
from blampert_env.training.solving import Solution, solve

STRATEGIES = """
strategies:
  first: {show: [docstring]}
  sample: {show: [docstring], temperature: 0.8}
"""
STUB = 'def {name}(x):\n    """Works on x."""\n    # TODO: implement\n    raise NotImplementedError\n'
FILES = {
    "tiny.py": "\n\n".join(STUB.format(name=name) for name in ("double", "triple")),
    "test_tiny.py": "from tiny import double, triple\n\n\ndef test_double():\n    assert double(2) == 4\n\n\n"
    "def test_triple():\n    assert triple(2) == 6\n",
}
Act = Callable[[dict[str, float], list[bool]], int]


class Scripted:
    """An agent whose choice is a function of the named features and the mask."""

    name = "scripted"

    def __init__(self, names: Sequence[str], act: Act, actions: int = 3) -> None:
        box = spaces.Box(0.0, 1.0, (len(names),), np.float32)
        self.spec = AgentSpec("fixed", box, spaces.Discrete(actions), feature_names=tuple(names))
        self._act = act

    def act(self, observation, mask, rng, *, deterministic=False):  # type: ignore[no-untyped-def]
        return self._act(dict(zip(self.spec.feature_names, observation.tolist(), strict=True)), mask.tolist())


@pytest.fixture
def strategies(tmp_path: Path) -> Path:
    path = tmp_path / "ways.yaml"
    path.write_text(STRATEGIES)
    return path


def played(
    strategies: Path,
    answer: Callable[..., str],
    act: Act,
    *,
    patient: bool = False,
    files: dict[str, str] = FILES,
) -> tuple[Solution, list[str]]:
    """What a policy came to, and whom it asked for what."""
    said: list[str] = []
    env = StrategyEnv(Project.from_files("tiny", files), lm=ScriptedLM(answer), strategies=strategies, max_attempts=20)
    try:
        agent = Scripted(target_view(env.strategies), act)
        choose = Campaigner(env, agent, np.random.default_rng(0), patient=patient)  # type: ignore[arg-type]
        tell = lambda attempt, strategy, spent: said.append(f"{attempt.target.rpartition('::')[2]} {strategy}")  # noqa: E731
        return solve(env, choose, budget=Budget(), tell=tell), said
    finally:
        env.close()


def only_triple(messages: list[dict[str, str]]) -> str:
    name = "triple" if "triple" in messages[-1]["content"] else "double"
    return f"```python\ndef {name}(x):\n    return 3 * x\n```"


def right_each(messages: list[dict[str, str]]) -> str:
    return only_triple(messages).replace("double(x):\n    return 3", "double(x):\n    return 2")


def in_order(seen: dict[str, float], mask: list[bool]) -> int:
    return mask.index(True)


def test_every_way_is_tried_once_a_target_and_a_sample_after_the_greedy_answer(strategies: Path) -> None:
    found, said = played(strategies, only_triple, in_order)
    assert said == ["double first", "double sample", "triple first"]
    assert (found.ended, found.report.passed) == ("given up", 1)


def test_what_is_left_comes_back_and_all_left_in_a_row_is_the_end(strategies: Path) -> None:
    leave_after_one = lambda seen, mask: 2 if seen["target_attempts"] > 0 else mask.index(True)  # noqa: E731
    found, said = played(strategies, only_triple, leave_after_one)
    assert said == ["double first", "triple first"]
    assert found.ended == "given up"
    double = next(one for one in found.targets if one.target.endswith("double"))
    assert (double.attempts, double.after) == (1, 0)


def test_where_another_says_when_to_end_what_was_not_tried_is_asked_after_the_policy_gave_up(strategies: Path) -> None:
    at_once: Act = lambda seen, mask: 2 if mask[2] else mask.index(True)  # noqa: E731
    assert played(strategies, only_triple, at_once)[1] == ["double first", "triple first"], "each is asked for once"
    found, said = played(strategies, only_triple, at_once, patient=True)
    assert said[:3] == ["double first", "triple first", "double sample"]
    assert (len(said), set(said[3:])) == (20, {"double sample"}), "and then samples, to the end of the attempts"
    assert found.ended == "attempts"


def test_what_was_not_solved_is_sampled_again_in_turn(strategies: Path) -> None:
    wrong: Callable[..., str] = lambda messages: right_each(messages).replace("return", "return 1 +")  # noqa: E731
    at_once: Act = lambda seen, mask: 2 if mask[2] else mask.index(True)  # noqa: E731
    _, said = played(strategies, wrong, at_once, patient=True)
    assert sorted(said[:4]) == ["double first", "double sample", "triple first", "triple sample"]
    assert abs(said.count("double sample") - said.count("triple sample")) <= 1


class OneIsGone(ScriptedLM):
    """The model of a role cannot be had."""

    def other(self, name: str) -> ScriptedLM:
        if name == "large":
            raise WeightsError("no weights of the larger model: connect to the network")
        return self


def test_without_one_of_the_models_the_others_go_on(tmp_path: Path) -> None:
    path = tmp_path / "ways.yaml"
    path.write_text(STRATEGIES.replace("sample: {", "sample: {model: large, ") + "  third: {model: small}\n")
    env = StrategyEnv(Project.from_files("tiny", FILES), lm=OneIsGone(right_each), strategies=path, max_attempts=20)
    names = target_view(env.strategies)
    agent = Scripted(names, lambda seen, mask: 1 if mask[1] else mask.index(True), actions=4)
    choose = Campaigner(env, agent, np.random.default_rng(0))  # type: ignore[arg-type]
    try:
        found = solve(env, choose, budget=Budget(), lost=choose.lost)
    finally:
        env.close()
    assert found.solved
    assert found.trouble.startswith("no weights of the larger model")


def test_what_fails_by_another_function_waits_for_it(strategies: Path) -> None:
    both = "\n\ndef test_both():\n    assert double(triple(1)) == 6\n"
    files = {**FILES, "test_tiny.py": FILES["test_tiny.py"] + both}
    found, said = played(strategies, right_each, in_order, files=files)
    assert (found.ended, said) == ("solved", ["double first", "triple first"])


def test_it_sees_what_came_of_the_last_answer(strategies: Path) -> None:
    seen: list[dict[str, float]] = []

    def act(features: dict[str, float], mask: list[bool]) -> int:
        seen.append(features)
        return mask.index(True)

    played(strategies, only_triple, act)
    assert [one["last_failure_assertion"] for one in seen] == [0.0, 1.0, 1.0, 0.0, 1.0], "double thrice, triple, double"
    assert [one["answer_repeats"] for one in seen] == [0.0, 0.0, 1.0, 0.0, 1.0]
    assert [one["target_spent"] for one in seen] == [0.0] * 5, "a scripted model costs nothing"


def test_solved_is_solved(strategies: Path) -> None:
    found, said = played(strategies, right_each, in_order)
    assert (found.ended, said) == ("solved", ["double first", "triple first"])


def saved(path: Path, actions: Sequence[str], features: Sequence[str], count: int | None = None) -> Agent:
    size = count or len(features)
    agent = make_agent("thompson", spaces.Box(0.0, 1.0, (size,), np.float32), spaces.Discrete(len(actions)), seed=0,
                       action_names=actions, feature_names=features)  # fmt: skip
    agent.save(path)
    return agent


def test_a_policy_of_a_file(strategies: Path, tmp_path: Path) -> None:
    own, path = load_strategies(strategies), tmp_path / "policy.json"
    whole, view = campaign_features(own), target_view(own)
    saved(path, ["first", "sample", "next"], view)
    agent = campaign_policy(path, own)
    assert agent is not None
    assert agent.spec.feature_names == view
    saved(path, ["first", "sample"], whole)
    assert campaign_policy(path, own) is None, "it is one for the strategy env"
    saved(path, ["first", "sample", "next"], (), len(whole))
    assert campaign_policy(path, own) is not None


@pytest.mark.parametrize(
    ("actions", "features", "count", "says"),
    [
        (["first", "other", "next"], (), 5, "trained with the strategies first, other, next; these are first, sample"),
        (["first", "sample", "next"], ("mood", "budget_left"), 2, "features that are not there any more, as mood"),
        (["first", "sample", "next"], (), 5, "trained on 5 features, a campaign has"),
    ],
)
def test_one_that_does_not_fit_is_refused_by_name(
    strategies: Path, tmp_path: Path, actions: list[str], features: tuple[str, ...], count: int, says: str
) -> None:
    saved(tmp_path / "policy.json", actions, features, count)
    with pytest.raises(UsageError, match=says):
        campaign_policy(tmp_path / "policy.json", load_strategies(strategies))
