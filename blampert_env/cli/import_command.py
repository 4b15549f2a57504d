"""Unpack a run, or make projects: ``blampert import FILE``, ``blampert import repository PATH``, ``... mbpp FILE``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_MORE = (
    "a repository as a project: blampert import repository PATH; MBPP's problems: blampert import mbpp FILE (--help)"
)


def main(argv: Sequence[str] | None = None, prog: str = "blampert import") -> int:
    """Entry point; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["repository"]:
        from blampert_env.cli import import_repository

        return import_repository.main(arguments[1:], prog=f"{prog} repository")
    if arguments[:1] == ["mbpp"]:
        from blampert_env.cli import import_mbpp

        return import_mbpp.main(arguments[1:], prog=f"{prog} mbpp")
    from blampert_env.cli import transfer

    if {"-h", "--help"} & set(arguments):
        parser = transfer.build_parser(prog)
        parser.epilog = _MORE
        parser.parse_args(arguments)
    return transfer.main(arguments, prog=prog)
