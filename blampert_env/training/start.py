"""The agent a run starts with, and what is written down about how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blampert_agents import Agent, load_agent, load_hyperparams, make_agent
from blampert_agents.hyperparams import SB3_ALGOS
from blampert_env.coding import Strategy
from blampert_env.envs import StrategyEnv, SuiteEnv, policy_spaces
from blampert_env.envs.features import feature_names
from blampert_env.envs.registration import SUITE_ID
from blampert_env.projects import env_id
from blampert_env.training.config import TrainConfig, installed_versions


def start_agent(config: TrainConfig, env: SuiteEnv, saved: Path | None, *, steps_done: int = 0) -> Agent:
    """The run's own saved agent, the one that was asked for, or a new one.

    Args:
        config: The run's settings.
        env: For the spaces and the length of an episode.
        saved: The policy of the run that is resumed.
        steps_done: Steps that policy was trained for in this run.

    Raises:
        UsageError: The policy does not fit, or a hyperparameter is unknown.
    """
    inner = env.current
    assert isinstance(inner, StrategyEnv)
    names = [strategy.name for strategy in inner.strategies]
    planned = config.planned_steps(inner.session.max_attempts)
    if saved or config.trained_agent:
        path = saved or str(config.trained_agent)
        return saved_agent(path, inner.strategies, n_timesteps=max(1, planned - steps_done))
    plan: Mapping[str, Any] = {"n_timesteps": planned} if config.algo in SB3_ALGOS else {}
    entry = env_id(next(iter(env.projects))) if len(env.projects) == 1 else SUITE_ID
    hyperparams = load_hyperparams(config.algo, entry, {**plan, **config.hyperparams})
    return make_agent(
        config.algo,
        env.observation_space,
        env.action_space,
        seed=config.seed,
        hyperparams=hyperparams,
        action_names=names,
        feature_names=inner.feature_names,
    )


def saved_agent(path: str | Path, strategies: Sequence[Strategy], *, n_timesteps: int | None = None) -> Agent:
    """An agent that was saved, for these strategies.

    Args:
        path: Its file.
        strategies: What it chooses from.
        n_timesteps: As for :func:`blampert_agents.load_agent`.

    Raises:
        UsageError: It does not fit, or is none.
    """
    observation_space, action_space = policy_spaces(strategies)
    return load_agent(
        path,
        observation_space=observation_space,
        action_space=action_space,
        action_names=[strategy.name for strategy in strategies],
        feature_names=feature_names(strategies),
        n_timesteps=n_timesteps,
    )


def resolved_settings(agent: Agent, env: SuiteEnv, model: str) -> dict[str, Any]:
    """What defaults came to: beside the settings in ``config.json``, so that a run can be told from it alone."""
    inner = env.current
    assert isinstance(inner, StrategyEnv)
    return {
        "versions": installed_versions(),
        "resolved_model": model,
        "resolved_hyperparams": dict(agent.spec.hyperparams),
        "resolved_strategies": [strategy.name for strategy in inner.strategies],
        "resolved_rewards": dict(inner.session.rewards.weights),
        "resolved_max_attempts": inner.session.max_attempts,
    }
