"""From the records of a run to a TestReport."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

from blampert_env.errors import ProjectError
from blampert_env.grading.process import Run
from blampert_env.grading.report import Method, Outcome, TestReport, Verdict

MAX_FAILURE = 2_000
_LIBRARY = re.compile(r"(?:/[^\s/:'\"]+)+/(?:site-packages|python3\.\d+)/")  # before a library's own path
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
_COMPLETE = (0, 1, 5)  # pytest's exit codes for: all passed, some failed, nothing collected
_ENDED = {
    "timeout": "did not finish within the time limit",
    "output": "wrote too much output",
}


def collected(run: Run, name: str) -> tuple[str, ...]:
    """The test ids of a trusted run.

    Raises:
        ProjectError: A test file cannot be collected, there is no test, or a source cannot be told from another module.
    """
    for record in run.records.of_kind("not_collected"):
        if record["outcome"] == "failed":
            why = _reason(record["failure"])
            raise ProjectError(f"{name}: {record['id'] or 'tests'} cannot be collected ({why}): correct the project")
    for record in run.records.of_kind("outside"):
        raise ProjectError(f"{name}: {record['path']} has the name of another module ({record['file']}): rename it")
    ids = _collected_ids(run)
    if ids:
        return ids
    if run.killed or run.exit_code is not None or not _is_complete(run):
        last = _reason(run.output) or run.killed or f"exit code {run.exit_code}"
        raise ProjectError(f"{name}: collecting the tests failed ({last}): correct the project")
    raise ProjectError(f"{name} has test files but no test in them: write a function whose name starts with test_")


def report(run: Run, ids: Sequence[str], *, secret: bool = False, method: Method = "split") -> TestReport:
    """The report on a candidate.

    Args:
        run: Its run.
        ids: The test ids of the trusted run; others are ignored, those without a result are missing.
        secret: Leave the texts of failures empty, since they may quote held-out tests.
        method: How it was graded.
    """
    outcomes: dict[str, Outcome] = dict.fromkeys(ids, "missing")
    texts: dict[str, str] = {}
    running = _take_results(run, outcomes, texts)
    _take_collection_errors(run, outcomes, texts)
    ended = run.killed or run.exit_code is not None or not run.records.finished
    if running and ended and outcomes[running] == "missing":
        how = f"ended with {run.killed}" if run.killed else f"ended the test process (exit code {run.exit_code})"
        texts[running] = _ENDED.get(run.killed or "", how)
    return TestReport(
        outcomes=outcomes,
        failures={test: "" if secret else tidy(texts[test]) for test in ids if test in texts},
        duration_s=run.seconds,
        killed=run.killed,
        verdict=_verdict(run),
        method=method,
    )


def tampered(ids: Sequence[str], method: Method = "in-process") -> TestReport:
    """The report on files that made a test pass which cannot, or answer what it wants to hear: nothing counts."""
    text = "a test that cannot pass did: the tests were tampered with"
    return TestReport(
        dict.fromkeys(ids, "failed"), dict.fromkeys(ids[:1], text), 0.0, "tampered", "rejected", "in-process"
    )


def without(report: TestReport, tests: Sequence[str]) -> TestReport:
    """The same report, with no result for some tests."""
    return replace(report, outcomes={**report.outcomes, **dict.fromkeys(tests, "missing")}) if tests else report


def silent(report: TestReport) -> TestReport:
    """The same report without what the tests said, which may quote them."""
    return replace(report, failures=dict.fromkeys(report.failures, ""))


def joined(reports: Sequence[TestReport], outcomes: dict[str, Outcome], from_second: Sequence[bool]) -> TestReport:
    """One report of two runs.

    Args:
        reports: Of the two runs.
        outcomes: Each test's, from the run in which it was itself.
        from_second: Whether that was the second, for each of them.
    """
    failures = {
        test: reports[second].failures[test]
        for test, second in zip(outcomes, from_second, strict=True)
        if test in reports[second].failures
    }
    worst = max(reports, key=lambda report: ("ok", "crashed", "timeout").index(report.verdict))
    seconds = sum(report.duration_s for report in reports)
    return TestReport(outcomes, failures, seconds, worst.killed, worst.verdict, "in-process")


def rejected(ids: Sequence[str]) -> TestReport:
    """The report on files that were not run."""
    return TestReport(dict.fromkeys(ids, "missing"), {}, 0.0, None, "rejected")


def tidy(text: str) -> str:
    """A failure's text, the same in every run and on every machine: no addresses, valid Unicode, not too long."""
    text = _ADDRESS.sub("at 0x…", text).encode("utf-8", "replace").decode()
    return _cut(_LIBRARY.sub("", _cut(text, 2 * MAX_FAILURE)), MAX_FAILURE)


def _cut(text: str, size: int) -> str:
    """Without its middle, if it is longer than ``size`` characters; what went wrong is said at the end."""
    gap = "\n[...]\n"
    head = size // 3
    return text if len(text) <= size else text[:head] + gap + text[head + len(gap) - size :]


def _take_results(run: Run, outcomes: dict[str, Outcome], texts: dict[str, str]) -> str | None:
    """Fill in what the tests said; returns the last test that began."""
    running = None
    for record in run.records.all:
        test = record.get("id")
        if not isinstance(test, str) or test not in outcomes:
            continue
        if record["kind"] == "running":
            running = test
        elif record["kind"] == "outcome" and record.get("outcome") in get_args(Outcome):
            if outcomes[test] in ("missing", "passed"):  # said twice: never for the better
                outcomes[test] = record["outcome"]
            if record.get("failure"):
                texts[test] = str(record["failure"])
    return running


def _take_collection_errors(run: Run, outcomes: dict[str, Outcome], texts: dict[str, str]) -> None:
    """A file that cannot be imported: each of its tests has an error, or is skipped."""
    for record in run.records.of_kind("not_collected"):
        where: Any = record.get("id")
        for test, outcome in outcomes.items():
            if outcome == "missing" and (where == "" or test.startswith(f"{where}::")):
                outcomes[test] = "error" if record.get("outcome") == "failed" else "skipped"
                if record.get("outcome") == "failed":
                    texts[test] = str(record.get("failure"))


def _verdict(run: Run) -> Verdict:
    if run.killed == "timeout":
        return "timeout"
    return "ok" if _is_complete(run) else "crashed"


def _is_complete(run: Run) -> bool:
    """Pytest came to its end, and to every test on the way."""
    last = run.records.all[-1] if run.records.finished else {}
    if last.get("code") not in _COMPLETE or last.get("gone"):
        return False
    return len(run.records.of_kind("outcome")) == len(_collected_ids(run))


def _collected_ids(run: Run) -> tuple[str, ...]:
    lists = [record.get("ids") for record in run.records.of_kind("collected")]
    return tuple(str(test) for tests in lists if isinstance(tests, list) for test in tests)


def _reason(text: str) -> str:
    """The line of a traceback, or of pytest's output, that says why."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (errors or lines or [""])[-1]
