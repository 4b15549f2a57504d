"""Unpack a run, or make projects: ``blampert import FILE``, ``blampert import repository PATH``, ``... mbpp FILE``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

# kind of import to what it takes; the module is cli/import_<kind>.py
_KINDS = {"repository": "PATH", "functions": "FOLDER", "humaneval": "[ID ...]", "mbpp": "FILE", "classeval": "FILE"}


def main(argv: Sequence[str] | None = None, prog: str = "blampert import") -> int:
    """Entry point; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in _KINDS:
        kind = arguments[0]
        module = importlib.import_module(f"blampert_env.cli.import_{kind}")
        code: int = module.main(arguments[1:], prog=f"{prog} {kind}")
        return code
    from blampert_env.cli import transfer

    if {"-h", "--help"} & set(arguments):
        parser = transfer.build_parser(prog)
        kinds = "; ".join(f"{prog} {kind} {what}" for kind, what in _KINDS.items())
        parser.epilog = f"projects of other things (--help of each says more): {kinds}"
        parser.parse_args(arguments)
    return transfer.main(arguments, prog=prog)
