"""Options that several commands share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from blampert_env.commands import seconds


def add_workspace(parser: argparse.ArgumentParser, text: str = "the workspace") -> None:
    """``--workspace DIR`` (or ``--path DIR``), ``$BLAMPERT_WORKSPACE`` or ``~/.blampert_workspace`` by default."""
    where = "default: $BLAMPERT_WORKSPACE, else ~/.blampert_workspace"
    parser.add_argument("--workspace", "--path", dest="workspace", type=Path, metavar="DIR", help=f"{text} ({where})")


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``: for programs."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_grading(parser: argparse.ArgumentParser, measure: str) -> None:
    """``--python``, ``--isolation`` and ``--timeout-s``: of the grader.

    Args:
        parser: Where they go.
        measure: What ten times of is the default of the last.
    """
    add = parser.add_argument
    add("--python", metavar="FILE", help="the interpreter that runs the tests (default: this one, or the workspace's)")
    add("--isolation", choices=("default", "strict", "none"), default="default", help="of the grader")
    add("--timeout-s", type=seconds, metavar="S", help=f"longest time of the tests (default: 10x the {measure})")


def say(line: str) -> None:
    """A line on stderr, while a command goes on: stdout is for what it finds."""
    print(f"blampert: {line}", file=sys.stderr, flush=True)


def say_doing(line: str) -> None:
    """What a command is about to do, on stderr."""
    print(f"  {line} ...", file=sys.stderr, flush=True)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line a row, each column as wide as its widest cell, two blanks between."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def human_size(size: float) -> str:
    """``1_500_000`` bytes to ``"1.5 MB"``."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def print_table(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[str] = ("algo",)
) -> None:
    """A table; names may hold anything, so nothing in them is markup. The first column and ``left`` are text."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number and heading not in left else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    # a pipe has no width to keep to
    Console(highlight=False, width=None if sys.stdout.isatty() else 240).print(table)
