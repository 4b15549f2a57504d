"""Writes a strategy that was found as a new entry of a YAML file of strategies.

What the file holds already stays, comments too: the entry is put behind it as text, and read again before it counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from blampert_env.atomic import atomic_path
from blampert_env.coding.strategies import Strategy, load_strategies
from blampert_env.errors import ConfigError

_HEAD = "# Ways of asking that `blampert optimize` found; solve, train and evaluate take the file by --strategies.\n"


def check_strategy_file(path: Path) -> None:
    """See that :func:`add_strategy` could add to ``path``: to be asked before a long search.

    Raises:
        ConfigError: The file is there and no file of strategies, or its folder is not there.
    """
    if path.exists():
        load_strategies(path)
    elif not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}: make it, or name another file")


def add_strategy(path: Path, strategy: Strategy, found: Mapping[str, Any]) -> Strategy:
    """Add an entry, under a name that is not taken there.

    Args:
        path: The file; made if it is not there.
        strategy: What to write; its name gets a number if the file has one of this name.
        found: How it was found, and its figures; kept in the entry for people.

    Returns:
        The strategy under the name that it has in the file.

    Raises:
        ConfigError: The file is no file of strategies, or one that cannot be added to.
        StorageError: It could not be written; what was there before is untouched.
    """
    there = load_strategies(path) if path.exists() else ()
    taken, number, name = {one.name for one in there}, 2, strategy.name
    while name in taken:
        name, number = f"{strategy.name}-{number}", number + 1
    named = replace(strategy, name=name)
    before = path.read_bytes().decode("utf-8") if there else _HEAD + "strategies:\n"
    text = before + ("" if before.endswith("\n") else "\n") + _entry(named, found)
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(text.encode("utf-8"))
            if load_strategies(temporary) != (*there, named):
                raise ConfigError("the file says something else with it")
    except ConfigError as error:
        raise ConfigError(f"{path}: an entry cannot be put behind its last line; name a new file") from error
    return named


def _entry(strategy: Strategy, found: Mapping[str, Any]) -> str:
    """One entry as YAML text, indented below ``strategies:``; settings that are the defaults are left out."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes texts of several lines as people do."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    settings = {
        "description": strategy.description,
        "ask": strategy.ask,
        "show": sorted(strategy.show),
        "prefill": strategy.prefill,
        "temperature": strategy.temperature,
        "max_tokens": strategy.max_tokens,
        "model": strategy.model,
        "instructions": strategy.instructions,
        "demos": [dict(demo) for demo in strategy.demos],
    }
    content = {key: value for key, value in settings.items() if value not in ("", [], False)} | {"found": dict(found)}
    whole = {"strategies": {strategy.name: content}}
    dumped = str(yaml.dump(whole, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110))
    return dumped.partition("\n")[2]
