"""Fill the sample pool for projects, ways of asking and models, so that training asks nobody and repeats exactly."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blampert_env.cli.options import add_json, aligned, say
from blampert_env.commands import INTERRUPTED, positive
from blampert_env.errors import UsageError
from blampert_env.training.places import Places, find_places

if TYPE_CHECKING:
    from blampert_env.coding import Strategy
    from blampert_env.projects import Project
    from blampert_env.training.collecting import Arm, Collection

_RANGE = re.compile(r"(?:(?P<first>\d+)-)?(?P<last>\d+)", re.ASCII)
_QUIET_S = 10.0  # between two lines where there is no terminal


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("projects", nargs="*", metavar="PROJECT", help="a project's name or folder")
    add("--humaneval", metavar="N|A-B", help="the first N problems of HumanEval with visible tests, or numbers A to B")
    add("--strategies", metavar="FILE", help="ways of asking (default: those that ship with Blampert)")
    add("--only", nargs="+", metavar="NAME", help="of these, those with these names only")
    add("--model", default="auto", help="embedded, small, large, ollama/<m>, openai/<m> or any LiteLLM name")
    add("--samples", type=positive, metavar="K", help="of each request that is not greedy (default: 8, as envs draw)")
    add("--jobs", type=positive, metavar="J", help="requests in flight (default: what the server takes at once, or 4)")
    add("--pool", type=Path, metavar="DB", help="the pool (default: that in the cache folder)")
    add("--workspace", type=Path, metavar="DIR", help="take projects and settings from there")
    add_json(parser)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert collect") -> int:
    """Entry point; returns the exit code: 0 if every sample is there, 1 if some could not be had, 130 after Ctrl-C."""
    arguments = build_parser(prog).parse_args(argv)
    places = find_places(arguments.workspace, default=True)
    strategies, left_out = _strategies(arguments)
    projects = _projects(arguments, places)
    from blampert_env.coding import Coder
    from blampert_env.lm.resolve import SAMPLES
    from blampert_env.training.collecting import Collection, wanted

    pooled = {"pool": arguments.pool or True, "samples": arguments.samples or SAMPLES}
    lm = places.language_model(arguments.model, strategies, **pooled)
    if left_out:
        say(f"left out, as they need an attempt before: {', '.join(left_out)}")
    say(f"preparing the prompts of {len(projects)} projects")
    samples = wanted(projects, strategies, Coder(lm))
    collection = Collection(samples, arguments.jobs)
    targets = sum(len(project.targets) for project in projects)
    say(f"{targets} targets, {len(samples):,} samples: {len(samples) - len(collection.missing):,} are there, "
         f"{len(collection.missing):,} to draw")  # fmt: skip
    try:
        shown = _Shown()
        with shown.bar:
            collection.run(shown.tell)
    except KeyboardInterrupt:
        say(f"interrupted; {collection.drawn:,} of {len(collection.missing):,} samples are drawn and kept, "
             "the same command goes on")  # fmt: skip
        return INTERRUPTED
    for line in collection.trouble:
        say(f"error: {line}; what was drawn is kept")
    if arguments.json:
        print(json.dumps(_as_json(collection, lm.pool.path if lm.pool else None, targets, left_out, pooled), indent=2))
    else:
        _show(collection)
    return 1 if collection.failed else 0


def _strategies(arguments: argparse.Namespace) -> tuple[list[Strategy], list[str]]:
    """Those that can be asked at first, and the names of the others.

    Raises:
        UsageError: None can.
    """
    from blampert_env.coding import load_strategies

    chosen = load_strategies(arguments.strategies, arguments.only)
    first = [one for one in chosen if not one.needs_attempt]
    left_out = [one.name for one in chosen if one.needs_attempt]
    if not first:
        raise UsageError(f"{', '.join(left_out)}: their prompts need an attempt before; choose others")
    return first, left_out


def _projects(arguments: argparse.Namespace, places: Places) -> list[Project]:
    """The projects that were named, each once.

    Raises:
        UsageError: There is none of a name, or none was given.
    """
    from blampert_env.projects import Project, find_project

    found = [Project.load(find_project(name, places.projects)) for name in arguments.projects]
    if arguments.humaneval is not None:
        found += _humaneval(arguments.humaneval)
    if not found:
        raise UsageError("nothing to ask for: give a project's name or folder, or --humaneval N")
    return list(dict.fromkeys(found))


def _humaneval(which: str) -> list[Project]:
    from blampert_env.projects import humaneval_problems

    match = _RANGE.fullmatch(which)
    first, last = (int(match["first"] or 0), int(match["last"])) if match else (1, 0)
    is_count = match is not None and match["first"] is None
    if first > last or (is_count and not last):
        raise UsageError(f"--humaneval {which}: give how many, such as 20, or numbers from and to, such as 0-81")
    found = humaneval_problems(None if is_count else range(first, last + 1), share_check=True)
    problems = [project for project in found if project.tests]  # without visible tests there is no env
    return problems[:last] if is_count else problems


class _Shown:
    """How far it is and the time left, on stderr: a bar a model on a terminal, else a line now and then."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), MofNCompleteColumn())
        self.bar = Progress(
            *columns,
            TimeRemainingColumn(elapsed_when_finished=True),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
            speed_estimate_period=600.0,  # an answer may take a minute
        )
        self._tasks: dict[str, TaskID] = {}
        self._next_line = 0.0

    def tell(self, model: str, done: int, total: int) -> None:
        """Show it."""
        if model not in self._tasks:
            self._tasks[model] = self.bar.add_task(model, total=total)
        task = self._tasks[model]
        self.bar.update(task, completed=done)
        if self.bar.disable and (done == total or time.monotonic() >= self._next_line):
            self._next_line = time.monotonic() + _QUIET_S
            left = self.bar.tasks[task].time_remaining
            say(f"{model}: {done:,} of {total:,}" + (f", about {_duration(left)} left" if left else ""))


def _duration(seconds: float) -> str:
    """``3 s``, ``12 min`` or ``1 h 05 min``."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes} min" if seconds >= 100 else f"{seconds:.0f} s"


def _show(collection: Collection) -> None:
    rows = [("model", "strategy", "asked", "drawn", "were there", "failed", "why")]
    rows += [
        (arm.model, arm.strategy, f"{arm.asked:,}", f"{arm.drawn:,}", f"{arm.there:,}", f"{arm.failed:,}", _why(arm))
        for arm in collection.arms.values()
    ]
    for line in aligned(rows):
        print(line.rstrip())


def _why(arm: Arm) -> str:
    """The most frequent reason, and how many others there are."""
    if not arm.why:
        return "-"
    (reason, _), *others = arm.why.most_common()
    return f"{reason} (and {len(others)} other reasons)" if others else reason


def _as_json(
    collection: Collection, pool: Path | None, targets: int, left_out: list[str], pooled: dict[str, Any]
) -> dict[str, Any]:
    arms = [
        {"model": arm.model, "strategy": arm.strategy, "asked": arm.asked, "drawn": arm.drawn, "were_there": arm.there,
         "failed": arm.failed, "why": dict(arm.why)}
        for arm in collection.arms.values()
    ]  # fmt: skip
    about = {"pool": str(pool), "samples": pooled["samples"], "targets": targets, "left_out": left_out}
    return {**about, "arms": arms, "trouble": collection.trouble}
