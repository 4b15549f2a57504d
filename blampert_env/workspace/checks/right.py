"""What right code loses: the same code graded by us and by plain pytest, and whether twins vouch for it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from blampert_env.grading import Grader, TestReport
from blampert_env.grading.report import DOORS
from blampert_env.grading.suite import Suite
from blampert_env.projects import Project
from blampert_env.workspace.checks.finding import Finding, counted, some
from blampert_env.workspace.checks.plain import PlainRun, copied, matched, run_plain
from blampert_env.workspace.checks.probe import probe

MANY = 20_000
Say = Callable[[str], None]


@dataclass
class Truth:
    """What plain pytest says of the code that we grade.

    Attributes:
        findings: What is to be said about the runs themselves.
        outcomes: Test id to outcome, of those that say the same twice.
        seconds: What the second run took, with everything compiled; None if there was none.
        hangs: Pytest did not come as far as the first test.
    """

    findings: list[Finding] = field(default_factory=list)
    outcomes: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    hangs: bool = False


def ask_plain(project: Project, sources: Mapping[str, str], python: str, limit_s: float, say: Say) -> Truth:
    """Run plain pytest twice on a copy.

    Raises:
        ProjectError: The project cannot be copied.
    """
    truth = Truth()
    with copied(project, sources) as root:
        options: list[str] = []
        run = run_plain(project, root, python, limit_s=limit_s)
        if not run.started and not run.killed:
            truth.findings.append(Finding("plain pytest", "note", f"does not start as it is configured: {run.said}"))
            kept = shlex.join(Suite(project, "visible").addopts)
            options = ["-o", f"addopts={kept}", "-o", "required_plugins="]
            run = run_plain(project, root, python, options=options, limit_s=limit_s)
        if wrong := _not_run(run, limit_s):
            truth.findings.append(Finding("plain pytest", "failed", wrong))
            truth.hangs = run.killed and not run.started
            return truth
        if (run.collected or 0) > MANY:
            say(f"{run.collected:,} tests: this takes a while")
        again = run_plain(project, root, python, options=options, limit_s=limit_s)
    second = matched(run.outcomes, again.outcomes)
    truth.outcomes = {test: outcome for test, outcome in run.outcomes.items() if second[test] == outcome}
    truth.seconds = again.seconds
    unsteady = {test: f"{run.outcomes[test]}, then {second[test]}" for test in run.outcomes.keys() - truth.outcomes}
    if unsteady:
        text = f"{some(sorted(unsteady))}: something else when it is run twice in one folder"
        truth.findings.append(Finding("plain pytest", "note", text, dict(sorted(unsteady.items()))))
    return truth


def _not_run(run: PlainRun, limit_s: float) -> str:
    """Why there is nothing to compare with; "" if there is."""
    if run.killed and not run.started:
        return f"{run.at or 'pytest'} does not end its import: let it neither wait nor loop there"
    if run.killed:
        return f"{run.at} has not ended {limit_s:.0f} s after the start: make the tests end by themselves"
    if not run.started:
        return f"does not start: {run.said}"
    return "" if run.code is not None else f"ended in {run.at} without a result: {run.said}"


def right(project: Project, grader: Grader, solution: Mapping[str, str], truth: Truth) -> Iterator[Finding]:
    """Grade right code that is new to the grader; without a solution the untouched project, which says less.

    Raises:
        GraderError: The grader itself failed.
    """
    report = grader.grade(probe(solution or project.sources, project.targets))
    if solution:
        yield _doors(grader, report)
        yield _confirmed(grader, solution)
    if truth.outcomes:
        yield _compared(project, grader, solution, truth, report)


def _doors(grader: Grader, report: TestReport) -> Finding:
    counts = Counter(report.doors.values())
    reasons = [*report.why.values(), *(f"{path}: {why}" for path, why in grader.together.items() if why)]
    details: dict[str, object] = {door: f"{count} ({DOORS[door]})" for door, count in counts.items()}
    details |= {f"why {door}": why for door, why in report.why.items()}
    details |= {path: f"not apart: {why}" for path, why in grader.together.items() if why}
    text = ", ".join(f"{counted(count, 'test')} {door}" for door, count in counts.most_common())
    slow = report.why and counts["plain"] + counts["known"] < len(report.doors)
    return Finding("doors", "note" if slow else "ok", text + (f" ({reasons[0]})" if slow else ""), details)


def _confirmed(grader: Grader, solution: Mapping[str, str]) -> Finding:
    """Whether twins vouch for the solution, and whether it keeps what it passed."""
    before, report = grader.grade(solution), grader.confirm(solution)
    gone = {test: report.outcomes[test] for test in before.outcomes if before.outcomes[test] == "passed"}
    gone = {test: outcome for test, outcome in gone.items() if outcome != "passed" and test not in grader.facts.flaky}
    if gone:
        text = f"right code loses {counted(len(gone), 'test')} when twins are asked ({report.killed or 'some'}): "
        return Finding("confirmed", "failed", text + some(gone), gone)
    vouched, passed = len(report.confirmed or ()), report.passed
    if report.confirmed is None:
        return Finding("confirmed", "ok", f"{counted(passed, 'passing test')}: none needs a twin")
    text = f"a twin vouches for {vouched:,} of {counted(passed, 'passing test')}"
    missing = dict.fromkeys(report.unconfirmed, "not confirmed")
    if missing:
        text += f"; not confirmed: {some(missing)}"
    return Finding("confirmed", "ok" if vouched else "note", text, missing)


def _compared(
    project: Project, grader: Grader, solution: Mapping[str, str], truth: Truth, report: TestReport
) -> Finding:
    """Tests that plain pytest passes and we do not, and the other way round."""
    ours = matched(truth.outcomes, report.outcomes)
    counts = {test for test in truth.outcomes if test not in grader.facts.flaky}
    passing = {test for test in counts if truth.outcomes[test] == "passed"}
    lost = [test for test in ours if test in passing and ours[test] not in ("passed", "skipped")]
    gained = [test for test in ours if test in counts - passing and ours[test] == "passed"]
    what = "the solution" if solution else "the untouched code, as there is no solution"
    if lost:
        if not all(test in report.failures for test in lost):
            report = grader.grade(probe(solution or project.sources, project.targets), first=lost)
        why = {test: _why(test, ours[test], report) for test in lost}
        text = f"loses {len(lost):,} of {counted(len(passing), 'test')} that plain pytest passes on {what}: "
        return Finding("right code", "failed", f"{text}{lost[0]}: {why[lost[0]]}", why)
    text = f"keeps all {counted(len(passing), 'test')} that plain pytest passes on {what}"
    if gained:
        extra = dict.fromkeys(gained, "passes here, not in plain pytest")
        return Finding("right code", "note", f"{text}; passes here only: {some(gained)}", extra)
    return Finding("right code", "ok", text)


def _why(test: str, outcome: str, report: TestReport) -> str:
    """Outcome, door and the line of the failure that says most."""
    if test not in report.outcomes:
        return "pytest does not collect it here"
    lines = [line.strip() for line in report.failures.get(test, "").splitlines() if line.strip()]
    said = next((line[1:].strip() for line in lines if line.startswith("E ")), lines[-1] if lines else "no text")
    door = report.doors.get(test)
    return f"{outcome}{f' ({door})' if door else ''}: {said}"
