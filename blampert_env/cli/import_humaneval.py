"""Make projects of HumanEval's problems: a docstring's examples are visible tests, the official check is held out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from blampert_env.cli.import_problems import add_options, write_problems


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    parser.add_argument("ids", nargs="*", metavar="ID", help="0, HumanEval/0 or humaneval_0 (default: all 164)")
    text = "show half of the official assertions where a docstring has no example; else such a problem is refused"
    parser.add_argument("--share-check", action="store_true", help=text)
    add_options(parser, "humaneval")
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert import humaneval") -> int:
    """Entry point; returns the exit code: 1 if no problem could be used."""
    from blampert_env.projects.importers.humaneval import humaneval_with_solutions

    arguments = build_parser(prog).parse_args(argv)
    ids, share = arguments.ids or None, arguments.share_check
    return write_problems(humaneval_with_solutions(ids, share_check=share, limit=arguments.limit), arguments)
