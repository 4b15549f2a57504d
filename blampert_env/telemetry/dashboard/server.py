"""Serves the dashboard from a thread."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection
from contextlib import suppress
from typing import Self

from blampert_env.errors import BlampertError, UsageError
from blampert_env.telemetry.dashboard.app import make_app
from blampert_env.telemetry.dashboard.board import Board
from blampert_env.telemetry.web.guard import LOCAL_NAMES, guard, is_loopback
from blampert_env.telemetry.web.thread import ServerThread

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8080
SHORTEST_TOKEN = 16


class DashboardServer:
    """The dashboard at ``http://<host>:<port>/``; a context manager.

    On an address that other machines reach it needs a token: the one that is given, else one of its own.

    Args:
        board: The runs.
        host: Address to listen at.
        port: 0 takes a free one.
        token: At least 16 characters; None: none on loopback, else one that is made up.
        names: Host names it may be called by, beside its own address and, on loopback, ``localhost``.

    Raises:
        ConfigError: The port is taken, or there is no such address.
        UsageError: The token is too short, or plotly is not installed.
    """

    def __init__(
        self,
        board: Board,
        *,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        token: str | None = None,
        names: Collection[str] = (),
    ) -> None:
        if token is not None and len(token) < SHORTEST_TOKEN:
            raise UsageError(f"the monitor's token must have at least {SHORTEST_TOKEN} characters")
        local = is_loopback(host)
        self.board = board
        self.host = host
        self.token = token or (None if local else secrets.token_urlsafe(24))
        allowed = {*LOCAL_NAMES, *(name.lower() for name in names), host.strip("[]").lower()}
        app = make_app(board, guard(names=allowed, any_address=not local, token=self.token))
        self._server = ServerThread(app, host, port, "dashboard", "choose another --port, or see who listens there")
        self.port = self._server.port
        # the run that is shown first is read while the browser starts
        threading.Thread(target=self._warm, name="dashboard-warm", daemon=True).start()

    @property
    def url(self) -> str:
        """Its address, for a browser on this machine; holds the token where there is one."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}/" + (f"?token={self.token}" if self.token else "")

    def close(self) -> None:
        """Stop; calling it twice is fine."""
        self._server.close()
        self.board.close()

    def _warm(self) -> None:
        with suppress(BlampertError):  # whoever opens the page is told
            if run := self.board.current():
                self.board.overview(run)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
