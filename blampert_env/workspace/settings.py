"""Changes ``agent_config.json``: one process at a time, checked before it is written, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from blampert_env.atomic import atomic_write_text
from blampert_env.errors import ConfigError, unknown_name
from blampert_env.workspace.config import KEYS, SECTIONS, check, default_value, flatten, read_file
from blampert_env.workspace.layout import Workspace


def known_key(key: str) -> str:
    """``key`` if there is such a setting.

    Raises:
        ConfigError: There is none; the closest one is named.
    """
    if key not in KEYS:
        raise ConfigError(unknown_name("key", key, KEYS))
    return key


def set_value(workspace: Workspace, key: str, value: Any) -> Any:
    """Set one key in the file; the others stay as they are.

    Returns:
        The value before, the default if there was none.

    Raises:
        ConfigError: The key is unknown, does not take the value, or the file is wrong; nothing was changed.
        StorageError: The file cannot be written; it is as it was.
    """
    section, _, name = known_key(key).partition(".")
    value = check(key, value)
    with workspace.lock("config"):
        content = read_file(workspace.config_path)
        before = flatten(content, str(workspace.config_path)).get(key, default_value(key))
        content.setdefault(section, {})[name] = value
        _write(workspace, content)
    return before


def unset_value(workspace: Workspace, key: str) -> bool:
    """Remove a key, known or not, or a whole section, so that defaults hold.

    Returns:
        Whether it was there.

    Raises:
        ConfigError: The file is no JSON, or the key is neither in it nor one of the settings; the closest is named.
        StorageError: The file cannot be written; it is as it was.
    """
    section, _, name = key.partition(".")
    with workspace.lock("config"):
        content = read_file(workspace.config_path)
        entries = content.get(section)
        if name:
            there = isinstance(entries, dict) and entries.pop(name, entries) is not entries
        else:
            there = content.pop(section, content) is not content
        if there:
            _write(workspace, content)
        elif key not in KEYS and key not in SECTIONS:
            raise ConfigError(unknown_name("key", key, [*KEYS, *SECTIONS]))
    return there


def _write(workspace: Workspace, content: Mapping[str, Any]) -> None:
    atomic_write_text(workspace.config_path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
