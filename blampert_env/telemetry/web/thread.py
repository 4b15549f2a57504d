"""An aiohttp application served from a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

from aiohttp import web

from blampert_env.errors import ConfigError


class ServerThread:
    """Listens from the moment it is made until :meth:`close`.

    Args:
        app: What to serve.
        host: Address to listen at.
        port: 0 takes a free one.
        name: What it serves, for the thread and for messages.
        mend: What to do where the port is taken.

    Attributes:
        port: Where it listens.

    Raises:
        ConfigError: The port is taken, or there is no such address.
    """

    def __init__(self, app: web.Application, host: str, port: int, name: str, mend: str) -> None:
        # the loop lives in its thread alone: whoever starts a server may have a running loop, as a notebook does
        started: Future[int] = Future()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(app, host, port, started), name=name, daemon=True)
        self._thread.start()
        try:
            self.port = started.result()
        except OSError as error:
            self._thread.join()
            reason = error.strerror or str(error)
            raise ConfigError(f"cannot serve the {name} at {host}:{port} ({reason}); {mend}") from error

    def close(self) -> None:
        """Stop listening and end the thread; calling it twice is fine."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self, app: web.Application, host: str, port: int, started: Future[int]) -> None:
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        try:
            try:
                started.set_result(self._loop.run_until_complete(_listen(runner, host, port)))
            except BaseException as error:
                started.set_exception(error)
            else:
                self._loop.run_forever()
            self._loop.run_until_complete(runner.cleanup())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()


async def _listen(runner: web.AppRunner, host: str, port: int) -> int:
    """Start; gives the port."""
    await runner.setup()
    await web.TCPSite(runner, host, port, reuse_address=True).start()
    return int(runner.addresses[0][1])
