"""Make projects of MBPP's problems: half of a problem's asserts are the visible tests, the others are held out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from blampert_env.cli.options import add_json
from blampert_env.errors import ProjectError

if TYPE_CHECKING:
    from blampert_env.projects.importers.mbpp import Problem


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    parser.add_argument("file", type=Path, metavar="FILE", help="mbpp.jsonl or sanitized-mbpp.json")
    parser.add_argument("-o", "--output", type=Path, default=Path("mbpp"), metavar="DIR", help="the folder of projects")
    parser.add_argument("--limit", type=int, metavar="N", help="the first so many problems only")
    parser.add_argument("--no-check", action="store_true", help="do not run the tests")
    add_json(parser)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert import mbpp") -> int:
    """Entry point; returns the exit code: 1 if no problem could be used."""
    from blampert_env.projects.importers.folder import project_files, write_project
    from blampert_env.projects.importers.mbpp import mbpp_problems

    arguments = build_parser(prog).parse_args(argv)
    problems = mbpp_problems(arguments.file.expanduser(), arguments.limit)
    made, refused = [], problems.refused
    for name, problem in problems.found.items():
        goal = arguments.output / name
        if goal.exists():
            refused["has its folder already, which stays as it is"] += 1
            continue
        if reason := "" if arguments.no_check else _wrong(problem):
            print(f"  {name} {reason}", file=sys.stderr, flush=True)
            refused[reason] += 1
            continue
        write_project(goal, project_files(problem.project, problem.solution))
        made.append(name)
    if arguments.json:
        print(json.dumps({"folder": str(arguments.output), "projects": made, "refused": dict(refused)}, indent=2))
    else:
        for reason, count in refused.most_common():
            print(f"refused {count}: {reason}")
        checked = "its tests were not run" if arguments.no_check else "the author's code passes, the stub does not"
        print(f"made {len(made)} projects in {arguments.output}; of each {checked}")
    return 0 if made else 1


def _wrong(problem: Problem) -> str:
    """Why a problem cannot be trained on; "" if it can."""
    from blampert_env.grading import make_grader

    try:
        for tests in ("visible", "held_out"):
            with make_grader(problem.project, tests=tests) as grader:
                if not grader.grade(problem.solution).all_passed:
                    return "its own code fails its tests"
                if grader.baseline.all_passed:
                    return "its tests pass without any code"
    except ProjectError as error:
        return f"cannot be graded: {str(error).removeprefix(f'{problem.project.name}: ')}"
    return ""
