"""Make projects of MBPP's problems: half of a problem's asserts are the visible tests, the others are held out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from blampert_env.cli.import_problems import add_options, write_problems


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    parser.add_argument("file", type=Path, metavar="FILE", help="mbpp.jsonl or sanitized-mbpp.json")
    add_options(parser, "mbpp")
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert import mbpp") -> int:
    """Entry point; returns the exit code: 1 if no problem could be used."""
    from blampert_env.projects.importers.mbpp import mbpp_problems

    arguments = build_parser(prog).parse_args(argv)
    return write_problems(mbpp_problems(arguments.file.expanduser(), arguments.limit), arguments)
