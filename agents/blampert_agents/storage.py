"""The policy file: JSON for the simple agents, for Stable-Baselines3 its own zip with the same JSON inside.

A file holds what is needed to go on and nothing of the machine: no path, no host. Reading one runs no code from it:
SB3's pickled ``data`` entry is never loaded, the weights are read by torch's ``weights_only`` loader.
"""

from __future__ import annotations

import difflib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blampert_agents.protocol import AgentSpec
from blampert_env.atomic import atomic_write_bytes
from blampert_env.errors import UsageError

FORMAT = "blampert-policy"
FORMAT_VERSION = 1
HEADER = "blampert.json"
"""Name of the JSON entry in a zip."""


@dataclass(frozen=True, slots=True)
class SavedPolicy:
    """A policy file that was read.

    Attributes:
        spec: What the agent is made from.
        state: What it has learnt or counted, as JSON values.
        data: The whole file.
    """

    spec: AgentSpec
    state: Mapping[str, Any]
    data: bytes


def header(spec: AgentSpec, state: Mapping[str, Any]) -> bytes:
    """The JSON of a policy file."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, **spec.to_dict(), "state": dict(state)}
    return (json.dumps(content, indent=1) + "\n").encode("utf-8")


def write_json_policy(path: Path, spec: AgentSpec, state: Mapping[str, Any]) -> None:
    """Write a policy that is nothing but JSON, whole or not at all.

    Raises:
        StorageError: It could not be written; the previous file is intact.
    """
    atomic_write_bytes(path, header(spec, state))


def read_policy(path: Path) -> SavedPolicy:
    """Read a policy file of either kind.

    Raises:
        UsageError: The file is missing (the closest names are given), damaged, or no policy; one line.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"no policy at {path}: {_neighbours(path)}") from error
    except OSError as error:
        raise UsageError(f"cannot read the policy {path}: {error.strerror}; give a policy file") from error
    try:
        content = json.loads(_json_part(data))
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']!r}")
        if content["format_version"] > FORMAT_VERSION:
            raise UsageError(f"{path} was saved by a newer Blampert; upgrade to load it")
        return SavedPolicy(AgentSpec.from_dict(content), content["state"], data)
    except Exception as error:  # damage can surface anywhere in the parsers, and always means the same
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> UsageError:
    """The one line to raise when reading ``path`` failed with ``error``."""
    if isinstance(error, UsageError) and str(path) in str(error):
        return error
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return UsageError(f"{path} is damaged or not a Blampert policy ({reason}); train again or load another file")


def _json_part(data: bytes) -> bytes:
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if broken := archive.testzip():
            raise ValueError(f"{broken} fails its checksum")
        return archive.read(HEADER)


def _neighbours(path: Path) -> str:
    """What to do about a missing file."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}; train first"
    names = sorted(entry.name for entry in path.parent.iterdir() if entry.is_file() and entry.name[0] != ".")
    if close := difflib.get_close_matches(path.name, names, n=3, cutoff=0.4):
        return f"did you mean {', '.join(close)}?"
    return "train first, or check the name"
