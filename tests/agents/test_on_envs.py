"""Every agent plays, learns and comes back on the environments themselves. The LM is scripted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blampert_agents import ALGOS, load_agent, load_hyperparams, make_agent
from blampert_agents.observed import Observed
from blampert_env.envs import CampaignEnv, StrategyEnv
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.projects import Project
from tests.agents.conftest import rollout

STRATEGIES = ["complete", "complete-sample", "minimal", "repair"]
NAMES = ("one", "two", "three")
SOURCE = "\n\n".join(f'def {name}(x):\n    """Return something."""\n    # TODO: implement\n' for name in NAMES)
TESTS = "from m import *\n\n" + "\n\n".join(
    f"def test_{name}():\n    assert {name}(1) == {number}\n" for number, name in enumerate(NAMES, start=1)
)


def say(messages: list[dict[str, str]], draw: int) -> str:
    """Right for one target in three."""
    asked = next(name for name in NAMES if f"def {name}(" in messages[-1]["content"])
    return f"```python\ndef {asked}(x):\n    return x\n```"


def strategy_env() -> StrategyEnv:
    project = Project.from_files("m", {"m.py": SOURCE, "test_m.py": TESTS})
    return StrategyEnv(project, lm=ScriptedLM(say), strategies=STRATEGIES, max_attempts=8)


def campaign_env() -> CampaignEnv:
    project = Project.from_files("m", {"m.py": SOURCE, "test_m.py": TESTS})
    prices = {"scripted": (0.0, 0.1)}
    return CampaignEnv([project], lm=ScriptedLM(say), strategies=STRATEGIES, budget=4.0, prices=prices, max_steps=20)


ENVS: dict[str, Callable[[], Any]] = {"strategy": strategy_env, "campaign": campaign_env}


@pytest.fixture(scope="module", params=ENVS)
def env(request: pytest.FixtureRequest) -> Iterator[Any]:
    """One of the environments, opened once."""
    with ENVS[request.param]() as opened:
        yield opened


def made(algo: str, env: Any, **hyperparams: Any) -> Any:
    names = [strategy.name for strategy in env.strategies]
    return make_agent(
        algo,
        env.observation_space,
        env.action_space,
        seed=0,
        hyperparams={**load_hyperparams(algo), **hyperparams},
        action_names=getattr(env, "action_names", names),
        feature_names=env.feature_names,
    )


@pytest.mark.parametrize("algo", ALGOS)
def test_plays_learns_and_comes_back(algo: str, env: Any, tmp_path: Path) -> None:
    agent = made(algo, env)
    metrics = agent.learn([rollout(agent, env, seed) for seed in range(2)])
    assert all(np.isfinite(value) for value in metrics.values())
    agent.save(tmp_path / "p")
    spaces = {"observation_space": env.observation_space, "action_space": env.action_space}
    loaded = load_agent(tmp_path / "p", **spaces, feature_names=env.feature_names)
    for deterministic in (False, True):
        first, second = (rollout(one, env, 7, deterministic=deterministic) for one in (agent, loaded))
        assert first.actions.tolist() == second.actions.tolist()


def test_counts_what_was_tried_on_the_target_in_front(env: Any) -> None:
    agent = made("schedule", env)
    observed = Observed(agent.spec)
    assert (observed.leaves is None) == isinstance(env, StrategyEnv)
    observation, _ = env.reset(seed=0)
    tried: dict[str, list[int]] = {}
    for step in range(8):
        target = env.progress.queue[0][1] if observed.leaves else env.progress.target.id
        counts = tried.setdefault(target, [0] * agent.spec.n_actions)
        assert observed.tries(observation).tolist() == counts
        action = int(np.random.default_rng(step).choice(np.flatnonzero(env.action_masks())))
        observation, _, terminated, truncated, _ = env.step(action)
        counts[action] += 1
        if terminated or truncated:
            break


def test_a_schedule_is_asked_for_each_target_from_its_start() -> None:
    with campaign_env() as env:
        agent = made("schedule", env, order=["minimal", "complete-sample", "next"])
        observation, _ = env.reset(seed=0)
        asked: dict[str, list[str]] = {}
        for _ in range(9):
            action = agent.act(observation, env.action_masks(), np.random.default_rng(0))
            observation, _, terminated, _, info = env.step(action)
            asked.setdefault(info["target"], []).append(info["strategy"])
            if terminated:
                break
    assert {target: names[:3] for target, names in asked.items()} == {
        "m.py::one": ["minimal"],
        "m.py::two": ["minimal", "complete-sample", "next"],
        "m.py::three": ["minimal", "complete-sample", "next"],
    }
