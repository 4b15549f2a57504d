"""Hyperparameters: what ships is valid, what is wrong is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from blampert_agents import ALGOS, hyperparams, load_hyperparams, make_agent
from blampert_agents.hyperparams import check_hyperparams
from blampert_env.errors import ConfigError, UsageError
from blampert_env.resources import data_dir, load_yaml
from tests.agents.conftest import names_of_features

BOX, ACTIONS = spaces.Box(0.0, 1.0, (3,), np.float32), spaces.Discrete(2)
FEATURES = names_of_features(3, "01")


@pytest.mark.parametrize("path", sorted((data_dir("configs") / "train").glob("*.yml")), ids=lambda path: path.stem)
def test_every_shipped_entry_makes_an_agent(path: Path) -> None:
    for env_id in load_yaml(path):
        values = load_hyperparams(path.stem, env_id)
        assert values
        agent = make_agent(path.stem, BOX, ACTIONS, seed=0, hyperparams=values, feature_names=FEATURES)
        assert agent.spec.hyperparams == values


def test_every_algo_loads_and_learners_have_a_file() -> None:
    for algo in ALGOS:
        assert bool(load_hyperparams(algo)) == (algo not in ("random", "fixed", "round-robin"))


def test_entries_are_laid_over_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "ppo.yml").write_text(
        "default: {gamma: 0.5, n_epochs: 3, learning_rate: 1e-3}\nBlampert-Calculator-v0: {gamma: 0.9}\n", "utf-8"
    )
    monkeypatch.setattr(hyperparams, "data_dir", lambda name: tmp_path)
    base = {"gamma": 0.5, "n_epochs": 3, "learning_rate": 0.001}
    assert load_hyperparams("ppo") == load_hyperparams("ppo", "Blampert-Other-v0") == base
    assert load_hyperparams("ppo", "Blampert-Calculator-v0") == base | {"gamma": 0.9}
    assert load_hyperparams("ppo", "Blampert-Calculator-v0", {"gamma": "0.7", "n_epochs": "2"}) == base | {
        "gamma": 0.7,
        "n_epochs": 2,
    }
    (tmp_path / "train" / "ppo.yml").write_text("default: {gama: 0.5}", "utf-8")
    with pytest.raises(ConfigError, match=r"ppo\.yml, entry 'default': .*did you mean 'gamma'"):
        load_hyperparams("ppo")
    (tmp_path / "train" / "ppo.yml").write_text("- gamma", "utf-8")
    with pytest.raises(ConfigError, match=r"ppo\.yml: expected env ids"):
        load_hyperparams("ppo")


@pytest.mark.parametrize(
    ("algo", "values", "message"),
    [
        ("ppo", {"learnin_rate": 1}, "did you mean 'learning_rate'"),
        ("ppo", {"buffer_size": 10}, "unknown hyperparameter of ppo 'buffer_size'"),
        ("ppo", {"n_steps": 10}, "set by the trainer"),
        ("a2c", {"n_envs": 3}, "set by the trainer"),
        ("dqn", {"tensorboard_log": "x"}, "set by the trainer"),
        ("ppo", {"gamma": 1.5}, "at least 0 and at most 1"),
        ("ppo", {"learning_rate": 0}, "above 0"),
        ("ppo", {"learning_rate": "lin_x"}, "use a number"),
        ("ppo", {"learning_rate": "fast"}, "use a number"),
        ("ppo", {"gamma": "lin_0.9"}, "use a number"),
        ("ppo", {"n_epochs": 2.5}, "use a whole number"),
        ("ppo", {"n_epochs": True}, "use a whole number"),
        ("ppo", {"batch_size": 1}, "at least 2"),
        ("ppo", {"gamma": None}, "use a number"),
        ("ppo", {"gamma": float("nan")}, "use a number"),
        ("ppo", {"normalize_advantage": 1}, "true or false"),
        ("ppo", {"policy": "CnnPolicy"}, "only MlpPolicy"),
        ("ppo", {"policy_kwargs": "dict(net_arch=[64])"}, "give a mapping"),
        ("ppo", {"policy_kwargs": {"net_arc": [64]}}, "did you mean 'net_arch'"),
        ("ppo", {"policy_kwargs": {"net_arch": [0]}}, "layer sizes"),
        ("ppo", {"policy_kwargs": {"net_arch": "64"}}, "layer sizes"),
        ("ppo", {"policy_kwargs": {"activation_fn": "rleu"}}, "did you mean 'relu'"),
        ("dqn", {"policy_kwargs": {"ortho_init": True}}, "unknown key 'ortho_init'"),
        ("dqn", {"policy_kwargs": {"net_arch": {"pi": [8]}}}, "layer sizes"),
        ("dqn", {"exploration_fraction": 0}, "above 0"),
        ("thompson", {"prior_alpha": -1}, "above 0"),
        ("thompson", {"prior": 1}, "unknown hyperparameter of thompson 'prior'"),
        ("linucb", {"alpha": -1}, "at least 0"),
        ("linucb", {"ridge": 0}, "at least 1e-06"),
        ("linucb", {"scale": 1}, "unknown hyperparameter of linucb 'scale'"),
        ("lin-thompson", {"scale": -1}, "at least 0"),
        ("lin-thompson", {"ridge": -1}, "at least 1e-06"),
        ("lin-thompson", {"gamma": 1.5}, "at least 0 and at most 1"),
        ("schedule", {"order": "complete"}, "give a list of strategies' names"),
        ("schedule", {"order": []}, "give a list of strategies' names"),
        ("schedule", {"order": [True]}, "give a list of strategies' names"),
        ("schedule", {"order": [0, 7]}, "action 7 of schedule: use 0 to 1"),
        ("schedule", {"explore": 2}, "at least 0 and at most 1"),
        ("rex", {"repair": {}}, "give a list of strategies' names"),
        ("rex", {"repair": ["mend"]}, "action of rex 'mend'"),
        ("rex", {"C": -1}, "at least 0"),
        ("rex", {"success_over": 1}, "did you mean 'success_above'"),
        ("recurrent-ppo", {"policy": "MlpPolicy"}, "only MlpLstmPolicy"),
        ("recurrent-ppo", {"n_steps": 10}, "set by the trainer"),
        ("recurrent-ppo", {"policy_kwargs": {"lstm_hidden_size": 0}}, "whole number of 1 or more"),
        ("recurrent-ppo", {"policy_kwargs": {"n_lstm_layers": True}}, "whole number of 1 or more"),
        ("recurrent-ppo", {"policy_kwargs": {"shared_lstm": 1}}, "true or false"),
        ("recurrent-ppo", {"policy_kwargs": {"shared_lstm": True}}, "must choose between shared LSTM"),
        ("ppo", {"policy_kwargs": {"lstm_hidden_size": 8}}, "unknown key 'lstm_hidden_size'"),
        ("random", {"gamma": 1}, "unknown hyperparameter of random"),
        ("ppo", ["gamma"], "expected names with values"),
    ],
)
def test_wrong_ones_are_one_clear_line(algo: str, values: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        make_agent(algo, BOX, ACTIONS, seed=0, hyperparams=values, feature_names=FEATURES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("algo", "values"),
    [
        ("ppo", {"learning_rate": "lin_0.01", "clip_range": "lin_0.2", "clip_range_vf": None, "target_kl": 0.1}),
        ("ppo", {"policy": "MlpPolicy", "policy_kwargs": {"net_arch": {"pi": [8], "vf": [8, 8]}, "ortho_init": False}}),
        ("maskable-ppo", {"policy_kwargs": {"activation_fn": "gelu", "net_arch": []}}),
        ("dqn", {"n_steps": 3, "gradient_steps": -1, "tau": 0.01}),
        ("linucb", {"alpha": 0, "ridge": "1e-6", "gamma": 1}),
        ("lin-thompson", {"scale": 0, "ridge": 100, "gamma": 0.5}),
        ("a2c", {"use_rms_prop": True, "rms_prop_eps": "1e-5"}),
        ("schedule", {"order": ["1", 0, 1], "explore": 0}),
        ("schedule", {"order": None}),
        ("rex", {"repair": [], "C": "0"}),
        ("recurrent-ppo", {"policy_kwargs": {"shared_lstm": True, "enable_critic_lstm": False, "n_lstm_layers": 2}}),
        ("recurrent-ppo", {"policy": "MlpLstmPolicy", "policy_kwargs": {"activation_fn": "relu", "net_arch": [8]}}),
    ],
)
def test_unusual_but_right_ones_are_taken(algo: str, values: dict[str, Any]) -> None:
    agent = make_agent(algo, BOX, ACTIONS, seed=0, hyperparams=values, feature_names=FEATURES)
    assert agent.act(np.zeros(3, dtype=np.float32), np.ones(2, dtype=bool), np.random.default_rng(0)) in (0, 1)
    assert check_hyperparams(algo, agent.spec.hyperparams) == agent.spec.hyperparams


def test_names_and_spaces_are_checked() -> None:
    with pytest.raises(UsageError, match="did you mean 'maskable-ppo'"):
        make_agent("maskableppo", BOX, ACTIONS, seed=0)
    with pytest.raises(UsageError, match="unknown algo 'nope'"):
        load_hyperparams("nope")
    for box, actions, seed, names, message in [
        (spaces.Discrete(3), ACTIONS, 0, (), "one-dimensional Box"),
        (spaces.Box(0, 1, (2, 2)), ACTIONS, 0, (), "one-dimensional Box"),
        (BOX, spaces.Discrete(2, start=1), 0, (), "starts at 0"),
        (BOX, BOX, 0, (), "Discrete"),
        (BOX, ACTIONS, -1, (), "seed"),
        (BOX, ACTIONS, 0, ("one",), "1 action names for 2 actions"),
    ]:
        with pytest.raises(UsageError, match=message):
            make_agent("random", box, actions, seed=seed, action_names=names)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="1 feature names for observations"):
        make_agent("random", BOX, ACTIONS, seed=0, feature_names=("one",))


@pytest.mark.parametrize("algo", ["schedule", "rex"])
@pytest.mark.parametrize(
    ("features", "message"),
    [
        ((), "give feature_names, the env's, and action_names"),
        (("0:tried_on_target", "other", "target_pass_rate"), "needs the feature '1:tried_on_target'"),
        (("target_left", "1:tried_on_target", "target_pass_rate"), "needs the feature '0:tried_on_target'"),
    ],
)
def test_features_that_are_read_must_be_there(algo: str, features: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_agent(algo, BOX, ACTIONS, seed=0, feature_names=features)
