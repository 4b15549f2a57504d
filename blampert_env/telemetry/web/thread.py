"""An aiohttp application served from a thread of its own."""

from __future__ import annotations

import asyncio
import threading

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
        self._loop = asyncio.new_event_loop()
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        try:
            self.port = self._loop.run_until_complete(self._start(host, port))
        except OSError as error:
            self._end()
            reason = error.strerror or str(error)
            raise ConfigError(f"cannot serve the {name} at {host}:{port} ({reason}); {mend}") from error
        except BaseException:
            self._end()
            raise
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and end the thread; calling it twice is fine."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._end()

    async def _start(self, host: str, port: int) -> int:
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, reuse_address=True).start()
        return int(self._runner.addresses[0][1])

    def _end(self) -> None:
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
