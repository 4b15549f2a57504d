"""How every command ends (errors as one line, the right exit code), and what types its arguments have."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable

from blampert_env.errors import BlampertError

INTERRUPTED = 130


def run_command(prog: str, body: Callable[[], int]) -> int:
    """Run ``body`` and turn what it raises into one line on stderr and an exit code.

    Returns:
        What ``body`` returns; 2 for a usage error, 1 for another error of ours, 130 after Ctrl-C (or SIGTERM).
        Errors that are not ours are bugs and keep their traceback.
    """
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        return body()
    except BlampertError as error:
        print(f"{prog}: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{prog}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # the reader of our output went away (`| head`); the interpreter must not try to flush to it again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _as_interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def positive(text: str) -> int:
    """An argparse type: a whole number >= 1."""
    value = natural(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return value


def seconds(text: str) -> float:
    """An argparse type: a number of seconds above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def natural(text: str) -> int:
    """An argparse type: a whole number >= 0."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)
