"""From the records of a run to a TestReport."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from blampert_env.errors import ProjectError
from blampert_env.grading.process import Run
from blampert_env.grading.report import Door, Outcome, TestReport, Verdict

MAX_FAILURE = 2_000
_LIBRARY = re.compile(r"(?:/[^\s/:'\"]+)+/(?:site-packages|python3\.\d+)/")  # before a library's own path
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
# addresses, UUIDs, times and other long numbers in a parameter's id
_VARYING = re.compile(
    r"0x[0-9a-fA-F]+|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\d{8,}|\d{1,4}([-/.])\d{1,2}\1\d{1,4}|\d\d?:\d\d(?::[\d.]+)?"
)
_COMPLETE = (0, 1, 5)  # pytest's exit codes for: all passed, some failed, nothing collected
_ENDED = {
    "timeout": "did not finish within the time limit",
    "output": "wrote too much output",
}
Records = Sequence[Mapping[str, Any]]


def collected(records: Records, name: str) -> tuple[str, ...]:
    """The test ids that a trusted collection gave; each once.

    Raises:
        ProjectError: Nothing can be collected, or a source cannot be told from another module.
    """
    for record in records:
        if record["kind"] == "not_collected" and record["outcome"] == "failed" and not record["id"]:
            raise ProjectError(f"{name}: the tests cannot be collected ({_reason(record['failure'])}): correct them")
        if record["kind"] == "outside":
            raise ProjectError(f"{name}: {record['path']} has the name of another module ({record['file']}): rename it")
    return tuple(dict.fromkeys(ids_of(records)))


def no_tests(records: Records, name: str) -> ProjectError:
    """Why there is no test in a project."""
    for path, why in broken_files(records).items():
        return ProjectError(f"{name}: {path} cannot be collected ({why}): correct the project")
    return ProjectError(
        f"{name}: pytest collects no test: name them as pytest expects (test_*.py, test_*), set python_files, "
        "or name them in [tool.blampert] tests = [...] of pyproject.toml"
    )


def broken_files(records: Records) -> dict[str, str]:
    """Test files that cannot be imported, and the reason in a line."""
    return {
        str(record["id"]): _reason(str(record["failure"]))
        for record in records
        if record["kind"] == "not_collected" and record["outcome"] == "failed" and record["id"]
    }


def report(run: Run, ids: Sequence[str], *, door: Door = "plain", expected: Sequence[str] | None = None) -> TestReport:
    """The report on a candidate.

    Args:
        run: Its run.
        ids: The test ids of the trusted run; others are ignored, those without a result are missing.
        door: How the tests were run.
        expected: Those that were to be run; all by default.
    """
    expected = ids if expected is None else expected
    outcomes: dict[str, Outcome] = dict.fromkeys(ids, "missing")
    texts: dict[str, str] = {}
    running = _take_results(run, outcomes, texts)
    _take_collection_errors(run, outcomes, texts)
    ended = run.killed or run.exit_code is not None or not run.records.finished
    if running is None and run.killed == "timeout" and expected and outcomes[expected[0]] == "missing":
        texts[expected[0]] = "the time limit was over before a test began"
    elif running and ended and outcomes[running] == "missing":
        how = f"ended with {run.killed}" if run.killed else f"ended the test process (exit code {run.exit_code})"
        texts[running] = _ENDED.get(run.killed or "", how)
    return TestReport(
        outcomes=outcomes,
        failures={test: tidy(texts[test]) for test in ids if test in texts},
        duration_s=run.seconds,
        killed=run.killed,
        verdict=_verdict(run),
        doors=dict.fromkeys(expected, door),
    )


def tampered(ids: Sequence[str], door: Door) -> TestReport:
    """The report on files that made a test pass which cannot, or answer what it wants to hear: nothing counts."""
    text = "a test that cannot pass did: the tests were tampered with"
    doors = dict.fromkeys(ids, door)
    return TestReport(
        dict.fromkeys(ids, "failed"), dict.fromkeys(ids[:1], text), 0.0, "tampered", "rejected", doors=doors
    )


def without(report: TestReport, tests: Sequence[str]) -> TestReport:
    """The same report, with no result for some tests."""
    return replace(report, outcomes={**report.outcomes, **dict.fromkeys(tests, "missing")}) if tests else report


def silent(report: TestReport) -> TestReport:
    """The same report without what the tests said, which may quote them."""
    return replace(report, failures=dict.fromkeys(report.failures, ""))


def joined(parts: Sequence[tuple[TestReport, set[str]]], ids: Sequence[str]) -> TestReport:
    """One report of several runs.

    Args:
        parts: Reports, and the tests that each decides.
        ids: Of all tests, in order.
    """
    outcomes: dict[str, Outcome] = dict.fromkeys(ids, "missing")
    failures: dict[str, str] = {}
    doors: dict[str, Door] = {}
    why: dict[str, str] = {}
    for report, tests in parts:
        outcomes |= {test: report.outcomes[test] for test in tests}
        failures |= {test: text for test, text in report.failures.items() if test in tests}
        doors |= {test: report.doors[test] for test in tests if test in report.doors}
        why |= report.why
    severity = ("ok", "crashed", "timeout", "rejected", "infra")
    worst = max((report for report, _ in parts), key=lambda report: severity.index(report.verdict))
    return TestReport(
        outcomes,
        {test: failures[test] for test in ids if test in failures},
        sum(report.duration_s for report, _ in parts),
        worst.killed,
        worst.verdict,
        doors={test: doors[test] for test in ids if test in doors},
        why=why,
    )


def rejected(ids: Sequence[str]) -> TestReport:
    """The report on files that were not run."""
    return TestReport(dict.fromkeys(ids, "missing"), {}, 0.0, None, "rejected")


def tidy(text: str) -> str:
    """A failure's text, the same in every run and on every machine: no addresses, valid Unicode, not too long."""
    text = _ADDRESS.sub("at 0x…", text).encode("utf-8", "replace").decode()
    return _cut(_LIBRARY.sub("", _cut(text, 2 * MAX_FAILURE)), MAX_FAILURE)


