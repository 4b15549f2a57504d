"""Make a project of a folder with Python files and tests: functions whose tests fail are to be repaired or written."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from blampert_env.cli.options import add_json, say_doing

if TYPE_CHECKING:
    from blampert_env.projects import Project
    from blampert_env.projects.importers.repository import Imported, Validation


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    parser.add_argument("path", type=Path, metavar="FOLDER", help="sources and tests; nothing in it is changed")
    text = "the folder to make (default: the folder's name and -project, here)"
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help=text)
    text = "right code, laid out as FOLDER is (default: its solution/): each target is checked against it"
    parser.add_argument("--solution", type=Path, metavar="DIR", help=text)
    parser.add_argument("--python", metavar="FILE", help="the interpreter that runs its tests (default: this one)")
    add_json(parser)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert import functions") -> int:
    """Entry point; returns the exit code: 2 if nothing is to be repaired."""
    from blampert_env.projects.importers.functions import import_functions
    from blampert_env.workspace.problems import outcomes_now
    from blampert_env.workspace.validate import validate_stubs

    arguments = build_parser(prog).parse_args(argv)

    def run(project: Project) -> Mapping[str, str]:
        return outcomes_now(project, arguments.python)

    def validate(project: Project, originals: Mapping[str, str]) -> Validation:
        return validate_stubs(project, originals, python=arguments.python, say=say_doing)

    destination = arguments.output or Path(f"{arguments.path.expanduser().resolve().name}-project")
    done = import_functions(arguments.path, destination, run=run, solution=arguments.solution, validate=validate)
    if arguments.json:
        print(json.dumps(_as_json(done), indent=2))
    else:
        _show(done)
    return 0


def _as_json(done: Imported) -> dict[str, object]:
    return {
        "folder": str(done.folder),
        "id": done.project.fingerprint,
        "targets": [
            {"id": target.id, "repair": target.is_attempt, "signature": target.signature}
            for target in done.project.targets
        ],
        "refused": dict(done.refused),
        "checked": done.is_validated,
    }


def _show(done: Imported) -> None:
    width = max(len(name) for name in (*done.targets, *done.refused))
    for target in done.project.targets:
        print(f"{'repair' if target.is_attempt else 'write':<9}{target.id}")
    for name, reason in done.refused.items():
        print(f"{'refused':<9}{name:<{width}}  {reason}")
    text = "the solution passes a test that each of them fails"
    checked = text if done.is_validated else "not validated: there is no solution to run"
    print(f"made {done.folder}: {len(done.targets)} functions; {checked}")
    print(f"check it: blampert project check {done.folder}   train: blampert train --project {done.folder}")
