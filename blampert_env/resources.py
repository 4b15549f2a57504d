"""Finds the data files that ship with Blampert: ``configs/`` and ``projects/``.

In a wheel they lie inside the package (``blampert_env/_data``); in a source checkout at its top level.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from blampert_env.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent


def data_dir(name: str) -> Path:
    """The folder ``configs`` or ``projects``, wherever this installation keeps it.

    Raises:
        FileNotFoundError: The installation is broken.
    """
    for base in (_PACKAGE / "_data", _PACKAGE.parent):
        if (base / name).is_dir():
            return base / name
    raise FileNotFoundError(f"no {name}/ beside or inside {_PACKAGE}: reinstall blampert")


def cache_dir() -> Path:
    """Where weights and LM samples are kept: ``$BLAMPERT_CACHE``, else ``$XDG_CACHE_HOME/blampert`` (``~/.cache``).

    The folder is not created here.
    """
    if explicit := os.environ.get("BLAMPERT_CACHE"):
        return Path(explicit).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "blampert"


def load_yaml(path: Path) -> Any:
    """Parse one YAML file (safe loader).

    Raises:
        ConfigError: The file is missing, unreadable or not YAML; the line is named.
    """
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text ({error.reason}); save it as UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "invalid YAML"
        raise ConfigError(f"{path}{where}: {problem}; fix the YAML") from error
