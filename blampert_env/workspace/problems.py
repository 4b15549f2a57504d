"""Whether an imported problem can be trained on: its author's code passes its tests, and its stubs do not."""

from __future__ import annotations

import re
from collections.abc import Mapping

from blampert_env.errors import ProjectError
from blampert_env.grading import TestReport, make_grader
from blampert_env.projects import Project
from blampert_env.projects.importers.problems import Problem, Refused
from blampert_env.workspace.validate import validate_stubs

_NETWORK = re.compile(
    r"^E .*(?:\bgaierror|\bURLError|\bConnectionError|\bConnectTimeout|Network is unreachable|"
    r"Name or service not known|Temporary failure in name resolution)",
    re.MULTILINE,
)
_APART = "cannot go between the tests' and the candidate's process"
_MISSING = re.compile(r"No module named '(\w+)")


def checked(problem: Problem) -> tuple[Problem, Mapping[str, str]]:
    """Run a problem's tests, held-out ones too, on its author's code and on its stubs.

    Returns:
        The problem, and ids of targets that are none any more, to the reason: where there are several, those that no
        test misses keep their author's code.

    Raises:
        Refused: It cannot be trained on; the message says why, without saying which it is.
        GraderError: The grader itself failed.
    """
    given: Mapping[str, str] = {}
    try:
        _check(problem, "visible")
        if len(problem.project.targets) > 1:
            given = validate_stubs(problem.project, problem.solution).refused
            if len(given) == len(problem.project.targets):
                raise Refused("its tests miss none of its functions")
            problem = problem.without(given) if given else problem
        if problem.project.held_out:
            _check(problem, "held_out")
    except ProjectError as error:
        said = str(error).removeprefix(f"{problem.project.name}: ")
        raise Refused(_not_here(said) or f"cannot be graded: {said}") from None
    return problem, given


def _check(problem: Problem, tests: str) -> None:
    with make_grader(problem.project, tests="held_out" if tests == "held_out" else "visible") as grader:
        report = grader.grade(problem.solution)
        if not report.all_passed:
            raise Refused(_why_failed(report))
        if grader.baseline.all_passed:
            raise Refused("its tests pass without any code")


def _why_failed(report: TestReport) -> str:
    """What the author's code lacks on this machine; else it is wrong."""
    said = "\n".join(report.failures.values())
    if _NETWORK.search(said):
        return "its tests need the network, and there is none where tests are run"
    if _APART in said:
        return "its own code is not plain, and its tests need it in their process"
    return _not_here(said) or "its own code fails its tests"


def _not_here(said: str) -> str:
    missing = _MISSING.search(said)
    return f"needs a package that is not installed: {missing[1]}" if missing else ""


def outcomes_now(project: Project, python: str | None = None) -> Mapping[str, str]:
    """What a project's visible tests say of its code as it is: test id to outcome.

    Raises:
        ProjectError: The tests cannot be collected, or do not come to an end.
        GraderError: The grader itself failed.
    """
    with make_grader(project, python=python) as grader:
        report = grader.baseline
    if report.killed:
        raise ProjectError(f"{project.name}: its tests were ended by {report.killed}: put aside the one that was")
    return report.outcomes
