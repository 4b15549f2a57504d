"""``agent_config.json`` as values: flag > environment > file > default (the flag is the command's business)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from blampert_env.errors import ConfigError, unknown_name
from blampert_env.workspace.keys import FLAG, PATH, TEXT, Kind, number, one_of, optional, setting, whole
from blampert_env.workspace.layout import Workspace

MODEL_VARIABLE = "BLAMPERT_MODEL"
_PORT = whole(1, 65_535)


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """Where things lie; relative paths are relative to the folder of ``agent_config.json``."""

    root: str = setting(".", PATH, "folder of venv, data, streaming, logs and models")
    projects: str = setting("projects", PATH, "folder of the projects")


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What ``train`` and ``evaluate`` do unless a flag says otherwise."""

    name: str = setting("BlampertAgent", TEXT, "who trains: written into each run's config.json")
    model: str = setting("llama3.1:8b", TEXT, "language model; the embedded one stands in where it does not answer")
    learning_rate: float | None = setting(
        0.001, optional(number(0, above=True)), "of ppo, dqn, a2c and maskable-ppo; null: that of configs/train"
    )
    max_iterations: int = setting(5, whole(1), "iterations of a training run")
    algo: str = setting("thompson", TEXT, "the algorithm that learns how to ask")
    seed: int = setting(0, whole(0), "seeds samples and policy")
    n_envs: int = setting(1, whole(1), "episodes played at once")


@dataclass(frozen=True, slots=True)
class ModelsSettings:
    """Which models the strategies mean that name a role; null: those of ``configs/models.yaml``."""

    small: str | None = setting(None, optional(TEXT), "of strategies with 'model: small'; null: the embedded 0.5B")
    large: str | None = setting(None, optional(TEXT), "of strategies with 'model: large'; null: the embedded 1.5B")

    @property
    def roles(self) -> Mapping[str, str]:
        """Role to model, of those that are set."""
        return {role: model for role, model in (("small", self.small), ("large", self.large)) if model}


@dataclass(frozen=True, slots=True)
class StreamingSettings:
    """The message bus and /metrics."""

    enabled: bool = setting(True, FLAG, "whether training publishes its events and serves /metrics")
    port: int = setting(9090, _PORT, "port of a run's /metrics, on loopback")
    bus: str | None = setting(None, optional(TEXT), "message bus: redis://host:port/db, or a file; null: its own file")


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where records go beside the files of the workspace."""

    redis_url: str | None = setting(None, optional(TEXT), "redis://host:port/db of a shared Redis; null: none")


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """``blampert monitor`` and ``blampert dashboard``."""

    host: str = setting("127.0.0.1", TEXT, "address to listen at")
    port: int = setting(8080, _PORT, "port of the web page and of /metrics")


@dataclass(frozen=True, slots=True)
class GradingSettings:
    """How tests are run."""

    isolation: str = setting("default", one_of("default", "strict", "none"), "of the grader")
    timeout_s: float | None = setting(
        None,
        optional(number(0, above=True)),
        "seconds a project's tests may take; null: ten times the untouched run",
    )


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """Every setting, with the environment laid over the file and the file over the defaults.

    Attributes:
        workspace: Where things lie.
        agent: Defaults of ``train`` and ``evaluate``.
        models: Roles that strategies name.
        streaming: The message bus.
        storage: Redis.
        monitor: Monitor and dashboard.
        grading: How tests are run.
        sources: ``"agent.model"`` -> ``"default"``, ``"file"`` or the environment variable that set it.
    """

    workspace: WorkspaceSettings = field(default_factory=WorkspaceSettings)
    agent: AgentSettings = field(default_factory=AgentSettings)
    models: ModelsSettings = field(default_factory=ModelsSettings)
    streaming: StreamingSettings = field(default_factory=StreamingSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    monitor: MonitorSettings = field(default_factory=MonitorSettings)
    grading: GradingSettings = field(default_factory=GradingSettings)
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Section -> key -> value, as in the file."""
        sections = {spec.name: getattr(self, spec.name) for spec in fields(self) if spec.name != "sources"}
        return {
            name: {spec.name: getattr(section, spec.name) for spec in fields(section)}
            for name, section in sections.items()
        }


