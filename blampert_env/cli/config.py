"""Show and change the settings in agent_config.json: ``blampert config show|set|unset``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from blampert_env.cli.options import add_json, add_workspace, aligned
from blampert_env.errors import ConfigError, unknown_name
from blampert_env.workspace.config import DESCRIPTIONS, KEYS, load_config
from blampert_env.workspace.layout import require_workspace
from blampert_env.workspace.settings import known_key, set_value, unset_value


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    showing = actions.add_parser("show", help="every setting and where it comes from", allow_abbrev=False)
    showing.add_argument("key", nargs="?", metavar="KEY", help="only the value of this one, such as agent.model")
    add_json(showing)
    showing.set_defaults(action=_show)
    setting = actions.add_parser("set", help="change a setting in the file", allow_abbrev=False)
    setting.add_argument("key", metavar="KEY", help="such as agent.model")
    setting.add_argument("value", metavar="VALUE", help="null for none")
    setting.set_defaults(action=_set)
    unsetting = actions.add_parser("unset", help="remove a key from the file, a wrong one too", allow_abbrev=False)
    unsetting.add_argument("key", metavar="KEY", help="such as agent.model")
    unsetting.set_defaults(action=_unset)
    for action in (showing, setting, unsetting):
        add_workspace(action)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert config") -> int:
    """Entry point; returns the exit code."""
    arguments = build_parser(prog).parse_args(argv)
    return int(arguments.action(arguments))


def _show(arguments: argparse.Namespace) -> int:
    workspace = require_workspace(arguments.workspace)
    config = load_config(workspace)
    values = {f"{name}.{key}": value for name, keys in config.to_json().items() for key, value in keys.items()}
    if arguments.key:
        value = values[known_key(arguments.key)]
        print(json.dumps(value) if arguments.json else as_text(value))
    elif arguments.json:
        print(json.dumps(config.to_json(), indent=2))
    else:
        print(f"{workspace.config_path} (a flag goes before the environment, that before the file)")
        rows = [(key, as_text(value), config.sources[key]) for key, value in values.items()]
        for (key, *_), line in zip(rows, aligned(rows), strict=True):
            print(f"  {line}  {DESCRIPTIONS[key]}")
    return 0


def _set(arguments: argparse.Namespace) -> int:
    workspace = require_workspace(arguments.workspace)
    value = KEYS[known_key(arguments.key)].parse(arguments.value)
    if arguments.key == "agent.algo":
        _check_algo(value)
    before = set_value(workspace, arguments.key, value)
    print(f"{arguments.key}: {as_text(before)} -> {as_text(value)}")
    try:
        source = load_config(workspace).sources[arguments.key]
    except ConfigError as error:  # of another key: this one is set, so the exit code is 0
        print(f"note: {error}")
        return 0
    if source != "file":
        print(f"note: {source} is set in the environment and goes before the file")
    return 0


def _check_algo(name: str) -> None:
    """Which algorithms there are is known to the agents, not to the workspace."""
    from blampert_agents import ALGOS

    if name not in ALGOS:
        raise ConfigError(f"agent.algo: {unknown_name('algo', name, ALGOS)}")


def _unset(arguments: argparse.Namespace) -> int:
    workspace = require_workspace(arguments.workspace)
    there = unset_value(workspace, arguments.key)
    print(f"{arguments.key}: {'removed' if there else 'was not set'}")
    return 0


def as_text(value: Any) -> str:
    """A value as it is typed on the command line."""
    return value if isinstance(value, str) else json.dumps(value)
