"""From an address to a bus."""

from __future__ import annotations

from pathlib import Path

from blampert_env.telemetry.bus.local import LocalBus
from blampert_env.telemetry.bus.protocol import Bus
from blampert_env.telemetry.bus.values import Policy


def open_bus(url_or_path: str | Path | None = None, *, policy: Policy | None = None) -> Bus:
    """The bus at an address.

    Args:
        url_or_path: ``redis://host:port/db`` (also ``rediss://``, ``unix://``): Redis Streams, for several machines.
            A file: every process of this machine. None: this process only.
        policy: Its bounds.

    Raises:
        StorageError: It cannot be opened.
        UsageError: The address is wrong, or the package ``redis`` is missing.
    """
    if isinstance(url_or_path, str) and url_or_path.startswith(("redis://", "rediss://", "unix://")):
        from blampert_env.telemetry.bus.redis_bus import RedisBus

        return RedisBus(url_or_path, policy=policy)
    return LocalBus(url_or_path, policy=policy)
