"""Names a process so that others on this machine can tell whether it still lives."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=4)
def _name(pid: int) -> str:
    return f"{socket.gethostname()}/{pid}/{_started(pid)}"


def this_process() -> str:
    """Host, process number and start time (a number is used again, the pair is not)."""
    return _name(os.getpid())


def is_gone(owner: str) -> bool:
    """Whether the process is known to be dead; False for another host's."""
    host, pid, started = owner.rsplit("/", 2)
    return host == socket.gethostname() and _started(int(pid)) != started


def _started(pid: int) -> str:
    """Start time in clock ticks since boot (Linux), "alive" where that is not told, "" for no process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _alive(pid)
    return "" if fields[0] == "Z" else fields[19]


def _alive(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "alive"
    return "alive"
