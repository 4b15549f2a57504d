"""Make projects of ClassEval's classes: each method is a target; half of each test class is held out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from blampert_env.cli.import_problems import add_options, write_problems


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    parser.add_argument("file", type=Path, metavar="FILE", help="ClassEval_data.json")
    add_options(parser, "classeval")
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert import classeval") -> int:
    """Entry point; returns the exit code: 1 if no problem could be used."""
    from blampert_env.projects.importers.classeval import classeval_problems

    arguments = build_parser(prog).parse_args(argv)
    return write_problems(classeval_problems(arguments.file.expanduser(), arguments.limit), arguments)
