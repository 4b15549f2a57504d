"""Explanations of policies that were taught something, and of a run of the real loop (with a scripted LM)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from PIL import Image

from blampert_agents import ALGOS, Agent, Episode, make_agent
from blampert_env.coding import load_strategies
from blampert_env.envs.campaign_features import campaign_features
from blampert_env.envs.features import feature_names
from blampert_env.errors import UsageError
from blampert_env.telemetry import ActionStore
from blampert_env.training.explain_picture import picture
from blampert_env.training.explaining import Explanation, changes, explain_policy, explain_run
from blampert_env.training.run_folder import RunFolder

STRATEGIES = load_strategies()
NAMES = [strategy.name for strategy in STRATEGIES]
OF = {
    "strategy": (feature_names(STRATEGIES), (*NAMES,)),
    "campaign": (campaign_features(STRATEGIES), (*NAMES, "next")),
}
VALUED = set(ALGOS) - {"random", "fixed", "round-robin", "schedule"}


def make(algo: str, env: str = "strategy", **hyperparams: Any) -> Agent:
    features, arms = OF[env]
    box = spaces.Box(0.0, 1.0, (len(features),), np.float32)
    return make_agent(algo, box, spaces.Discrete(len(arms)), seed=0, hyperparams=hyperparams, action_names=arms,
                      feature_names=features)  # fmt: skip


def episode(env: str, worth: Callable[[dict[str, float]], Sequence[float]], steps: int = 600) -> Episode:
    """Steps at random; ``worth`` says what each arm earns on an observation."""
    rng = np.random.default_rng(0)
    features, arms = OF[env]
    seen = rng.integers(0, 2, (steps + 1, len(features))).astype(np.float32)
    actions = rng.integers(0, len(arms), steps)
    earned = [worth(dict(zip(features, row, strict=True))) for row in seen[:-1]]
    rewards = np.array([row[action] for row, action in zip(earned, actions, strict=True)], np.float32)
    return Episode(seen, np.ones((steps + 1, len(arms)), bool), actions, rewards, True, False)


def saved(agent: Agent, folder: Path) -> Path:
    path = folder / f"{agent.name}.zip"
    agent.save(path)
    return path


def leaves_what_failed_by_type(seen: dict[str, float]) -> list[float]:
    """ "next" pays 1 after a wrong type, else "complete" does; "complete-sample" always pays a half."""
    worth = dict.fromkeys(OF["campaign"][1], 0.0)
    wrong = seen["last_failure_type"]
    return list((worth | {"complete": 1 - wrong, "complete-sample": 0.5, "next": wrong}).values())


def test_a_policy_says_what_it_has_learnt(tmp_path: Path) -> None:
    agent = make("linucb", "campaign")
    agent.learn([episode("campaign", leaves_what_failed_by_type, steps=6000)])
    found = explain_policy(saved(agent, tmp_path))
    assert (found.env, found.algo, found.kind, found.steps) == ("campaign", "linucb", "predicted reward", None)
    assert found.arms == (*NAMES, "next")
    picks = {pick.situation: pick for pick in found.picks}
    assert picks["the first attempt"].arm == "complete"
    assert picks["after a wrong value"].arm == "complete-sample"  # "complete" is greedy and would say the same again
    assert picks["after a wrong type"].arm == "next"
    value = picks["after a wrong type"].values["next"]
    assert value is not None
    assert value.mean > 0.5
    assert picks["the first attempt"].values["repair"] is None  # masked: there is nothing to repair
    assert next(iter(found.changes)) == "last failure"
    assert found.changes["last failure"] > 0.1
    assert next(iter(found.weights)) == "last_failure_type"


@pytest.mark.parametrize("env", OF)
@pytest.mark.parametrize("algo", ALGOS)
def test_every_algorithm_is_explained(algo: str, env: str, tmp_path: Path) -> None:
    agent = make(algo, env)
    agent.learn([episode(env, lambda seen: [0.0] * len(OF[env][1]), steps=40)])
    found = explain_policy(saved(agent, tmp_path))
    assert found.env == env
    assert bool(found.kind) == (algo in VALUED)
    assert all(bool(pick.values) == (algo in VALUED) for pick in found.picks)
    assert all((pick.arm in found.arms) == (algo not in ("random", "round-robin")) for pick in found.picks)
    if algo in ("fixed", "thompson"):
        assert found.note
        assert set(found.changes.values()) == {0.0}  # neither looks at the observation
    assert bool(found.weights) == (algo in ("linucb", "lin-thompson"))
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["arms"] == list(found.arms)
    image = Image.open(io.BytesIO(picture(found)))
    image.load()
    assert image.format == "PNG"
    assert len(image.convert("RGB").getcolors(100_000) or ()) > 3


def test_explaining_twice_says_the_same(tmp_path: Path) -> None:
    path = saved(make("random"), tmp_path)
    assert explain_policy(path) == explain_policy(path)


def test_changes_are_counted_over_all_pairs() -> None:
    """Two situations that differ in one feature, which decides."""
    from blampert_env.envs.situations import Situation

    features, arms = OF["strategy"]
    at = features.index("pass_rate")
    agent = make("linucb")
    agent.learn([episode("strategy", lambda seen: [seen["pass_rate"], 0.5, *[0.0] * (len(arms) - 2)])])
    low, high = np.zeros(len(features), np.float32), np.zeros(len(features), np.float32)
    high[at] = 1.0
    mask = np.ones(len(arms), bool)
    situations = [Situation("low", low, mask), Situation("high", high, mask), Situation("high again", high, mask)]
    found = changes(agent, situations, features)
    # of the six swaps the two between the high ones change nothing
    assert found["pass_rate"] == pytest.approx(4 / 6)
    assert sum(found.values()) == found["pass_rate"]
    assert "last outcome" in found
    assert "last_same" not in found


@pytest.fixture
def run(train: Callable[..., int], tmp_path: Path) -> RunFolder:
    assert train("--project", "calculator", "--iterations", "2", "--algo", "linucb") == 0
    return RunFolder.open(tmp_path / "logs" / "linucb_1")


def test_a_run_tells_what_was_picked_after_what(run: RunFolder) -> None:
    found = explain_run(run)
    assert found.source == str(run.path / "policy-0002.zip")
    assert found.steps is not None
    with ActionStore(run.actions, readonly=True) as store:
        steps = [step for _, step in store.rows(run.name)]
    for evaluation in (0, 1):
        mine = [step for step in steps if (step.episode >= 1_000_000) == bool(evaluation)]
        starts = [row for row in found.steps["after"] if (row["evaluation"], row["after"]) == (evaluation, "")]
        assert [row["steps"] for row in starts] == [sum(step.step == 0 for step in mine)]
        after = [row for row in found.steps["after"] if row["evaluation"] == evaluation]
        assert sum(row["steps"] for row in after) == len(mine)
        assert all(sum(row["picks"].values()) == pytest.approx(1.0) for row in after)
        for row in (row for row in found.steps["worth"] if row["evaluation"] == evaluation):
            rewards = [step.reward for step in mine if step.strategy == row["strategy"]]
            assert row["steps"] == len(rewards)
            assert row["reward"] == pytest.approx(np.mean(rewards))
    assert picture(found).startswith(b"\x89PNG")
    assert isinstance(found, Explanation)


def test_a_run_without_a_policy_says_so(run: RunFolder) -> None:
    (run.path / "policy-0002.zip").unlink()
    with pytest.raises(UsageError, match="has no policy"):
        explain_run(run)
    (run.path / "state.json").unlink()
    with pytest.raises(UsageError, match="has no policy"):
        explain_run(run)


@pytest.mark.parametrize("name", ["state.json", "config.json"])
@pytest.mark.parametrize("content", ["[1]", "{", ""])
def test_a_run_whose_files_are_damaged_says_which(name: str, content: str, run: RunFolder) -> None:
    (run.path / name).write_text(content)
    with pytest.raises(UsageError, match=f"{name} cannot be read"):
        explain_run(run)


def test_a_policy_of_another_environment_is_refused(tmp_path: Path) -> None:
    box = spaces.Box(0.0, 1.0, (5,), np.float32)
    path = saved(make_agent("thompson", box, spaces.Discrete(4), seed=0), tmp_path)
    with pytest.raises(UsageError, match="takes 5 features and has 4 arms"):
        explain_policy(path)


def test_a_policy_with_strategies_of_its_own_needs_their_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("strategies:\n  mine: {}\n  yours: {temperature: 1}\n")
    mine = load_strategies(file)
    box = spaces.Box(0.0, 1.0, (len(feature_names(mine)),), np.float32)
    named = make_agent("thompson", box, spaces.Discrete(2), seed=0, action_names=["yours", "mine"])
    path = saved(named, tmp_path)
    with pytest.raises(UsageError, match=r"unknown strategy 'yours'.*--strategies FILE"):
        explain_policy(path)
    assert explain_policy(path, file).arms == ("yours", "mine")
    nameless = saved(make_agent("fixed", box, spaces.Discrete(2), seed=0), tmp_path)
    with pytest.raises(UsageError, match="knows 2 strategies without their names"):
        explain_policy(nameless)
    assert explain_policy(nameless, file).arms == ("mine", "yours")
