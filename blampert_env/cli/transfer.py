"""Pack a run into one file, or unpack one: ``blampert export``, ``blampert import``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from blampert_env.cli.options import add_workspace, human_size
from blampert_env.training.places import Places, find_places


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line of ``export``, or of ``import`` if ``prog`` ends in it."""
    unpacking = prog.endswith("import")
    text = (
        "Unpack a run that `blampert export` packed."
        if unpacking
        else "Pack a run, its policy included, into one file."
    )
    parser = argparse.ArgumentParser(prog=prog, description=text, allow_abbrev=False)
    if unpacking:
        parser.add_argument("file", type=Path, metavar="FILE", help="what export wrote")
        parser.add_argument("--name", metavar="NAME", help="call the run so (default: as it was called)")
    else:
        parser.add_argument("run", type=Path, metavar="RUN", help="a run's name or folder")
        parser.add_argument(
            "-o", "--output", type=Path, metavar="FILE", help="the file to write (default: <run>.tar.gz)"
        )
    add_workspace(parser)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert export") -> int:
    """Entry point; returns the exit code."""
    arguments = build_parser(prog).parse_args(argv)
    places = find_places(arguments.workspace, default=True, run=getattr(arguments, "run", None))
    return _import(arguments, places) if prog.endswith("import") else _export(arguments, places)


def _export(arguments: argparse.Namespace, places: Places) -> int:
    from blampert_env.workspace.transfer import export_run

    run = places.run(arguments.run)
    goal = arguments.output or Path(f"{run.name}.tar.gz")
    beside = run.resolve().parent.parent / "models"  # that of the workspace, or of the folder of a run without one
    count = export_run(run, beside / f"{run.name}.zip", goal)
    print(f"packed {count} files of {run} into {goal} ({human_size(goal.stat().st_size)})")
    return 0


def _import(arguments: argparse.Namespace, places: Places) -> int:
    from blampert_env.workspace.unpack import import_run

    done = import_run(arguments.file, places.logs, places.models, arguments.name)
    print(f"unpacked {done.run} ({human_size(done.size)})" + (f" and {done.policy}" if done.policy else ""))
    return 0
