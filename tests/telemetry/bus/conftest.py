"""One fixture that runs a test over each bus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blampert_env.telemetry.bus import Bus, LocalBus, Policy
from blampert_env.telemetry.bus.redis_bus import RedisBus

OpenBus = Callable[..., Bus]


@pytest.fixture(params=["memory", "file", "redis"])
def open_it(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenBus]:
    """Opens a bus of the kind under test; a second call opens the same one again, where it outlives a process."""
    opened: list[Bus] = []

    def open_one(**bounds: Any) -> Bus:
        policy = Policy(**{"backoff_s": 0.01, "max_backoff_s": 0.05, **bounds})
        if request.param == "memory" and opened:
            return opened[0]
        bus: Bus
        if request.param == "redis":
            url = request.getfixturevalue("redis_url")
            bus = RedisBus(url, policy=policy, prefix=tmp_path.name)
        else:
            bus = LocalBus(None if request.param == "memory" else tmp_path / "bus.db", policy=policy)
        opened.append(bus)
        return bus

    yield open_one
    for bus in opened:
        bus.close()


@pytest.fixture
def bus(open_it: OpenBus) -> Bus:
    """A bus with short back-offs."""
    return open_it()
