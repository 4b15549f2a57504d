"""Watch a run that goes on, or look at one that is over: in the terminal, and as a web page."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blampert_env.cli.options import add_workspace
from blampert_env.commands import INTERRUPTED, natural

if TYPE_CHECKING:
    from blampert_env.telemetry.dashboard.board import Board
    from blampert_env.telemetry.dashboard.server import DashboardServer
    from blampert_env.workspace import Workspace

TOKEN_VARIABLE = "BLAMPERT_MONITOR_TOKEN"
_PERIOD_S = 1.0


def build_parser(prog: str, description: str | None = __doc__) -> argparse.ArgumentParser:
    """The command line, which ``blampert dashboard`` shares."""
    parser = argparse.ArgumentParser(prog=prog, description=description, allow_abbrev=False)
    add = parser.add_argument
    add(
        "run",
        nargs="?",
        metavar="RUN",
        help="a run's name or folder (default: the newest that goes on, else the newest)",
    )
    add(
        "-f",
        "--log-folder",
        type=Path,
        action="append",
        help="where runs are kept (default: the workspace's, if there is one, and ./logs)",
    )
    add_workspace(parser, "look at this workspace's runs")
    add(
        "--host",
        help=f"address to listen at (default: the setting monitor.host, {_default('host')} unless set); others than "
        "this machine's need a token",
    )
    add(
        "--port",
        type=natural,
        default=None,
        help=f"port of the page and of /metrics (default: the setting monitor.port, {_default('port')} unless set; "
        "0: any)",
    )
    add("--allow-host", action="append", default=[], metavar="NAME", help="a host name the page may be called by")
    return parser


def _default(name: str) -> Any:
    """What a setting of the monitor is where nothing sets it."""
    from blampert_env.workspace.config import default_value

    return default_value(f"monitor.{name}")


def main(argv: Sequence[str] | None = None, prog: str = "blampert monitor") -> int:
    """Entry point; returns the exit code."""
    parser = build_parser(prog)
    parser.add_argument("--once", action="store_true", help="print what there is now and end; no web page")
    parser.add_argument("--no-web", action="store_true", help="only the terminal")
    return monitor(parser.parse_args(argv))


def monitor(arguments: argparse.Namespace) -> int:
    """Show the run until Ctrl-C.

    Raises:
        UsageError: There is no such run, the port is taken, or a package is missing.
    """
    from contextlib import ExitStack

    board = open_board(arguments)
    with ExitStack() as stack:
        stack.callback(board.close)
        if arguments.once:
            _print_once(board)
            return 0
        footer = "Ctrl-C ends the monitor; the run goes on"
        if not arguments.no_web:
            server = stack.enter_context(open_server(board, arguments))
            footer = f"page: {server.url}   metrics: {server.url.split('?')[0]}metrics   {footer}"
            print(f"blampert: the page is at {server.url}", flush=True)
        try:
            _follow(board, footer)
        except KeyboardInterrupt:
            return INTERRUPTED
    return 0


def open_board(arguments: argparse.Namespace) -> Board:
    """The runs that the command line means.

    Raises:
        UsageError: There is no such run or log folder.
    """
    from blampert_env.errors import UsageError
    from blampert_env.telemetry.dashboard.board import Board

    roots, chosen = list(arguments.log_folder or default_roots(_workspace(arguments))), arguments.run
    for root in arguments.log_folder or ():
        if not root.is_dir():
            raise UsageError(f"no log folder at {root}; a run makes it: blampert train -f {root}")
    if chosen is not None and (Path(chosen) / "config.json").is_file():
        path = Path(chosen).resolve()
        roots, chosen = [path.parent, *roots], str(path)
    board = Board(roots, chosen)
    if chosen is not None:
        board.current()
    return board


def _workspace(arguments: argparse.Namespace) -> Workspace | None:
    """The workspace that is named, which must be there, else the default one if there is one."""
    from blampert_env.workspace import find_workspace, require_workspace
    from blampert_env.workspace.layout import is_named

    return require_workspace(arguments.workspace) if is_named(arguments.workspace) else find_workspace()


def default_roots(workspace: Workspace | None) -> list[Path]:
    """The workspace's ``logs``, and that of the current folder."""
    return [*([workspace.logs] if workspace else []), Path("logs")]


def open_server(board: Board, arguments: argparse.Namespace) -> DashboardServer:
    """The page's server, as the command line has it.

    Raises:
        UsageError: The port is taken, the token too short, or a package is missing.
    """
    from blampert_env.telemetry.dashboard.server import DashboardServer
    from blampert_env.workspace import load_config

    settings = load_config(_workspace(arguments)).monitor
    return DashboardServer(
        board,
        host=arguments.host or settings.host,
        port=settings.port if arguments.port is None else arguments.port,
        token=os.environ.get(TOKEN_VARIABLE) or None,
        names=arguments.allow_host,
    )


def _print_once(board: Board) -> None:
    from rich.console import Console

    from blampert_env.telemetry.dashboard.terminal import draw

    run = board.current()
    Console(highlight=False).print(draw(board.overview(run) if run else None, ""))


def _follow(board: Board, footer: str) -> None:
    """Draw until interrupted; without a terminal, a line whenever something changed."""
    from rich.console import Console
    from rich.live import Live

    from blampert_env.telemetry.dashboard.terminal import draw, one_line

    console = Console(highlight=False)
    if console.is_terminal:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                run = board.current()
                live.update(draw(board.overview(run) if run else None, footer), refresh=True)
                time.sleep(_PERIOD_S)
    said = ""
    while True:
        run = board.current()
        line = one_line(board.overview(run) if run else None)
        if line != said:
            print(line, flush=True)
        said = line
        time.sleep(_PERIOD_S)
