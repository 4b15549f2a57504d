"""How many cores this process may really use."""

from __future__ import annotations

import math
import os
from pathlib import Path


def usable_cores() -> int:
    """Physical cores in this process's affinity mask, at most what the container's CPU quota allows, >= 1."""
    try:
        cpus = os.sched_getaffinity(0)
    except AttributeError:  # not Linux
        return max(1, os.cpu_count() or 1)
    cores = {_siblings(cpu) for cpu in cpus}
    return max(1, min(len(cores), _quota(Path("/sys/fs/cgroup/cpu.max"))))


def _siblings(cpu: int) -> str:
    """The hyper-threads of one core share this text; a CPU that does not say counts as a core."""
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return f"only {cpu}"


def _quota(path: Path) -> int:
    """Whole cores of a cgroup v2 quota (``"150000 100000"`` is 1.5, rounded up); very many without one."""
    try:
        quota, period = path.read_text().split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        return 1 << 16
