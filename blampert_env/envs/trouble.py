"""One line on a project whose tests would not do right code justice; what is known anyway is looked at, no more."""

from __future__ import annotations

import logging
import threading

from blampert_env.grading import Grader

_log = logging.getLogger(__name__)
_told: set[str] = set()
_telling = threading.Lock()


def trouble(grader: Grader) -> str:
    """What the grader found out when it opened the project: files that cannot be imported, flaky tests, a solution that
    fails tests; "" if all is well.

    Raises:
        GraderError: The grader itself failed.
        ProjectError: The project cannot be graded.
    """
    facts = grader.facts
    found = [f"{path} cannot be imported ({why})" for path, why in (facts.broken or {}).items()][:1]
    if facts.flaky:
        found.append(f"{len(facts.flaky)} of its tests are flaky, such as {min(facts.flaky)}")
    if facts.reference is not None:
        counted = facts.reference.outcomes.keys() - facts.baseline.uncounted - facts.flaky
        lost = sorted(test for test in counted if facts.reference.outcomes[test] != "passed")
        if lost:
            found.append(f"its own solution does not pass {len(lost)} of {len(counted)} tests, such as {lost[0]}")
    return "; ".join(found)


def unconfirmed(grader: Grader) -> str:
    """What twins say of the project's own solution, if they say anything wrong; "" if all is well, or there is none.

    Costs two runs of all tests the first time; the answer is kept on disk.

    Raises:
        GraderError: The grader itself failed.
        ProjectError: The project cannot be graded.
    """
    from blampert_env.projects import load_solution

    root = grader.project.root
    solution = load_solution(root) if root is not None else {}
    if not solution or grader.facts.baseline.killed:
        return ""
    graded, report = grader.grade(solution), grader.confirm(solution)
    if report.passed < graded.passed:
        lost = [test for test, outcome in graded.outcomes.items() if outcome == "passed" != report.outcomes[test]]
        return f"its own solution loses {len(lost)} tests when it is confirmed, such as {lost[0]}"
    if report.passed and report.confirmed is not None and not report.confirmed:
        return "no passing test can be confirmed"
    return ""


def warn_of_trouble(grader: Grader, *, thorough: bool = False) -> None:
    """Log :func:`trouble` of a project, once a process.

    Args:
        grader: Of the project.
        thorough: Ask :func:`unconfirmed`, too.

    Raises:
        GraderError: The grader itself failed.
        ProjectError: The project cannot be graded.
    """
    said = [line for line in (trouble(grader), unconfirmed(grader) if thorough else "") if line]
    for line in said:
        with _telling:
            key = f"{grader.project.fingerprint} {grader.project.root} {line}"
            is_new = key not in _told
            _told.add(key)
        if is_new:
            where = grader.project.root or grader.project.name
            _log.warning("%s: %s: see `blampert project check %s`", grader.project.name, line, where)