def ids_of(records: Records) -> tuple[str, ...]:
    """Test ids in the order in which they were collected."""
    lists = [record.get("ids") for record in records if record["kind"] == "collected"]
    return tuple(str(test) for tests in lists if isinstance(tests, list) for test in tests)


def _cut(text: str, size: int) -> str:
    """Without its middle, if it is longer than ``size`` characters; what went wrong is said at the end."""
    gap = "\n[...]\n"
    head = size // 3
    return text if len(text) <= size else text[:head] + gap + text[head + len(gap) - size :]


def _take_results(run: Run, outcomes: dict[str, Outcome], texts: dict[str, str]) -> str | None:
    """Fill in what the tests said; returns the last test that began."""
    running = None
    known = by_position(ids_of(run.records.all), outcomes)
    for record in run.records.all:
        test = known.get(str(record.get("id")), str(record.get("id")))
        if test not in outcomes:
            continue
        if record["kind"] == "running":
            running = test
        elif record["kind"] == "outcome" and record.get("outcome") in get_args(Outcome):
            if outcomes[test] in ("missing", "passed"):  # said twice: never for the better
                outcomes[test] = record["outcome"]
            if record.get("failure"):
                texts[test] = str(record["failure"])
    return running


def by_position(found: Sequence[str], outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Ids that vary by process to those of the trusted run: the n-th of a function each, if nothing else differs.

    Args:
        found: Ids, in the order of their run.
        outcomes: By id of the trusted run, in its order.
    """
    strange = [test for test in found if test not in outcomes]
    missing = [test for test in outcomes if test not in set(found)] if strange else []
    groups: dict[str, tuple[list[str], list[str]]] = {}
    for number, tests in enumerate((strange, missing)):
        for test in tests:
            groups.setdefault(_VARYING.sub("#", test), ([], []))[number].append(test)
    return {
        test: known
        for tests, others in groups.values()
        if len(tests) == len(others)
        for test, known in zip(tests, others, strict=True)
    }


def _take_collection_errors(run: Run, outcomes: dict[str, Outcome], texts: dict[str, str]) -> None:
    """A file that cannot be imported: each of its tests has an error, or is skipped."""
    for record in run.records.of_kind("not_collected"):
        where: Any = record.get("id")
        for test, outcome in outcomes.items():
            if outcome == "missing" and (where == "" or test.startswith((f"{where}::", f"{where}/"))):
                outcomes[test] = "error" if record.get("outcome") == "failed" else "skipped"
                if record.get("outcome") == "failed":
                    texts[test] = str(record.get("failure"))


def _verdict(run: Run) -> Verdict:
    if run.killed == "timeout":
        return "timeout"
    last = run.records.all[-1] if run.records.finished else {}
    return "ok" if last.get("code") in _COMPLETE and not last.get("gone") else "crashed"


def _reason(text: str) -> str:
    """The line of a traceback, or of pytest's output, that says why."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (errors or lines or [""])[-1]