SECTIONS: Mapping[str, Any] = {
    "workspace": WorkspaceSettings,
    "agent": AgentSettings,
    "models": ModelsSettings,
    "streaming": StreamingSettings,
    "storage": StorageSettings,
    "monitor": MonitorSettings,
    "grading": GradingSettings,
}

KEYS: Mapping[str, Kind] = {
    f"{section}.{spec.name}": spec.metadata["kind"] for section, cls in SECTIONS.items() for spec in fields(cls)
}
"""``"agent.model"`` -> what values it takes."""

DESCRIPTIONS: Mapping[str, str] = {
    f"{section}.{spec.name}": spec.metadata["text"] for section, cls in SECTIONS.items() for spec in fields(cls)
}
"""``"agent.model"`` -> one line on what it does."""


def load_config(workspace: Workspace | None = None) -> AgentConfig:
    """The settings of ``workspace``; without one, the environment's and the defaults.

    Every setting can be given by ``BLAMPERT_<SECTION>_<KEY>``, such as ``BLAMPERT_AGENT_SEED``; ``BLAMPERT_MODEL``
    counts for ``agent.model``, too. An empty variable counts as unset.

    Raises:
        ConfigError: The file is no JSON, or a key or value in it or in the environment is wrong; the closest key is
            named. A missing file is not an error.
    """
    content = read_file(workspace.config_path) if workspace else {}
    where = str(workspace.config_path) if workspace else ""
    values: dict[str, Any] = {key: default_value(key) for key in KEYS}
    sources = dict.fromkeys(KEYS, "default")
    for key, value in flatten(content, where).items():
        values[key], sources[key] = check(key, value, where), "file"
    for key, kind in KEYS.items():
        for variable in _variables(key):
            if text := os.environ.get(variable):
                values[key], sources[key] = check(key, kind.parse(text), variable), variable
    sections = {
        name: cls(**{spec.name: values[f"{name}.{spec.name}"] for spec in fields(cls)})
        for name, cls in SECTIONS.items()
    }
    return AgentConfig(**sections, sources=sources)


def default_value(key: str) -> Any:
    """The default of ``section.name``."""
    section, _, name = key.partition(".")
    return getattr(SECTIONS[section](), name)


def read_file(path: Path) -> dict[str, Any]:
    """The file as it stands; empty if there is none.

    Raises:
        ConfigError: It cannot be read, is no JSON, or holds no object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check its permissions") from error
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}, line {error.lineno}: {error.msg}; correct the JSON") from error
    except ValueError as error:
        raise ConfigError(f"{path} is no JSON text ({error}); correct it") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected an object of sections ({', '.join(SECTIONS)}); correct it")
    return content


def flatten(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """``{"agent": {"seed": 1}}`` to ``{"agent.seed": 1}``.

    Raises:
        ConfigError: A section or key is unknown, or a section is no object.
    """
    flat: dict[str, Any] = {}
    for section, entries in content.items():
        if section not in SECTIONS:
            raise ConfigError(f"{where}: {unknown_name('section', section, SECTIONS)}")
        if not isinstance(entries, dict):
            raise ConfigError(f"{where}: {section} must be an object, not {entries!r}; correct it")
        known = [spec.name for spec in fields(SECTIONS[section])]
        for name, value in entries.items():
            if name not in known:
                raise ConfigError(f"{where}, section {section}: {unknown_name('key', name, known)}")
            flat[f"{section}.{name}"] = value
    return flat


def check(key: str, value: Any, where: str = "") -> Any:
    """``value``, as it is kept, if the key takes it; ``where`` is the file or variable that it stands in.

    Raises:
        ConfigError: It does not.
    """
    if not KEYS[key].takes(value):
        wrong = f"{key} must be {KEYS[key].what}, not {value!r}"
        raise ConfigError(f"{where}: {wrong}; correct it" if where else f"{wrong}; give another value")
    return KEYS[key].make(value)


def _variables(key: str) -> tuple[str, ...]:
    """The environment variables of a key, the last one wins."""
    own = f"BLAMPERT_{key.replace('.', '_').upper()}"
    return (MODEL_VARIABLE, own) if key == "agent.model" else (own,)
