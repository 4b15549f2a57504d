"""From the flags of ``train``, and the workspace's settings behind them, to the settings of a run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blampert_env.errors import ConfigError
from blampert_env.training.config import TrainConfig
from blampert_env.training.places import Places

if TYPE_CHECKING:
    from blampert_env.training.run_folder import RunFolder


def new_config(arguments: argparse.Namespace, places: Places) -> TrainConfig:
    """Check the flags, and what stands behind them in the workspace's settings.

    Raises:
        UsageError: An unknown algorithm, project, reward profile, strategy file or hyperparameter.
    """
    from blampert_agents import ALGOS
    from blampert_env.coding import load_strategies
    from blampert_env.errors import unknown_name
    from blampert_env.projects import bundled_projects, find_project
    from blampert_env.rewards import load_rewards

    if arguments.algo is not None and arguments.algo not in ALGOS:
        raise ConfigError(unknown_name("algo", arguments.algo, ALGOS))
    if arguments.trained_agent and (arguments.algo or arguments.hyperparams):
        raise ConfigError("-i goes on with the saved policy's algorithm and hyperparameters; drop --algo and -params")
    if arguments.trained_agent:
        arguments.trained_agent = places.policy(arguments.trained_agent)
        if not arguments.trained_agent.is_file():
            raise ConfigError(f"no policy at {arguments.trained_agent}; see {places.models}/ for those that were saved")
    known = {**bundled_projects(), **places.projects}
    names = list(dict.fromkeys(arguments.project or places.projects or bundled_projects()))
    # folders as absolute paths: the run may be resumed from another folder
    folders = [name if name in known else str(find_project(name, places.projects).resolve()) for name in names]
    load_rewards(arguments.rewards or "default")
    load_strategies(arguments.strategies)
    given = {name: getattr(arguments, name) for name in _SETTINGS if getattr(arguments, name) is not None}
    given = places.defaults() | given
    learning_rate: dict[str, Any] = {} if arguments.trained_agent else places.learning_rate(given.get("algo"))
    hyperparams = {**learning_rate, **parse_hyperparams(arguments.hyperparams or [])}
    given |= {"projects": tuple(folders), "hyperparams": hyperparams}
    for name in ("strategies", "trained_agent"):
        if getattr(arguments, name):
            given[name] = str(Path(getattr(arguments, name)).resolve())
    return TrainConfig(**given)


_SETTINGS: tuple[str, ...] = ("algo", "iterations", "n_timesteps", "seed", "model", "n_envs", "max_attempts", "rewards")
_SETTINGS += ("isolation", "timeout_s", "eval_episodes")
_FIXED_BY_RUN = ("project", "strategies", "hyperparams", *(set(_SETTINGS) - {"iterations", "n_timesteps"}))


def resumed_config(arguments: argparse.Namespace, places: Places) -> tuple[RunFolder, TrainConfig]:
    """The run to go on with and its settings; ``--iterations`` and ``-n`` may ask for another length.

    Raises:
        UsageError: There is no such run, its settings are damaged, or a flag says otherwise than the run.
    """
    from blampert_env.training.run_folder import RunFolder

    run = RunFolder.open(places.run(arguments.resume))
    for name in sorted(_FIXED_BY_RUN):
        if getattr(arguments, name) is not None:
            raise ConfigError(f"--{name.replace('_', '-')} cannot be changed with --resume; start a new run with -i")
    content = run.read_config()
    try:
        config = TrainConfig.from_json(places.absolute(content))
    except (KeyError, TypeError) as error:
        raise ConfigError(f"{run.path}/config.json lacks a setting ({error}); restore it or start anew") from error
    # the model that "auto" meant then, not what it would mean now
    config = replace(config, model=content.get("resolved_model", config.model))
    if arguments.n_timesteps:
        return run, replace(config, n_timesteps=arguments.n_timesteps)
    if arguments.iterations:
        return run, replace(config, iterations=arguments.iterations, n_timesteps=None)
    return run, config


def parse_hyperparams(pairs: Sequence[str]) -> Mapping[str, Any]:
    """``["learning_rate:0.001"]`` to ``{"learning_rate": 0.001}``; values are YAML scalars, never evaluated.

    Raises:
        ConfigError: A pair without a colon, or a value that is no YAML.
    """
    import yaml

    values: dict[str, Any] = {}
    for pair in pairs:
        key, colon, text = pair.partition(":")
        if not (key and colon and text):
            raise ConfigError(f"--hyperparams {pair!r}: expected KEY:VALUE, such as learning_rate:0.001")
        try:
            values[key] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"--hyperparams {pair!r}: the value is no YAML; quote it") from error
    return values
