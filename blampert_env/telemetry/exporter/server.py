"""The exporter: an HTTP server on loopback in a thread of the training process."""

from __future__ import annotations

from typing import Self

from aiohttp import web
from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR

from blampert_env.telemetry.exporter.figures import RunFigures
from blampert_env.telemetry.exporter.http import metrics_routes
from blampert_env.telemetry.web.guard import LOOPBACK, guard
from blampert_env.telemetry.web.thread import ServerThread

DEFAULT_PORT = 9090


class Exporter:
    """Serves a run's figures at ``http://127.0.0.1:<port>/metrics``; a context manager.

    Args:
        figures: What to serve.
        port: Where to listen, on loopback; 0 takes a free port.

    Raises:
        ConfigError: The port is taken.
    """

    def __init__(self, figures: RunFigures, port: int = DEFAULT_PORT) -> None:
        app = web.Application(middlewares=[guard()])
        app.add_routes(metrics_routes(figures.document, PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR))
        self._server = ServerThread(app, LOOPBACK, port, "metrics", "choose another --metrics-port")
        self.port = self._server.port

    @property
    def url(self) -> str:
        """Where ``/metrics`` lies."""
        return f"http://{LOOPBACK}:{self.port}"

    def close(self) -> None:
        """Stop listening; calling it twice is fine."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
