"""Hyperparameters: ``configs/train/<algo>.yml``, keyed by env id with a ``default`` entry, as in rl-zoo.

An env's entry is laid over ``default``, the caller's overrides over both. Nothing is evaluated: a schedule is written
``lin_0.001`` (linear to 0), an activation by name. Every key is checked against the algorithm's own constructor.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from blampert_env.errors import ConfigError, UsageError, unknown_name
from blampert_env.resources import data_dir, load_yaml

SB3_ALGOS = ("ppo", "dqn", "a2c", "maskable-ppo", "recurrent-ppo")
_CONTRIB = {"maskable-ppo": "MaskablePPO", "recurrent-ppo": "RecurrentPPO"}
ACTIVATIONS = {"tanh": "Tanh", "relu": "ReLU", "elu": "ELU", "leaky_relu": "LeakyReLU", "gelu": "GELU", "silu": "SiLU"}
"""Names for ``policy_kwargs.activation_fn`` and the torch.nn classes they stand for."""

_LSTM_SIZES = ("lstm_hidden_size", "n_lstm_layers")
_LSTM_SWITCHES = ("shared_lstm", "enable_critic_lstm")


@dataclass(frozen=True, slots=True)
class _Parameter:
    """What values a hyperparameter takes."""

    type: type
    low: float = -math.inf
    high: float = math.inf
    above: bool = False  # low itself is refused
    optional: bool = False  # null is fine
    schedule: bool = False  # lin_<start> is fine


_SB3 = {
    "learning_rate": _Parameter(float, 0, above=True, schedule=True),
    "batch_size": _Parameter(int, 2),
    "n_epochs": _Parameter(int, 1),
    "gamma": _Parameter(float, 0, 1),
    "gae_lambda": _Parameter(float, 0, 1),
    "clip_range": _Parameter(float, 0, above=True, schedule=True),
    "clip_range_vf": _Parameter(float, 0, above=True, optional=True, schedule=True),
    "normalize_advantage": _Parameter(bool),
    "ent_coef": _Parameter(float, 0),
    "vf_coef": _Parameter(float, 0),
    "max_grad_norm": _Parameter(float, 0, above=True),
    "target_kl": _Parameter(float, 0, above=True, optional=True),
    "use_rms_prop": _Parameter(bool),
    "rms_prop_eps": _Parameter(float, 0, above=True),
    "buffer_size": _Parameter(int, 1),
    "learning_starts": _Parameter(int, 0),
    "tau": _Parameter(float, 0, 1, above=True),
    "train_freq": _Parameter(int, 1),
    "gradient_steps": _Parameter(int, -1),
    "n_steps": _Parameter(int, 1),
    "target_update_interval": _Parameter(int, 1),
    "exploration_fraction": _Parameter(float, 0, 1, above=True),
    "exploration_initial_eps": _Parameter(float, 0, 1),
    "exploration_final_eps": _Parameter(float, 0, 1),
    "policy_kwargs": _Parameter(dict),
    "policy": _Parameter(str),
}
_OURS = {"n_timesteps": _Parameter(int, 1)}  # environment steps planned, for the schedules; rl-zoo's name
_LINEAR = {
    "ridge": _Parameter(float, 1e-6),  # with less, the matrix of features that add up to 1 is singular in float64
    "gamma": _Parameter(float, 0, 1),
}
_SUCCESS = {"success_above": _Parameter(float)}
_THOMPSON = {
    "prior_alpha": _Parameter(float, 0, above=True),
    "prior_beta": _Parameter(float, 0, above=True),
    **_SUCCESS,
}
_SIMPLE: dict[str, dict[str, _Parameter]] = {
    "random": {},
    "round-robin": {},
    "fixed": {"action": _Parameter(object)},
    "schedule": {"order": _Parameter(list, 1, optional=True), "explore": _Parameter(float, 0, 1)} | _SUCCESS,
    "rex": {"C": _Parameter(float, 0), "repair": _Parameter(list, 0, optional=True)} | _THOMPSON,
    "thompson": _THOMPSON,
    "linucb": {"alpha": _Parameter(float, 0)} | _LINEAR,
    "lin-thompson": {"scale": _Parameter(float, 0)} | _LINEAR,
}


def load_hyperparams(algo: str, env_id: str = "default", overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Hyperparameters for an algorithm on an environment, checked and JSON-ready.

    Args:
        algo: One of :data:`blampert_agents.ALGOS`; those without a file have no entries.
        env_id: Gymnasium id whose entry is laid over ``default``.
        overrides: What the user asked for on top.

    Raises:
        ConfigError: An unknown key (the closest is given) or a value it cannot take; file and entry are named.
        UsageError: An unknown algorithm.
    """
    path = data_dir("configs") / "train" / f"{algo}.yml"
    entries = (load_yaml(path) or {}) if path.is_file() else {}
    if not isinstance(entries, dict):
        raise ConfigError(f"{path}: expected env ids with their hyperparameters; add a default: entry")
    merged: dict[str, Any] = {}
    for name in dict.fromkeys(("default", env_id)):
        merged |= check_hyperparams(algo, entries.get(name) or {}, where=f"{path}, entry {name!r}")
    return merged | check_hyperparams(algo, overrides or {})


