"""Make, look at and clean the workspace: ``blampert workspace create|info|clean``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from blampert_env.cli.options import add_json, add_workspace, human_size
from blampert_env.errors import UsageError
from blampert_env.workspace.clean import ALL, PARTS, Plan, carry_out, plan
from blampert_env.workspace.create import CreateReport, create
from blampert_env.workspace.layout import is_named, require_workspace, workspace_at

_USUAL = ("runs", "logs", "cache")


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    making = actions.add_parser("create", help="make it, or mend it; what is there stays", allow_abbrev=False)
    add_workspace(making, "the folder to make")
    making.set_defaults(action=_create)
    looking = actions.add_parser("info", help="what is there, and how it is", allow_abbrev=False)
    add_workspace(looking)
    add_json(looking)
    looking.set_defaults(action=_info)
    text = "Remove what runs left (without a choice: --runs --logs --cache). Projects, venv and settings always stay."
    cleaning = actions.add_parser("clean", help="remove what runs left", description=text, allow_abbrev=False)
    add_workspace(cleaning)
    for part, what in PARTS.items():
        cleaning.add_argument(f"--{part}", dest="parts", action="append_const", const=part, help=what)
    cleaning.add_argument("--all", action="store_true", help=ALL)
    cleaning.add_argument("-y", "--yes", action="store_true", help="do not ask")
    cleaning.set_defaults(action=_clean)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert workspace") -> int:
    """Entry point; returns the exit code."""
    arguments = build_parser(prog).parse_args(argv)
    return int(arguments.action(arguments))


def _create(arguments: argparse.Namespace) -> int:
    report = create(arguments.workspace, lambda line: print(f"  {line} ...", flush=True))
    for line in create_lines(report, named=is_named(arguments.workspace)):
        print(line)
    for why in report.venv.failed.values():
        print(f"blampert workspace create: error: {why}", file=sys.stderr)
    return 1 if report.venv.failed else 0


def create_lines(report: CreateReport, *, named: bool) -> list[str]:
    """What was done, line by line."""
    lines = [
        f"workspace {report.workspace}: {'looked through' if report.existed else 'made'} in {report.seconds:.1f} s"
    ]
    if report.made:
        lines.append(f"  made       {', '.join(report.made)}")
    if report.copied:
        lines.append(f"  projects   {', '.join(report.copied)} (copied)")
    if report.venv.built:
        made_before = report.venv.built != "is missing"
        lines.append("  venv       made" + (f" anew, as it {report.venv.built}" if made_before else ""))
    if report.venv.installed:
        lines.append(f"  installed  {', '.join(report.venv.installed)}")
    if report.venv.lost:
        lines.append(f"  not installed again, as no project asks for it: {', '.join(report.venv.lost)}")
    if len(lines) == 1:
        lines.append("  nothing was missing")
    if not report.venv.failed:
        where = f" --workspace {report.workspace}" if named else ""
        lines.append(f"next: blampert train{where} --project calculator")
    return lines


def _info(arguments: argparse.Namespace) -> int:
    from blampert_env.workspace.info import describe

    found = describe(require_workspace(arguments.workspace))
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        _print_info(found)
    wrong = found["health"]
    if wrong:
        several = f"{len(wrong)} things are wrong with {found['workspace']}; the health lines say what"
        print(f"blampert workspace info: error: {wrong[0] if len(wrong) == 1 else several}", file=sys.stderr)
    return 1 if wrong else 0


def _print_info(found: dict[str, Any]) -> None:
    """The same as text and two tables."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True)
    parts = ", ".join(f"{name} {human_size(size)}" for name, size in found["sizes"].items())
    console.print(f"workspace {found['workspace']}: {human_size(found['size'])} ({parts})", markup=False)
    projects = Table(title="projects", title_justify="left")
    for heading in ("project", "targets", "test functions", "passed", "best run"):
        projects.add_column(heading, justify="left" if heading in ("project", "best run") else "right")
    for row in found["projects"]:
        passed = f"{row['tests_passed']}/{row['tests_total']}" if row["best_run"] else "not run yet"
        counts = [str(row[key]) if row[key] is not None else "?" for key in ("targets", "tests")]
        projects.add_row(row["name"], *counts, passed, escape(row["best_run"] or "-"))
    console.print(projects)
    if found["runs"]:
        runs = Table(title="runs", title_justify="left")
        for heading in ("run", "iterations", "steps", "projects", "tests passed", "policy", ""):
            runs.add_column(heading)
        for run in found["runs"]:
            policy = escape(f"{run['name']}.zip") if f"{run['name']}.zip" in found["policies"] else "-"
            counts = [str(run[key]) for key in ("iterations", "timesteps", "projects")]
            note = "damaged" if run["damaged"] else "in use" if run["in_use"] else ""
            runs.add_row(escape(run["name"]), *counts, f"{run['tests_passed']}/{run['tests_total']}", policy, note)
        console.print(runs)
    if found["config"]:
        agent = found["config"]["agent"]
        console.print("config: " + ", ".join(f"{key} {value}" for key, value in agent.items()), markup=False)
    policies = len(found["policies"])
    console.print(f"{len(found['projects'])} projects, {len(found['runs'])} runs, {policies} policies")
    for line in found["health"] or ["nothing is wrong"]:
        console.print(f"health: {line}", markup=False)


def _clean(arguments: argparse.Namespace) -> int:
    workspace = workspace_at(arguments.workspace)
    if not workspace.exists:
        raise UsageError(f"{workspace} is not a workspace: nothing was removed")
    what = plan(workspace, arguments.parts or _USUAL, everything=arguments.all)
    for path in what.kept:
        print(f"{path.name} stays: a process trains in it")
    if not what.paths:
        print(f"{workspace}: nothing to remove")
        return 0
    root = workspace.root
    for path in what.paths[:20]:
        print(f"  {path.relative_to(root) if path.is_relative_to(root) else path}{'/' if path.is_dir() else ''}")
    if len(what.paths) > 20:
        print(f"  ... and {len(what.paths) - 20} more")
    if not arguments.yes and not _agreed(what):
        print("nothing was removed")
        return 1
    print(f"removed {carry_out(what)} of {len(what.paths)} entries, {human_size(what.size)}")
    return 0


def _agreed(what: Plan) -> bool:
    """Ask; no answer (an end of input) means no."""
    print(f"Remove these from {what.workspace} ({human_size(what.size)})? [y/N] ", end="", flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print()
    return answer.strip().lower() in ("y", "yes")
