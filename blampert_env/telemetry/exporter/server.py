"""The exporter: an HTTP server on loopback in a thread of the training process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any, Self

from aiohttp import web
from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR

from blampert_env.errors import ConfigError
from blampert_env.telemetry.exporter.figures import RunFigures
from blampert_env.telemetry.exporter.http import metrics_routes
from blampert_env.telemetry.web.guard import LOOPBACK, guard

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
        self._figures = figures
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        try:
            self.port = self._loop.run_until_complete(self._start(port))
        except BaseException:
            self._loop.run_until_complete(self._stop())
            self._loop.close()
            raise
        self._thread = threading.Thread(target=self._loop.run_forever, name="exporter", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where ``/metrics`` lies."""
        return f"http://{LOOPBACK}:{self.port}"

    def close(self) -> None:
        """Stop listening; calling it twice is fine."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._stop())
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _start(self, port: int) -> int:
        app = web.Application(middlewares=[guard()])
        app.add_routes(metrics_routes(self._document, PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR))
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, port, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            raise ConfigError(
                f"cannot serve metrics at {LOOPBACK}:{port} ({error.strerror}); choose another --metrics-port"
            ) from error
        return int(self._runner.addresses[0][1])

    async def _stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _document(self) -> Mapping[str, Any]:
        return self._figures.document()