def check_hyperparams(algo: str, values: Mapping[str, Any], *, where: str = "hyperparameters") -> dict[str, Any]:
    """Check names and values against what the algorithm's constructor takes.

    Args:
        algo: One of :data:`blampert_agents.ALGOS`.
        values: Value by name; numbers may be text, as ``1e-3`` is in YAML 1.1.
        where: What to call their source in a message.

    Returns:
        A new dict with each value as its proper type.

    Raises:
        ConfigError: An unknown name, one that is the trainer's to set, or a value out of range.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where}: expected names with values, got {values!r}")
    known = _parameters(algo)
    checked: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known and key in _constructor(algo) | {"n_envs"}:
            raise ConfigError(f"{where}: {key!r} of {algo} is set by the trainer; remove it")
        if key not in known:
            raise ConfigError(f"{where}: {unknown_name(f'hyperparameter of {algo}', str(key), known)}")
        checked[key] = _check(algo, key, value, known[key], f"{where}: {key} of {algo}")
    return checked


def sb3_class(algo: str) -> Any:
    """The Stable-Baselines3 class of an algorithm; this imports torch.

    Raises:
        UsageError: The package is not installed.
    """
    package = "sb3_contrib" if algo in _CONTRIB else "stable_baselines3"
    try:
        return getattr(import_module(package), _CONTRIB.get(algo, algo.upper()))
    except ImportError as error:
        wanted = package.replace("_", "-")
        raise UsageError(f"{algo} needs {wanted}, which is not installed: run pip install {wanted}") from error


def policy_class(algo: str) -> str:
    """Name of the policy that fits our observations, as a Stable-Baselines3 constructor takes it."""
    return "MlpLstmPolicy" if algo == "recurrent-ppo" else "MlpPolicy"


def _constructor(algo: str) -> set[str]:
    """Names of the constructor's parameters."""
    if algo not in SB3_ALGOS:
        return set()
    return set(inspect.signature(sb3_class(algo).__init__).parameters) - {"self"}


def _parameters(algo: str) -> dict[str, _Parameter]:
    """The hyperparameters that are the user's to set."""
    if algo in _SIMPLE:
        return _SIMPLE[algo]
    if algo not in SB3_ALGOS:
        raise UsageError(unknown_name("algo", algo, (*_SIMPLE, *SB3_ALGOS)))
    names = _constructor(algo)
    if algo != "dqn":
        names -= {"n_steps"}  # on-policy: the length of a rollout, which is the trainer's; DQN: n-step returns
    return {name: parameter for name, parameter in _SB3.items() if name in names} | _OURS


def _check(algo: str, key: str, value: Any, parameter: _Parameter, where: str) -> Any:
    if value is None and parameter.optional:
        return None
    if key == "policy":
        if value != policy_class(algo):
            raise ConfigError(f"{where} is {value!r}: only {policy_class(algo)} fits the observations")
        return value
    if key == "policy_kwargs":
        return _check_net(value, where, algo)
    if key == "action":
        if not _is_action(value):
            raise ConfigError(f"{where} is {value!r}: give an index or a strategy's name")
        return value
    if parameter.type is list:
        if not isinstance(value, list) or len(value) < parameter.low or not all(map(_is_action, value)):
            raise ConfigError(f"{where} is {value!r}: give a list of strategies' names, such as [complete, examples]")
        return value
    if parameter.type is bool:
        if not isinstance(value, bool):
            raise ConfigError(f"{where} is {value!r}: use true or false")
        return value
    if parameter.schedule and isinstance(value, str) and value.startswith("lin_"):
        _number(value.removeprefix("lin_"), parameter, where)
        return value
    return _number(value, parameter, where)


def _is_action(value: Any) -> bool:
    """An index or a name."""
    return isinstance(value, int | str) and not isinstance(value, bool)


def _number(value: Any, parameter: _Parameter, where: str) -> int | float:
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    kind = "a whole number" if parameter.type is int else "a number"
    if not math.isfinite(number) or (parameter.type is int and number != int(number)):
        raise ConfigError(f"{where} is {value!r}: use {kind}")
    if not parameter.low <= number <= parameter.high or (parameter.above and number == parameter.low):
        least = f"above {parameter.low:g}" if parameter.above else f"at least {parameter.low:g}"
        most = f" and at most {parameter.high:g}" if parameter.high < math.inf else ""
        raise ConfigError(f"{where} is {value!r}: use {kind} {least}{most}")
    return int(number) if parameter.type is int else number


def _check_net(value: Any, where: str, algo: str) -> dict[str, Any]:
    """Check ``policy_kwargs``: plain data only, no classes."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} is {value!r}: give a mapping, such as {{net_arch: [64, 64]}}")
    known = {"net_arch", "activation_fn"} | ({"ortho_init"} if algo != "dqn" else set())
    known |= {*_LSTM_SIZES, *_LSTM_SWITCHES} if algo == "recurrent-ppo" else set()
    for key in value:
        if key not in known:
            raise ConfigError(f"{where}: {unknown_name('key', str(key), known)}")
    if "activation_fn" in value and value["activation_fn"] not in ACTIVATIONS:
        raise ConfigError(f"{where}: {unknown_name('activation_fn', str(value['activation_fn']), ACTIVATIONS)}")
    for key in ("ortho_init", *_LSTM_SWITCHES):
        if not isinstance(value.get(key, True), bool):
            raise ConfigError(f"{where}: {key} is {value[key]!r}: use true or false")
    for key in _LSTM_SIZES:
        if type(value.get(key, 1)) is not int or value.get(key, 1) < 1:
            raise ConfigError(f"{where}: {key} is {value[key]!r}: use a whole number of 1 or more")
    arch = value.get("net_arch", [])
    split = isinstance(arch, Mapping) and algo != "dqn" and set(arch) <= {"pi", "vf"}  # actor and critic apart
    layers = list(arch.values()) if split else [arch]
    if not all(isinstance(sizes, list) and all(type(size) is int and size > 0 for size in sizes) for sizes in layers):
        raise ConfigError(f"{where}: net_arch is {arch!r}: give layer sizes, such as [64, 64]")
    return dict(value)
