"""Whether a project can be trained on, and whether right code loses anything: what a user runs first."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from blampert_env.errors import BlampertError, ProjectError, UsageError
from blampert_env.grading import make_grader
from blampert_env.projects import Project, load_solution
from blampert_env.workspace.checks.cost import cost
from blampert_env.workspace.checks.finding import Finding, Status, counted, some
from blampert_env.workspace.checks.known import known
from blampert_env.workspace.checks.plain import LIMIT_S
from blampert_env.workspace.checks.plugins import Missing, missing_plugins, pip_names
from blampert_env.workspace.checks.right import Say, Truth, ask_plain, right


def check_project(
    folder: Path,
    python: str | None = None,
    say: Say = lambda line: None,
    limit_s: float = LIMIT_S,
) -> list[Finding]:
    """Run every check; what goes wrong in one is its finding, and the others go on.

    Args:
        folder: The project.
        python: The interpreter that runs the tests; this one by default.
        say: Called with a line before something that takes time.
        limit_s: Seconds that plain pytest may take.

    Raises:
        UsageError: ``python`` is no program, or does not run.
    """
    return list(_checks(folder, _interpreter(python), say, limit_s))


def problems(findings: list[Finding]) -> list[Finding]:
    """Those that failed."""
    return [finding for finding in findings if finding.status == "failed"]


def _interpreter(python: str | None) -> str:
    """Its absolute path, links kept: a virtual environment's python is one."""
    path = shutil.which(os.path.expanduser(python)) if python else sys.executable
    if not path:
        raise UsageError(f"--python {python} is no program: give the path of a Python interpreter with pytest")
    return os.path.abspath(path)


def _checks(folder: Path, python: str, say: Say, limit_s: float) -> Iterator[Finding]:
    try:
        project, given = Project.load(folder), load_solution(folder)
    except ProjectError as error:
        hint = f"; or make a project of a repository: blampert import repository {folder}"
        yield Finding("targets", "failed", str(error) + (hint if str(error).startswith("no TODOs") else ""))
        return
    ids = [target.id for target in project.targets]
    kinds = {target.id: target.kind for target in project.targets}
    yield Finding("targets", "ok", f"{counted(len(ids), 'target')}: {some(ids, 5)}", kinds)
    yield from _plugins(project, python)
    solution = {path: text for path, text in given.items() if path in project.sources}
    if not given:
        text = "none given; with solution/<file>.py it can be seen that the tests can pass"
        yield Finding("solution", "skipped", text)
    for path in sorted(given.keys() - solution.keys()):
        yield Finding("solution", "failed", f"solution/{path} stands for no source of the project: rename it")
    say(f"running plain pytest on {'the solution' if solution else 'the untouched code'}")
    try:
        truth = ask_plain(project, {**project.sources, **solution}, python, limit_s, say)
    except ProjectError as error:
        yield Finding("plain pytest", "failed", str(error))
        return
    yield from truth.findings
    if not truth.hangs:
        yield from _graded(project, python, solution, truth, say)


def _plugins(project: Project, python: str) -> Iterator[Finding]:
    """Plugins that are asked for and not there."""
    missing = missing_plugins(project, python)
    sorts: dict[Status, list[Missing]] = {
        "failed": [one for one in missing if one.is_required],
        "note": [one for one in missing if not one.is_required],
    }
    for status, found in sorts.items():
        if found:
            asked = some([f"{one.file} asks for {one.name}" for one in found], 5)
            text = f"{asked}, not installed: pip install {pip_names(found)}, and name it in requirements.txt"
            yield Finding("plugins", status, text, {one.name: one.file for one in found})


def _graded(project: Project, python: str, solution: Mapping[str, str], truth: Truth, say: Say) -> Iterator[Finding]:
    """What the grader says."""
    with make_grader(project, python=python) as grader:
        say("opening the project")
        started = time.perf_counter()
        try:
            facts = grader.facts
        except BlampertError as error:
            passed = sum(outcome == "passed" for outcome in truth.outcomes.values())
            lost = f" (plain pytest passes {counted(passed, 'test')}: right code loses them all)" if passed else ""
            yield Finding("collect", "failed", str(error) + lost)
            return
        opening_s = time.perf_counter() - started
        yield from known(project, facts)
        if facts.baseline.killed:
            return
        try:
            say("grading right code")
            yield from right(project, grader, solution, truth)
            say("measuring")
            yield cost(project, grader, {**project.sources, **solution}, truth.seconds, opening_s)
        except BlampertError as error:
            yield Finding("grading", "failed", str(error))
    if project.held_out and solution:
        say("running the held-out tests")
        yield _held_out(project, solution, python)


def _held_out(project: Project, solution: Mapping[str, str], python: str) -> Finding:
    """The held-out tests on the reference solution."""
    try:
        with make_grader(project, python=python, tests="held_out") as grader:
            report = grader.grade(solution)
    except BlampertError as error:
        return Finding("held-out", "failed", str(error))
    status: Status = "ok" if report.all_passed else "failed"
    return Finding("held-out", status, f"the solution passes {report.passed:,} of {counted(report.total, 'test')}")
