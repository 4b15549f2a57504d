"""Runs side by side, and their steps as a file: ``blampert runs list|show|compare|export``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blampert_env.cli.options import add_json, add_workspace, human_size, print_table
from blampert_env.errors import BlampertError, UsageError

if TYPE_CHECKING:
    from blampert_env.telemetry import Totals
    from blampert_env.training.places import Places
    from blampert_env.training.report import RunReport
    from blampert_env.training.run_folder import RunFolder

_BY = {"run": "run_id", "project": "project", "strategy": "strategy"}


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description="What came of runs.", allow_abbrev=False)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = _action(actions, "list", "every run, or sums over all of them")
    listing.add_argument("--by", choices=_BY, help="sums over all runs, by run, project or strategy")
    add_json(listing)
    listing.set_defaults(action=_list)
    showing = _action(actions, "show", "one run: projects and strategies")
    showing.add_argument("run", type=Path, metavar="RUN", help="its name or folder")
    add_json(showing)
    showing.set_defaults(action=_show)
    comparing = _action(actions, "compare", "runs side by side")
    comparing.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="names or folders, two or more")
    add_json(comparing)
    comparing.set_defaults(action=_compare)
    exporting = _action(actions, "export", "a run's steps as a file")
    exporting.add_argument("run", type=Path, metavar="RUN", help="its name or folder")
    exporting.add_argument("--format", choices=("jsonl", "csv", "chat"), default="jsonl", help=_formats())
    exporting.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: <run>.jsonl, .csv, .chat.jsonl")
    exporting.set_defaults(action=_export)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert runs") -> int:
    """Entry point; returns the exit code."""
    from blampert_env.training.places import find_places

    arguments = build_parser(prog).parse_args(argv)
    places = find_places(arguments.workspace, default=True)
    return int(arguments.action(arguments, places))


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False)
    parser.add_argument(
        "-f", "--log-folder", type=Path, metavar="DIR", help="where runs are (default: the workspace's, else logs)"
    )
    add_workspace(parser)
    return parser


def _formats() -> str:
    return "jsonl: every step, every field; csv: the same as a table; chat: accepted edits for fine-tuning"


def _logs(arguments: argparse.Namespace, places: Places) -> Path:
    return arguments.log_folder or places.logs


def _run(name: Path, arguments: argparse.Namespace, places: Places) -> RunFolder:
    """A run by name in the log folder, or by path.

    Raises:
        UsageError: There is none.
    """
    from blampert_env.training.run_folder import RunFolder

    inside = _logs(arguments, places) / name
    return RunFolder.open(inside if inside.is_dir() else name if name.is_dir() else inside)


def _list(arguments: argparse.Namespace, places: Places) -> int:
    from blampert_env.training.records import archive_path
    from blampert_env.training.report import find_runs, report, totals_over

    logs = _logs(arguments, places)
    runs = find_runs(logs)
    if arguments.by:
        archive = archive_path(places) if arguments.log_folder is None else None
        sums = totals_over(runs, archive, _BY[arguments.by])  # type: ignore[arg-type]
        if arguments.json:
            print(json.dumps({name: asdict(totals) for name, totals in sums.items()}, indent=2))
        else:
            print_table(
                f"sums by {arguments.by}", [arguments.by, *_SUMS], [[name, *_sums(it)] for name, it in sums.items()]
            )
        return 0
    good, bad = [], {}
    for run in runs:
        try:
            good.append(report(run))
        except BlampertError as error:
            bad[run.name] = str(error)
    if arguments.json:
        print(json.dumps({"runs": [_json(it) for it in good], "damaged": bad}, indent=2))
        return 0
    if good:
        print_table(f"runs in {logs}", _HEADINGS, [_row(it) for it in good])
    for name, why in bad.items():
        print(f"{name}: {why}")
    if not runs:
        print(f"no runs in {logs}: `blampert train` makes one")
    return 0


def _show(arguments: argparse.Namespace, places: Places) -> int:
    from blampert_env.training.report import report

    run = _run(arguments.run, arguments, places)
    found = report(run)
    if arguments.json:
        print(json.dumps(_json(found), indent=2))
        return 0
    print_table(str(run.path), _HEADINGS, [_row(found)])
    print(f"model {found.model}, seed {found.seed}")
    rows = [
        [name, f"{it['before']}/{it['total']}", f"{it['after']}/{it['total']}"] for name, it in found.projects.items()
    ]
    print_table("projects, tests passed", ["project", "before", "best"], rows)
    print_table("strategies", ["strategy", *_SUMS], [[name, *_sums(it)] for name, it in found.strategies.items()])
    return 0


def _compare(arguments: argparse.Namespace, places: Places) -> int:
    from blampert_env.training.report import report

    if len(arguments.runs) < 2:
        raise UsageError("compare what? give two runs or more; `blampert runs list` shows them")
    reports = [report(_run(name, arguments, places)) for name in arguments.runs]
    if arguments.json:
        print(json.dumps([_json(it) for it in reports], indent=2))
        return 0
    print_table("runs", _HEADINGS, [_row(it) for it in reports])
    projects = sorted({name for it in reports for name in it.projects})
    best = [[name, *(_best(it, name) for it in reports)] for name in projects]
    print_table("best tests passed", ["project", *(it.name for it in reports)], best)
    strategies = sorted({name for it in reports for name in it.strategies})
    means = [[name, *(_mean(it.strategies.get(name)) for it in reports)] for name in strategies]
    print_table("mean reward (steps)", ["strategy", *(it.name for it in reports)], means)
    return 0


def _export(arguments: argparse.Namespace, places: Places) -> int:
    from blampert_env.training.export import export_steps

    run = _run(arguments.run, arguments, places)
    suffix = ".chat.jsonl" if arguments.format == "chat" else f".{arguments.format}"
    goal = arguments.output or Path(f"{run.name}{suffix}")
    count = export_steps(run, goal, arguments.format)
    what = "accepted edits" if arguments.format == "chat" else "steps"
    print(f"wrote {count:,} {what} of {run.name} to {goal} ({human_size(goal.stat().st_size)})")
    return 0


_USED = ("LM calls", "tokens", "cost")
_HEADINGS = ("run", "algo", "iterations", "steps", "tests passed", "solved", "mean reward", *_USED)
_SUMS = ("steps", "episodes", "kept", "mean reward", *_USED, "LM time", "grading")


def _row(it: RunReport) -> list[str]:
    passed, total = it.passed
    return [
        *(it.name, it.algo, f"{it.iterations:,}", f"{it.timesteps:,}", f"{passed}/{total}", f"{it.success_rate:.0%}"),
        *(f"{it.reward:+.3f}", *_used(it.totals)),
    ]


def _sums(it: Totals) -> list[str]:
    return [
        *(f"{it.steps:,}", f"{it.episodes:,}", f"{it.accepted / it.steps:.0%}", f"{it.reward / it.steps:+.3f}"),
        *(*_used(it), f"{it.lm_latency_s:,.1f} s", f"{it.grade_s:,.1f} s"),
    ]


def _used(it: Totals) -> tuple[str, str, str]:
    return f"{it.lm_calls:,}", f"{it.completion_tokens:,}", f"{it.cost:,.0f} s"


def _best(it: RunReport, project: str) -> str:
    row = it.projects.get(project)
    return f"{row['after']}/{row['total']}" if row else "-"


def _mean(it: Totals | None) -> str:
    return f"{it.reward / it.steps:+.3f} ({it.steps:,})" if it else "-"


def _json(it: RunReport) -> Mapping[str, Any]:
    return asdict(it) | {"mean_reward": it.reward, "success_rate": it.success_rate}
