from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from blampert_env.errors import ConfigError
from blampert_env.workspace import Workspace, load_config
from blampert_env.workspace.config import KEYS, default_value
from blampert_env.workspace.settings import set_value, unset_value

GUIDE = {
    "workspace": {"root": "~/.blampert_workspace", "projects": "~/.blampert_workspace/projects"},
    "agent": {"name": "BlampertAgent", "model": "llama3.1:8b", "learning_rate": 0.001, "max_iterations": 5},
    "streaming": {"enabled": True, "port": 9090},
}
# another value than the default for every key
OTHER: dict[str, Any] = {
    "workspace.root": "elsewhere",
    "workspace.projects": "code",
    "agent.name": "Ada",
    "agent.model": "embedded",
    "agent.learning_rate": 0.5,
    "agent.max_iterations": 9,
    "agent.algo": "ppo",
    "agent.seed": 7,
    "agent.n_envs": 2,
    "models.small": "ollama/qwen2.5-coder:0.5b",
    "models.large": "openai/big",
    "streaming.enabled": False,
    "streaming.port": 9191,
    "streaming.bus": "redis://127.0.0.1:6379/1",
    "storage.redis_url": "redis://127.0.0.1:6379/0",
    "monitor.host": "0.0.0.0",
    "monitor.port": 8181,
    "grading.isolation": "none",
    "grading.timeout_s": 3.5,
}


@pytest.fixture
def place(home: Path) -> Workspace:
    (home / "ws").mkdir()
    return Workspace(home / "ws")


def write(place: Workspace, content: Any) -> None:
    place.config_path.write_text(content if isinstance(content, str) else json.dumps(content))


def value_of(config: Any, key: str) -> Any:
    section, name = key.split(".")
    return getattr(getattr(config, section), name)


def test_every_key_is_tried_below() -> None:
    assert OTHER.keys() == KEYS.keys()
    assert all(OTHER[key] != default_value(key) for key in KEYS)


def test_the_guides_settings_are_the_defaults(place: Workspace) -> None:
    write(place, GUIDE)
    guide, default = load_config(place), load_config(None)
    assert (guide.agent, guide.streaming) == (default.agent, default.streaming)


@pytest.mark.parametrize("key", KEYS)
def test_environment_goes_before_file_before_default(
    key: str, place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    section, name = key.split(".")
    assert value_of(load_config(place), key) == default_value(key)
    write(place, {section: {name: OTHER[key]}})
    config = load_config(place)
    assert (value_of(config, key), config.sources[key]) == (OTHER[key], "file")
    variable = f"BLAMPERT_{section}_{name}".upper()
    before = default_value(key)
    monkeypatch.setenv(variable, before if isinstance(before, str) else json.dumps(before))
    config = load_config(place)
    assert (value_of(config, key), config.sources[key]) == (before, variable)
    monkeypatch.setenv(variable, "")
    assert load_config(place).sources[key] == "file"


def test_blampert_model_is_the_model_too(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLAMPERT_MODEL", "embedded")
    assert load_config(place).agent.model == "embedded"
    monkeypatch.setenv("BLAMPERT_AGENT_MODEL", "ollama/x")
    assert load_config(place).agent.model == "ollama/x"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"agent": {"seed": 1}', "line 1: "),
        ("[]", "expected an object of sections"),
        ({"agnet": {}}, "did you mean 'agent'"),
        ({"agent": {"learning_rat": 1}}, "section agent: unknown key 'learning_rat': did you mean 'learning_rate'"),
        ({"agent": 3}, "agent must be an object, not 3"),
        ({"agent": {"learning_rate": "fast"}}, "agent.learning_rate must be a number above 0, or null, not 'fast'"),
        ({"agent": {"learning_rate": 0}}, "above 0"),
        ('{"agent": {"learning_rate": NaN}}', "above 0"),
        ({"agent": {"max_iterations": 0}}, "a whole number of at least 1, not 0"),
        ({"agent": {"max_iterations": True}}, "a whole number of at least 1, not True"),
        ({"agent": {"seed": 1.5}}, "a whole number of at least 0"),
        ({"agent": {"model": " "}}, "a text that is not empty"),
        ({"streaming": {"enabled": "yes"}}, "true or false, not 'yes'"),
        ({"streaming": {"port": 65536}}, "from 1 to 65535"),
        ({"grading": {"isolation": "strct"}}, "one of default, strict, none"),
        ({"workspace": {"root": ""}}, "a path"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(content: Any, said: str, place: Workspace) -> None:
    write(place, content)
    with pytest.raises(ConfigError) as caught:
        load_config(place)
    assert said in str(caught.value)
    assert str(place.config_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_variable_is_named(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLAMPERT_STREAMING_PORT", "high")
    with pytest.raises(ConfigError, match=r"^BLAMPERT_STREAMING_PORT: streaming\.port must be"):
        load_config(place)


def test_set_keeps_the_rest_of_the_file(place: Workspace) -> None:
    write(place, GUIDE)
    assert set_value(place, "agent.seed", 3) == 0
    assert json.loads(place.config_path.read_text()) == {**GUIDE, "agent": {**GUIDE["agent"], "seed": 3}}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("agent.sed", 1, "did you mean 'agent.seed'"),
        ("agent.seed", -1, "at least 0"),
    ],
)
def test_set_refuses_and_changes_nothing(key: str, value: Any, said: str, place: Workspace) -> None:
    write(place, GUIDE)
    before = place.config_path.read_bytes()
    with pytest.raises(ConfigError, match=said):
        set_value(place, key, value)
    assert place.config_path.read_bytes() == before


def test_unset_mends_a_file_with_an_unknown_key(place: Workspace) -> None:
    write(place, {"agent": {"sed": 1, "seed": 2}, "agnet": {}})
    assert unset_value(place, "agent.sed")
    assert unset_value(place, "agnet")
    assert load_config(place).agent.seed == 2
    assert unset_value(place, "agent.seed")
    assert not unset_value(place, "agent.seed")
    assert not unset_value(place, "monitor")
    with pytest.raises(ConfigError, match=r"did you mean 'agent\.seed'"):
        unset_value(place, "agent.sed")
