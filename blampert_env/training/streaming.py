"""The message bus of a run: where it is, who publishes to it, who looks at it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blampert_env.errors import BlampertError
from blampert_env.telemetry import Sink
from blampert_env.telemetry.bus.protocol import Bus
from blampert_env.training.places import Places

ENVIRONMENT = "BLAMPERT_BUS"
BUS_FILE = "bus.db"


@dataclass(frozen=True, slots=True)
class Streamed:
    """A run that publishes.

    Attributes:
        sinks: For the recorder.
        latest: Gives the newest ``bus_metrics``; None where nothing is published.
        lines: What to tell the user.
    """

    sinks: tuple[Sink, ...] = ()
    latest: Callable[[], dict[str, Any]] | None = None
    lines: tuple[str, ...] = ()


def bus_address(places: Places, run: Path | None = None) -> str | None:
    """Where the bus is: ``$BLAMPERT_BUS``, else ``streaming.bus``, else a file; None if ``streaming.enabled`` is false.

    The file is ``streaming/bus.db`` of the workspace; without one, ``bus.db`` in the run's folder.
    """
    if named := os.environ.get(ENVIRONMENT):
        return named
    streaming = places.settings.streaming
    if not streaming.enabled:
        return None
    if places.workspace is None:
        return str(run / BUS_FILE) if run else None
    if streaming.bus and "://" not in streaming.bus:
        return str(places.workspace.folder / Path(streaming.bus).expanduser())
    return streaming.bus or str(places.workspace.streaming / BUS_FILE)


@contextmanager
def stream(places: Places, run: Path) -> Iterator[Streamed]:
    """Publish a run while the body runs.

    A bus is a view of the run: where it cannot be opened, one line says so, and the run goes on without.
    """
    from blampert_env.telemetry.bus import open_bus
    from blampert_env.telemetry.bus.metrics import BusReporter
    from blampert_env.telemetry.bus.sink import BusSink

    address = bus_address(places, run)
    with ExitStack() as held:
        if address is None:
            yield Streamed()
            return
        try:
            bus: Bus = held.enter_context(open_bus(address))
            reporter = held.enter_context(BusReporter(bus, run))
        except BlampertError as error:
            held.close()
            yield Streamed(lines=(f"nothing is published: {error}",))
            return
        yield Streamed((BusSink(bus, run.name),), reporter.latest)
