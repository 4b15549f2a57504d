"""Make a project of a repository: documented functions become stubs, their originals the reference solution."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from blampert_env.cli.options import add_json, add_workspace, say_doing
from blampert_env.workspace import find_workspace, require_workspace
from blampert_env.workspace.layout import is_named

if TYPE_CHECKING:
    from blampert_env.projects import Project
    from blampert_env.projects.importers.repository import Imported, Validation


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    parser.add_argument("path", type=Path, metavar="PATH", help="the repository's folder; nothing in it is changed")
    which = parser.add_mutually_exclusive_group()
    text = "a function to stub, such as pkg/mod.py::Class.method (repeat for more)"
    which.add_argument("--target", action="append", default=[], metavar="NAME", help=text)
    which.add_argument("--count", type=int, metavar="N", help="choose so many documented functions (default: 3)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the choice (default: 0)")
    place = "the folder to make (default: the repository's name, in the workspace's projects/ or here)"
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help=place)
    parser.add_argument("--python", metavar="FILE", help="the interpreter that runs its tests (default: this one)")
    parser.add_argument("--no-check", action="store_true", help="do not run the tests")
    add_json(parser)
    add_workspace(parser)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert import repository") -> int:
    """Entry point; returns the exit code: 1 if a function that was asked for was refused."""
    from blampert_env.projects.importers.repository import import_repository

    arguments = build_parser(prog).parse_args(argv)

    def validate(project: Project, originals: Mapping[str, str]) -> Validation:
        from blampert_env.workspace.validate import validate_stubs

        return validate_stubs(project, originals, python=arguments.python, say=say_doing)

    done = import_repository(
        arguments.path,
        arguments.output or _default_folder(arguments),
        targets=arguments.target,
        count=arguments.count,
        seed=arguments.seed,
        validate=None if arguments.no_check else validate,
    )
    if arguments.json:
        print(json.dumps(_as_json(done), indent=2))
    else:
        _show(done)
    missing = len(done.targets) < len(set(arguments.target)) or len(done.targets) < (arguments.count or 0)
    return 1 if missing else 0


def _default_folder(arguments: argparse.Namespace) -> Path:
    """In the workspace, if there is one, else here."""
    workspace = require_workspace(arguments.workspace) if is_named(arguments.workspace) else find_workspace()
    name = arguments.path.expanduser().resolve().name
    return workspace.projects / name if workspace else Path(f"{name}-project")


def _as_json(done: Imported) -> dict[str, object]:
    return {
        "folder": str(done.folder),
        "targets": [
            {"id": target.id, "lines": [target.start_line, target.end_line], "signature": target.signature}
            for target in done.project.targets
        ],
        "refused": dict(done.refused),
        "checked": done.is_validated,
    }


def _show(done: Imported) -> None:
    width = max(len(name) for name in (*done.targets, *done.refused))
    for name in done.targets:
        tests = sum(name in names for names in done.project.test_targets.values())
        print(f"{'stub':<9}{name:<{width}}  {tests} test functions mention it")
    for name, reason in done.refused.items():
        print(f"{'refused':<9}{name:<{width}}  {reason}")
    checked = "each stub makes a test fail that the original passes" if done.is_validated else "its tests were not run"
    print(f"made {done.folder}: {len(done.targets)} functions to write; {checked}")
    print(f"check it: blampert project check {done.folder}   train: blampert train --project {done.folder}")
