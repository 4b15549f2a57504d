"""Control groups: what all processes of a lane may use together, where this user may make them (versions 1 and 2)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_PREFIX = "blampert-"
MEMORY = 3 * 2**30
PROCESSES = 256


def make(lane: int) -> list[Path]:
    """New groups for one lane of this process; none where they cannot be made."""
    name = f"{_PREFIX}{os.getpid()}-{lane}"
    found = []
    for parent, limits in _parents():
        group = parent / name
        try:
            group.mkdir(exist_ok=True)
            for file, value in limits.items():
                (group / file).write_text(str(value))
        except OSError:
            remove([group])
            continue
        found.append(group)
    return found


def remove(groups: list[Path]) -> None:
    """Remove groups whose processes have ended."""
    for group in groups:
        with contextlib.suppress(OSError):
            group.rmdir()


def remove_stale() -> None:
    """Remove groups of processes that are no more."""
    for parent, _ in _parents():
        for group in parent.glob(f"{_PREFIX}*"):
            owner = group.name.removeprefix(_PREFIX).partition("-")[0]
            if owner.isdigit() and not Path("/proc", owner).exists():
                remove([group])


def _parents() -> list[tuple[Path, dict[str, int]]]:
    """Folders to make groups in, with the files that set their limits."""
    first = {
        "memory": {"memory.limit_in_bytes": MEMORY},
        "pids": {"pids.max": PROCESSES},
    }
    found = [(_ROOT / name, limits) for name, limits in first.items() if os.access(_ROOT / name, os.W_OK)]
    if found:
        return found
    with contextlib.suppress(OSError):
        if {"memory", "pids"} <= set((_ROOT / "cgroup.subtree_control").read_text().split()):
            return [(_ROOT, {"memory.max": MEMORY, "memory.swap.max": 0, "pids.max": PROCESSES})]
    return []
