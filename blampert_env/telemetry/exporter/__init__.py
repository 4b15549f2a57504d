"""What a run is at, as figures: for ``/metrics``, for Prometheus, and for a monitor in another process.

::

    events ──▶ RunFigures (a sink) ──▶ status document ──▶ Exporter: GET /metrics, /health, /ready
                                              └──────────▶ LiveStatus: logs/<run>/status.json, once a second

Importing it loads neither aiohttp nor prometheus_client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blampert_env.telemetry.exporter.figures import NO_BUS, RunFigures
from blampert_env.telemetry.exporter.status import LiveStatus, read_status

if TYPE_CHECKING:
    from blampert_env.telemetry.exporter.server import Exporter

__all__ = ["NO_BUS", "Exporter", "LiveStatus", "RunFigures", "read_status"]


def __getattr__(name: str) -> Any:
    """Load the HTTP server when it is first asked for."""
    if name == "Exporter":
        from blampert_env.telemetry.exporter.server import Exporter

        return Exporter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
