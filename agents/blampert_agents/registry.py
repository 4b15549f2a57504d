"""Agents by name: make one, load one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from blampert_agents.hyperparams import check_hyperparams, load_hyperparams
from blampert_agents.protocol import Agent, AgentSpec
from blampert_agents.storage import damaged, read_policy
from blampert_env.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from gymnasium import spaces

_CLASSES = {
    "random": "random:RandomAgent",
    "fixed": "fixed:FixedAgent",
    "round-robin": "round_robin:RoundRobinAgent",
    "thompson": "thompson:ThompsonAgent",
    "linucb": "linucb:LinUCBAgent",
    "lin-thompson": "lin_thompson:LinThompsonAgent",
    "schedule": "schedule:ScheduleAgent",
    "rex": "rex:RexAgent",
    "ppo": "sb3:SB3Agent",
    "dqn": "sb3:SB3Agent",
    "a2c": "sb3:SB3Agent",
    "maskable-ppo": "sb3:SB3Agent",
    "recurrent-ppo": "recurrent_ppo:RecurrentPPOAgent",
}

ALGOS: tuple[str, ...] = tuple(_CLASSES)
"""The names that :func:`make_agent` takes."""


def make_agent(
    algo: str,
    observation_space: spaces.Space[Any],
    action_space: spaces.Space[Any],
    *,
    seed: int,
    hyperparams: Mapping[str, Any] | None = None,
    action_names: Sequence[str] = (),
    feature_names: Sequence[str] = (),
) -> Agent:
    """Make a new agent.

    Args:
        algo: One of :data:`ALGOS`.
        observation_space: A one-dimensional Box.
        action_space: A Discrete that starts at 0.
        seed: Seed of the initial weights and of learning, >= 0. Global random states are left alone.
        hyperparams: As :func:`~blampert_agents.load_hyperparams` gives them; None for the file's ``default`` entry,
            ``{}`` for the algorithm's own defaults.
        action_names: Names of the strategies, for ``fixed``, for metrics, and to notice a changed order on loading.
        feature_names: The env's ``feature_names``; ``schedule`` and ``rex`` find what they read by them.

    Raises:
        UsageError: Unknown algorithm (the closest name is given) or unsuitable spaces.
        ConfigError: A hyperparameter that the algorithm does not take, or a feature that it needs is not there.
    """
    if algo not in _CLASSES:
        raise UsageError(unknown_name("algo", algo, ALGOS))
    checked = load_hyperparams(algo) if hyperparams is None else check_hyperparams(algo, hyperparams)
    box, discrete = cast("spaces.Box", observation_space), cast("spaces.Discrete", action_space)  # the spec checks them
    names = tuple(action_names), tuple(feature_names)
    return cast(Agent, _build(AgentSpec(algo, box, discrete, seed, checked, *names)))


def load_agent(
    path: str | Path,
    *,
    observation_space: spaces.Space[Any] | None = None,
    action_space: spaces.Space[Any] | None = None,
    action_names: Sequence[str] = (),
    feature_names: Sequence[str] = (),
    n_timesteps: int | None = None,
) -> Agent:
    """Load an agent that acts, and goes on learning, exactly as the saved one.

    Args:
        path: A file that :meth:`Agent.save` wrote.
        observation_space: If given, the policy must have been trained on observations of this shape.
        action_space: If given, it must have been trained with as many actions.
        action_names: If given and known to the file, the names must be the same, in the same order.
        feature_names: As ``action_names``.
        n_timesteps: Environment steps that will follow, for learning-rate and exploration schedules; None goes on with
            the plan that was saved.

    Raises:
        UsageError: The file is missing, damaged, or was trained for another environment; one line.
    """
    path = Path(path)
    saved = read_policy(path)
    _check_fit(path, saved.spec, observation_space, action_space, tuple(action_names))
    _check_features(path, saved.spec.feature_names, tuple(feature_names))
    if saved.spec.algo not in _CLASSES:
        raise UsageError(f"{path}: {unknown_name('algo', saved.spec.algo, ALGOS)}")
    try:
        check_hyperparams(saved.spec.algo, saved.spec.hyperparams)
        agent: Any = _build(saved.spec)
        agent.restore(saved)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    except Exception as error:  # whatever does not fit inside the file: the file is what is wrong
        raise damaged(path, error) from error
    if n_timesteps is not None and hasattr(agent, "plan"):
        agent.plan(n_timesteps)
    return cast(Agent, agent)


def _build(spec: AgentSpec) -> Any:
    module, name = _CLASSES[spec.algo].split(":")
    return getattr(import_module(f"blampert_agents.{module}"), name)(spec)


def _check_fit(
    path: Path,
    spec: AgentSpec,
    observation_space: spaces.Space[Any] | None,
    action_space: spaces.Space[Any] | None,
    action_names: tuple[str, ...],
) -> None:
    """Refuse a policy whose inputs or actions mean something else in this environment."""
    if observation_space is not None and observation_space.shape != spec.observation_space.shape:
        was, now = spec.observation_space.shape[0], observation_space.shape
        raise UsageError(f"{path} was trained on {was} features, this env has {now}; train again with its strategies")
    if action_space is not None and action_space != spec.action_space:
        raise UsageError(f"{path} was trained with {spec.n_actions} actions, this env has {action_space}; train again")
    if action_names and spec.action_names and action_names != spec.action_names:
        was_names, now_names = ", ".join(spec.action_names), ", ".join(action_names)
        raise UsageError(f"{path} was trained with the strategies {was_names}; this env has {now_names}")


def _check_features(path: Path, was: tuple[str, ...], now: tuple[str, ...]) -> None:
    """Refuse a policy to which the same numbers meant something else."""
    if was and now and was != now:
        pairs = enumerate(zip_longest(was, now, fillvalue="nothing"))
        place, (old, new) = next((at, pair) for at, pair in pairs if pair[0] != pair[1])
        raise UsageError(f"{path} was trained where feature {place} was {old}, which is {new} in this env; train again")
