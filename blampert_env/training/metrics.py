"""Metrics over HTTP while a run trains, where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from blampert_env.telemetry.exporter import RunFigures


@contextmanager
def serve_metrics(figures: RunFigures, port: int | None) -> Iterator[str | None]:
    """Serve ``figures`` at this port while the body runs; gives the address, None where no port was asked for.

    Raises:
        ConfigError: The port is taken. Whoever asks for metrics shall not train without them unawares.
    """
    if port is None:
        yield None
        return
    from blampert_env.telemetry.exporter import Exporter

    with Exporter(figures, port) as exporter:
        yield f"{exporter.url}/metrics"
