"""Open the web page of the runs in a browser; starts its server, or finds the one of a monitor that runs."""

from __future__ import annotations

import argparse
import threading
import webbrowser
from collections.abc import Sequence

from blampert_env.cli.monitor import build_parser, open_board, open_server
from blampert_env.commands import INTERRUPTED


def main(argv: Sequence[str] | None = None, prog: str = "blampert dashboard") -> int:
    """Entry point; returns the exit code."""
    parser = build_parser(prog, __doc__)
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    return dashboard(parser.parse_args(argv))


def dashboard(arguments: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, or open that of a monitor that runs already.

    Raises:
        UsageError: There is no such run, the port is taken by something else, or a package is missing.
    """
    running = _running_at(arguments)
    if running is not None:
        _show(running, arguments)
        return 0
    with open_server(open_board(arguments), arguments) as server:
        _show(server.url, arguments)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return INTERRUPTED
    return 0


def _show(url: str, arguments: argparse.Namespace) -> None:
    print(f"blampert: the page is at {url}", flush=True)
    if not arguments.no_browser:
        webbrowser.open(url)


def _running_at(arguments: argparse.Namespace) -> str | None:
    """The address of our own server on this machine's port; None if there is none, or what runs there is not ours.

    Only where nothing was asked for that another monitor might not show.
    """
    if arguments.run or arguments.log_folder or arguments.workspace or arguments.host or arguments.port == 0:
        return None
    import httpx

    from blampert_env.telemetry.web.guard import LOOPBACK
    from blampert_env.workspace import find_workspace, load_config

    url = f"http://{LOOPBACK}:{arguments.port or load_config(find_workspace()).monitor.port}/"
    try:
        answer = httpx.get(f"{url}api/runs", timeout=1.0)
        ours = answer.status_code == 200 and "current" in answer.json()
    except (httpx.HTTPError, ValueError):
        return None
    return url if ours else None
