"""What is wrong here, and the command that mends it: exit code 1 if something that is needed is broken."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from blampert_env.cli.options import add_json, add_workspace
from blampert_env.workspace.diagnoses import Diagnosis
from blampert_env.workspace.doctor import examine, worst
from blampert_env.workspace.layout import workspace_at


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    add_workspace(parser)
    add_json(parser)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert doctor") -> int:
    """Entry point; returns the exit code: 1 if something needed is broken."""
    arguments = build_parser(prog).parse_args(argv)
    found: list[Diagnosis] = []

    def tell(diagnosis: Diagnosis) -> None:
        found.append(diagnosis)
        if not arguments.json:
            _print(diagnosis)

    with _quiet():
        broken = worst(examine(workspace_at(arguments.workspace)), tell)
    if arguments.json:
        print(json.dumps([asdict(diagnosis) for diagnosis in found], indent=2))
    else:
        print(_summary(found))
    return 1 if broken else 0


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What would be logged is in the diagnoses."""
    logger = logging.getLogger("blampert")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _print(diagnosis: Diagnosis) -> None:
    mark = {"ok": "ok", "note": "note", "broken": "BROKEN"}[diagnosis.level]
    print(f"{mark:<7} {diagnosis.what:<10} {diagnosis.text}", flush=True)
    if diagnosis.mend:
        print(f"{'':<18} -> {diagnosis.mend}", flush=True)


def _summary(found: Sequence[Diagnosis]) -> str:
    counts = [sum(diagnosis.level == level for diagnosis in found) for level in ("ok", "note", "broken")]
    return f"{counts[0]} ok, {counts[1]} to note, {counts[2]} broken"
