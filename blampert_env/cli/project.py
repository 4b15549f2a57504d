"""List, make and check projects: ``blampert project list|new|check``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from blampert_env.cli.options import add_json, add_workspace
from blampert_env.workspace import find_workspace, require_workspace
from blampert_env.workspace.layout import Workspace, is_named

_MARKS = {"ok": "ok", "note": "note", "failed": "FAILED", "skipped": "-"}
_DETAILS = 10


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the workspace's projects and the bundled ones", allow_abbrev=False)
    add_json(listing)
    listing.set_defaults(action=_list)
    making = actions.add_parser("new", help="write a small project to begin with", allow_abbrev=False)
    making.add_argument("name", metavar="NAME", help="its name, such as my_project")
    making.add_argument("--into", type=Path, metavar="DIR", help="put it there (default: the workspace's projects/)")
    making.set_defaults(action=_new)
    text = (
        "Targets, tests by target, how right code is graded and which tests it would lose against plain pytest, flaky "
        "tests, missing plugins, what an evaluation costs. Exit code 1 if right code loses anything or a check failed."
    )
    checking = actions.add_parser("check", help="whether it can be trained on", description=text, allow_abbrev=False)
    checking.add_argument("project", metavar="PROJECT", help="a name or a folder")
    checking.add_argument(
        "--python", metavar="FILE", help="the interpreter that runs its tests (default: the workspace's, or this one)"
    )
    add_json(checking)
    checking.set_defaults(action=_check)
    for action in (listing, making, checking):
        add_workspace(action)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert project") -> int:
    """Entry point; returns the exit code."""
    arguments = build_parser(prog).parse_args(argv)
    return int(arguments.action(arguments))


def _workspace(arguments: argparse.Namespace) -> Workspace | None:
    """The workspace; one that is named must be there."""
    return require_workspace(arguments.workspace) if is_named(arguments.workspace) else find_workspace()


def _list(arguments: argparse.Namespace) -> int:
    from blampert_env.projects import bundled_projects
    from blampert_env.workspace.folders import clashes, project_folders

    workspace = _workspace(arguments)
    mine = project_folders(workspace) if workspace else {}
    rows = [_row(name, folder, "workspace") for name, folder in mine.items()]
    rows += [_row(name, folder, "bundled") for name, folder in bundled_projects().items() if name not in mine]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        what = row["problem"] or f"{row['targets']} targets, {row['tests']} test functions"
        print(f"{row['name']:<{width}}  {row['origin']:<9}  {row['id']:<32}  {what}")
    for folder, name in (clashes(workspace) if workspace else {}).items():
        print(f"{folder} is left out: another folder is called {name}, too; rename one")
    return 0


def _row(name: str, folder: Path, origin: str) -> dict[str, Any]:
    from blampert_env.errors import ProjectError
    from blampert_env.projects import Project, env_id

    row: dict[str, Any] = {"name": name, "origin": origin, "id": env_id(name), "folder": str(folder), "problem": None}
    try:
        project = Project.load(folder)
    except ProjectError as error:
        return row | {"targets": None, "tests": None, "problem": str(error)}
    return row | {"targets": len(project.targets), "tests": len(project.test_targets)}


def _new(arguments: argparse.Namespace) -> int:
    from blampert_env.projects import env_id
    from blampert_env.workspace.template import new_project

    into = arguments.into or require_workspace(arguments.workspace).projects
    folder = new_project(arguments.name, into)
    name = folder if arguments.into else folder.name
    print(f"made {folder}: change it into yours, then `blampert project check {name}`")
    print(f'train on it: blampert train --project {name}   in Python: gym.make("{env_id(folder.name)}")')
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from blampert_env.projects import find_project
    from blampert_env.projects.project import snake_case
    from blampert_env.workspace.check import check_project, problems
    from blampert_env.workspace.folders import project_folders
    from blampert_env.workspace.venv import require_venv

    def say(line: str) -> None:
        print(f"  {line} ...", file=sys.stderr, flush=True)

    workspace = _workspace(arguments)
    folder = find_project(arguments.project, project_folders(workspace) if workspace else {})
    python = arguments.python
    if python is None and workspace and not _hopeless(folder):
        python = require_venv(workspace, {snake_case(folder.name): folder}, say)
    findings = check_project(folder, python, say)
    wrong = problems(findings)
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{_MARKS[finding.status]:<8}{finding.check:<15}{finding.text}")
            if finding.status != "ok" or finding.check == "reached":
                _show(finding.details)
        verdict = (
            f"{len(wrong)} to mend" if wrong else f"can be trained on: blampert train --project {arguments.project}"
        )
        print(f"{folder.name}: {verdict}")
    return 1 if wrong else 0


def _show(details: Mapping[str, Any]) -> None:
    """The first few, a line each."""
    shown = list(details.items())[:_DETAILS]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        print(f"{'':<8}{'':<15}{name:<{width}}  {value}")
    if len(details) > len(shown):
        print(f"{'':<8}{'':<15}and {len(details) - len(shown)} more: --json has them all")


def _hopeless(folder: Path) -> bool:
    """Whether the folder is no project, so that nothing need be installed for it."""
    from blampert_env.workspace.info import project_problem

    return project_problem(folder) is not None
