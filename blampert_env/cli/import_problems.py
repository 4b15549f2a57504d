"""What the importers of problem sets share: their options, the check of each problem, the folders, what is said."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from blampert_env.cli.options import add_json

if TYPE_CHECKING:
    from blampert_env.projects.importers.problems import Problems


def add_options(parser: argparse.ArgumentParser, folder: str) -> None:
    """``-o``, ``--limit``, ``--no-check`` and ``--json``.

    Args:
        parser: Where they go.
        folder: The default of ``-o``.
    """
    text = f"the folder of projects (default: {folder})"
    parser.add_argument("-o", "--output", type=Path, default=Path(folder), metavar="DIR", help=text)
    parser.add_argument("--limit", type=_count, metavar="N", help="the first so many problems only")
    parser.add_argument("--no-check", action="store_true", help="do not run the tests")
    add_json(parser)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"give a number from 1, not {text!r}")
    return int(text)


def write_problems(problems: Problems, arguments: argparse.Namespace) -> int:
    """Check each problem, write it as a project, say what came of them; the exit code: 1 if none could be used.

    Args:
        problems: What an importer has found.
        arguments: As :func:`add_options` has them.

    Raises:
        StorageError: A project cannot be written; those before it are.
    """
    from blampert_env.projects.importers.folder import project_files, write_project
    from blampert_env.projects.importers.problems import Refused
    from blampert_env.projects.splits import split_of

    made: dict[str, dict[str, str]] = {}
    given, refused = Counter[str](), problems.refused
    for name, problem in problems.found.items():
        goal = arguments.output / name
        if goal.exists():
            refused["has its folder already, which stays as it is"] += 1
            continue
        if not arguments.no_check:
            from blampert_env.workspace.problems import checked

            try:
                problem, kept = checked(problem)
            except Refused as why:
                print(f"  {name} {why}", file=sys.stderr, flush=True)
                refused[str(why)] += 1
                continue
            given.update(kept.values())
        write_project(goal, project_files(problem.project, problem.solution))
        made[name] = {"id": problem.project.fingerprint, "split": split_of(problem.project)}
    if arguments.json:
        said = {"folder": str(arguments.output), "projects": made, "given": dict(given), "refused": dict(refused)}
        print(json.dumps(said, indent=2))
    else:
        _show(len(made), given, refused, arguments)
    return 0 if made else 1


def _show(made: int, given: Counter[str], refused: Counter[str], arguments: argparse.Namespace) -> None:
    for reason, count in refused.most_common():
        print(f"refused {count}: {reason}")
    for reason, count in given.most_common():
        print(f"functions that keep their author's code {count}: {reason}")
    checked = "its tests were not run" if arguments.no_check else "the author's code passes, the stub does not"
    print(f"made {made} projects in {arguments.output}; of each {checked}")
