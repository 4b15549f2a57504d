"""Look for a better way of asking: an optimizer of DSPy changes a strategy's words or demos, the tests decide."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blampert_env.cli.options import add_grading, add_json, aligned, say
from blampert_env.commands import natural, positive
from blampert_env.errors import UsageError
from blampert_env.training.places import find_places

if TYPE_CHECKING:
    from blampert_env.coding import Strategy
    from blampert_env.training.exam import Exam, Task
    from blampert_env.training.optimizing import Found


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("projects", metavar="PROJECT", nargs="+", help="names or folders of projects: their functions are the examples")
    add("-o", "--output", type=Path, required=True, metavar="FILE", help="YAML file that gets the new strategy")
    add("--strategy", default="direct", metavar="NAME", help="where to begin (default: direct)")
    add("--strategies", metavar="FILE", help="the file that has it (default: those that ship with Blampert)")
    add("--optimizer", choices=("gepa", "mipro", "bootstrap"), default="gepa", help="of DSPy (default: gepa)")
    add("--budget", type=positive, metavar="N", help="evaluations at the most (default: 10 a function)")
    add("--model", default="auto", help="who writes: embedded, small, large, ollama/<m>, openai/<m>, any LiteLLM name")
    add("--reflection-model", metavar="M", help="who proposes instructions (default: the same)")
    add("--validation", type=_share, default=0.5, metavar="S", help="share of functions to validate on (default: 0.5)")
    add("--seed", type=natural, default=0, help="of the division, the optimizer and the samples (default: 0)")
    add_grading(parser, "solution")
    add("--workspace", type=Path, metavar="DIR", help="take projects and settings from there")
    add_json(parser)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert optimize") -> int:
    """Entry point; returns the exit code: 0 if something better was found and written, 1 if not."""
    from blampert_env.coding import Coder
    from blampert_env.coding.strategy_file import add_strategy, check_strategy_file
    from blampert_env.projects import Project, find_project
    from blampert_env.training.exam import Exam, open_tasks, split

    arguments = build_parser(prog).parse_args(argv)
    os.environ.setdefault("TQDM_DISABLE", "1")  # DSPy's bars would stand between our lines; read when tqdm is imported
    check_strategy_file(arguments.output)
    strategy, places = _start(arguments), find_places(arguments.workspace, default=True)
    projects = [Project.load(find_project(name, places.projects)) for name in arguments.projects]
    roots = {project.name: project.root for project in projects if project.root}
    lm = places.language_model(arguments.model, [strategy])
    reflection = places.language_model(arguments.reflection_model, ()) if arguments.reflection_model else lm
    from blampert_env.training.optimizing import check_installed, optimize

    check_installed(arguments.optimizer)
    grading = {"isolation": arguments.isolation, "timeout_s": arguments.timeout_s}
    with open_tasks(projects, python=arguments.python or places.python(roots), **grading) as tasks:
        train, validation = split(tasks, arguments.validation, arguments.seed)
        budget = arguments.budget or 10 * len(tasks)
        asked, reflects = lm.other(strategy.model).name, "" if arguments.optimizer == "bootstrap" else reflection.name
        say(f"{strategy.name} by {arguments.optimizer}: at most {budget} evaluations on {len(train)} functions to "
             f"learn from and {len(validation)} to validate on; {asked} writes"
             + (f", {reflects} reflects" if reflects else ""))  # fmt: skip
        exam = Exam(Coder(lm), train, validation, budget=budget, draw=arguments.seed, tell=_tell)
        found = optimize(strategy, exam, optimizer=arguments.optimizer, reflection=reflection, seed=arguments.seed)
    about = _about(found, arguments, sorted(roots), (len(train), len(validation)), asked, reflects)
    best = found.best
    if found.better:
        say(f"found: {best.instructions or f'{len(best.demos)} demos'}")
        name, what = f"{strategy.name}-{arguments.optimizer}", strategy.description.rstrip(".")
        named = replace(best, name=name, description=f"{what}; found by {arguments.optimizer}.".lstrip("; "))
        best = add_strategy(arguments.output, named, about)
    _report(found, best, arguments, about)
    return 0 if found.better else 1


def _share(text: str) -> float:
    """An argparse type: a share above 0 and below 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share above 0 and below 1, such as 0.5")
    return value


def _start(arguments: argparse.Namespace) -> Strategy:
    """The strategy to begin with.

    Raises:
        ConfigError: There is none of this name.
        UsageError: It cannot be asked on an untouched function.
    """
    from blampert_env.coding import load_strategies

    (strategy,) = load_strategies(arguments.strategies, [arguments.strategy])
    if strategy.needs_attempt:
        needs = "the examples of an episode" if "examples" in strategy.show else "an attempt that failed"
        raise UsageError(f"--strategy {strategy.name} needs {needs}: take one that asks on an untouched function")
    return strategy


def _tell(task: Task, score: float, exam: Exam) -> None:
    """One line an evaluation, while it goes on."""
    say(f"{exam.evaluations:4}/{exam.budget}  {task.name}: {score:.2f} of its tests ({len(exam.scores)} tried)")


def _about(
    found: Found, arguments: argparse.Namespace, projects: list[str], counts: tuple[int, int], model: str, reflects: str
) -> dict[str, Any]:
    """How it was found, and its figures: `found:` in the file, and the JSON."""
    before, after = (None if score is None else round(score, 4) for score in (found.before, found.after))
    return {
        "by": arguments.optimizer,
        "from": found.start.name,
        "date": date.today().isoformat(),
        "model": model,
        "reflection_model": reflects,
        "projects": projects,
        "seed": arguments.seed,
        "learnt_from": counts[0],
        "validated_on": counts[1],
        "score_before": before,
        "score_after": after,
        "tried": found.tried,
        "evaluations": found.evaluations,
        "reflections": found.reflections,
        "unread": found.unread,
        "ended": found.ended,
    }


def _report(found: Found, best: Strategy, arguments: argparse.Namespace, about: dict[str, Any]) -> None:
    """What came of it, on stdout."""
    if found.trouble:
        say(found.trouble)
    if arguments.json:
        written = {"strategy": best.name, "file": str(arguments.output)} if found.better else {}
        texts = {"instructions": best.instructions, "demos": [dict(demo) for demo in best.demos]}
        print(json.dumps({**about, "better": found.better, **written, **texts}, indent=2))
        return
    if found.before is not None:
        rows = [("strategy", f"score on {about['validated_on']} functions"), (found.start.name, f"{found.before:.2f}")]
        rows += [(best.name, f"{found.after:.2f}")] if found.better else []
        print("\n".join(line.rstrip() for line in aligned(rows)))
    said = f"wrote {best.name} to {arguments.output}" if found.better else "nothing better was found or written"
    unread = f" ({found.unread} could not be read)" if found.unread else ""
    print(f"{said} ({found.ended}; {found.evaluations} evaluations, {found.reflections} reflections{unread}, "
          f"{found.tried} ways of asking tried, {found.seconds:.0f} s)")  # fmt: skip
