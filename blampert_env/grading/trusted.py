"""What is found out about a project before any candidate is judged: its tests, its time, and how it can be graded."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from blampert_env.errors import GraderError, ProjectError
from blampert_env.grading import cold, jailed, judge
from blampert_env.grading.jailed import Options
from blampert_env.grading.process import Run
from blampert_env.grading.report import Method, Outcome, TestReport
from blampert_env.grading.server import ServerFailed, drop_idle, server, supported
from blampert_env.grading.suite import Suite
from blampert_env.grading.twins import Half, make_halves, test_texts
from blampert_env.projects import load_solution

Isolation = Literal["default", "strict", "none"]

TRUSTED_LIMIT_S = 60.0
MIN_LIMIT_S = 2.0
LIMIT_FACTOR = 10.0
# without these, a candidate can reach what is not its own
STRICT = ("mount-namespace", "pid-namespace", "network-namespace", "seccomp")


@dataclass(frozen=True, slots=True)
class Trusted:
    """What trusted runs gave.

    Attributes:
        baseline: The report on the untouched project.
        limit_s: Seconds that a candidate's tests may take.
        method: How candidates are graded.
        why: Why not split, where that is so; else "".
        flaky: Ids of tests that do not always say the same of the same code.
        twins: In-process only: ids of the twins that fail for trusted code.
        shuffles: Whether trusted code passes the same tests in any order.
        mutable: Files of the project that its reference solution changes.
    """

    baseline: TestReport
    limit_s: float
    method: Method
    why: str
    flaky: frozenset[str]
    twins: frozenset[str] = frozenset()
    shuffles: bool = True
    mutable: tuple[str, ...] = ()


class Engine:
    """Runs a project's tests in whatever way was decided for it.

    Args:
        suite: The tests.
        python: The interpreter.
        isolation: As for :func:`blampert_env.grading.make_grader`.
    """

    def __init__(self, suite: Suite, python: str, isolation: Isolation) -> None:
        self.suite, self.python, self.isolation = suite, python, isolation
        self._specs: dict[str, dict[str, Any]] = {}
        self._halves: tuple[Half, Half] | None = None

    def run(
        self, method: Method, sources: Mapping[str, bytes], options: Options, files: Mapping[str, bytes] | None = None
    ) -> Run:
        """One run; once more if the machine, not the candidate, failed.

        Args:
            method: How.
            sources: The candidate's.
            options: Limit, seed, order.
            files: In-process only: test files with twins in them.

        Raises:
            GraderError: It failed twice.
        """
        for attempt in (1, 2):
            try:
                return self._run(method, sources, options, files)
            except (ServerFailed, cold.RunnerFailed, OSError) as error:
                if self.isolation != "none":
                    drop_idle(self.python)
                if attempt == 2:
                    raise GraderError(f"cannot grade {self.suite.project.name}: {error}") from error
        raise AssertionError("unreachable")

    def _run(
        self, method: Method, sources: Mapping[str, bytes], options: Options, files: Mapping[str, bytes] | None
    ) -> Run:
        if method == "subprocess":
            return cold.evaluate(self.suite, self.python, sources, options.limit_s)
        found = server(self.python)
        mode: jailed.Mode = "split" if method == "split" else "whole"
        return jailed.evaluate(found, self.suite, self.spec(mode), {**sources, **(files or {})}, options)

    def spec(self, mode: jailed.Mode) -> dict[str, Any]:
        """The project as a lane is told of it."""
        if mode not in self._specs:
            self._specs[mode] = jailed.specification(
                self.suite, mode, [half.files for half in self.halves()] if mode == "whole" else []
            )
        return self._specs[mode]

    def halves(self) -> tuple[Half, Half]:
        """The two runs in which tests are made wrong: drawn once, which no candidate outlives."""
        if self._halves is None:
            self._halves = make_halves(test_texts(self.suite.protected, self.suite.test_files))
        return self._halves

    def run_both(
        self, sources: Mapping[str, bytes], options: Options, ids: tuple[str, ...]
    ) -> tuple[TestReport, dict[str, Outcome]]:
        """In-process runs of both halves.

        Returns:
            What the tests said, and what their twins did, by id.

        Raises:
            GraderError: One failed twice.
        """
        reports = []
        if not options.seed:  # tests that depend on their order keep it, wherever their text stands
            options = replace(options, first=ids)
        for half in self.halves():
            files = {path: text.encode() for path, text in half.files.items()}
            reports.append(judge.report(self.run("in-process", sources, options, files), ids, method="in-process"))
        first_has_twin = [self.halves()[0].has_twin_of(test) for test in ids]
        tests = {test: reports[in_first].outcomes[test] for test, in_first in zip(ids, first_has_twin, strict=True)}
        twins = {
            test: reports[not in_first].outcomes[test]
            for test, in_first in zip(ids, first_has_twin, strict=True)
            if in_first or self.halves()[1].has_twin_of(test)
        }
        return judge.joined(reports, tests, first_has_twin), twins

    def layers(self) -> tuple[str, ...]:
        """The isolation layers in force."""
        if self.isolation == "none" or not supported():
            return ("process-group", "limits")
        try:
            found = server(self.python)
            zygote = jailed.stage(found, self.spec("whole"))["layers"]
        except ServerFailed as error:
            if "UsageError" in str(error):  # pytest's own word for what the project's configuration asks for
                raise ProjectError(
                    f"{self.suite.project.name}: {error}: correct the project's configuration"
                ) from error
            raise GraderError(f"cannot grade {self.suite.project.name}: {error}") from error
        return tuple(dict.fromkeys(["process-group", *found.facts["layers"], *zygote]))

    def key(self) -> str:
        """What a decision depends on."""
        spec = self.spec("split")["id"]  # that of "whole" holds names drawn at random
        return hashlib.sha256(json.dumps([spec, self.python, sys.version, self.isolation]).encode()).hexdigest()


def find_out(engine: Engine) -> Trusted:
    """Run the untouched project, and the reference solution if there is one, and decide how candidates are graded.

    Raises:
        GraderError: The grader itself failed, or ``strict`` cannot be had.
        ProjectError: The tests cannot be collected, or there are none.
    """
    if engine.isolation == "none" or not supported():
        if engine.isolation != "none":
            warnings.warn(
                "grading without a sandbox: this system offers none; grade only code that you trust", stacklevel=3
            )
        return _plain(engine)
    _check_strict(engine)
    options = Options(TRUSTED_LIMIT_S, enforces=False)
    first = engine.run("in-process", {}, options)
    ids = judge.collected(first, engine.suite.project.name)
    reference = _reference(engine.suite)
    sources = [{}, reference] if reference else [{}]
    runs = [first, *(engine.run("in-process", source, options) for source in sources[1:])]
    reports = [judge.report(run, ids) for run in runs]
    why, mutable = "the untouched project does not end", tuple[str, ...]()
    if not first.killed:
        why, mutable = _why_not_split(engine, ids, sources, reports)
    if why and engine.isolation == "strict":
        raise GraderError(f"isolation='strict' needs split tests, and {engine.suite.project.name} {why}: use 'default'")
    method: Method = "in-process" if why else "split"
    flaky, shuffles = _repeat(engine, method, ids, sources[-1], reports[-1])
    limit_s = max(MIN_LIMIT_S, LIMIT_FACTOR * max(run.seconds for run in runs))
    if any(run.killed for run in runs):
        limit_s = TRUSTED_LIMIT_S
    twins = _twins_that_fail(engine, ids, sources) if method == "in-process" else frozenset()
    final = judge.report(engine.run(method, {}, options), ids, method=method)
    return Trusted(final, limit_s, method, why, flaky, twins, shuffles, mutable)


def _repeat(
    engine: Engine, method: Method, ids: tuple[str, ...], sources: Mapping[str, bytes], expected: TestReport
) -> tuple[frozenset[str], bool]:
    """Tests that say something else of the same code, and whether their order may change."""
    shuffled = Options(TRUSTED_LIMIT_S, "another order", enforces=False)
    found = _different(judge.report(engine.run(method, sources, shuffled), ids), expected)
    if not found:
        return frozenset(), True
    again = engine.run(method, sources, Options(TRUSTED_LIMIT_S, enforces=False))
    return frozenset(_different(judge.report(again, ids), expected)), False


def _different(one: TestReport, other: TestReport) -> list[str]:
    return [test for test, outcome in other.outcomes.items() if one.outcomes[test] != outcome]


def _plain(engine: Engine) -> Trusted:
    run = engine.run("subprocess", {}, Options(TRUSTED_LIMIT_S))
    ids = judge.collected(run, engine.suite.project.name)
    limit_s = TRUSTED_LIMIT_S if run.killed else max(MIN_LIMIT_S, LIMIT_FACTOR * run.seconds)
    return Trusted(judge.report(run, ids, method="subprocess"), limit_s, "subprocess", "isolation='none'", frozenset())


def _check_strict(engine: Engine) -> None:
    """Strict refuses; otherwise a missing layer is said once a process."""
    layers = engine.layers()
    missing = [layer for layer in STRICT if layer not in layers]
    if missing and engine.isolation == "strict":
        raise GraderError(f"isolation='strict' needs {', '.join(missing)}, which this system refuses: use 'default'")
    if missing:
        warnings.warn(f"the sandbox lacks {', '.join(missing)}: grade only code that you trust", stacklevel=4)


def _reference(suite: Suite) -> dict[str, bytes]:
    """The project's own solution, if it has one: what honest code does, and how long it takes."""
    root = suite.project.root
    solution = load_solution(root) if root is not None else {}
    return {path: text.encode() for path, text in solution.items() if path in suite.project.sources}


def _why_not_split(
    engine: Engine, ids: tuple[str, ...], sources: Sequence[Mapping[str, bytes]], reports: Sequence[TestReport]
) -> tuple[str, tuple[str, ...]]:
    """Why tests and candidate must share a process, one line, "" if they need not; files that trusted code changes."""
    reasons = engine.suite.reasons_not_to_split
    if reasons:
        return reasons[0], ()
    try:
        staged = jailed.stage(server(engine.python), engine.spec("split"))
    except ServerFailed as error:
        return f"could not be staged ({error})", ()
    if staged["unsupported"]:
        return f"hands {staged['unsupported'][0]} to the candidate", ()
    mutable: set[str] = set()
    for source, expected in zip(sources, reports, strict=True):
        run = engine.run("split", source, Options(TRUSTED_LIMIT_S, enforces=False))
        found = judge.report(run, ids)
        last = run.records.all[-1] if run.records.all else {}
        if last.get("unsupported"):
            return f"hands {last['unsupported'][0]} to the candidate", ()
        mutable.update(last.get("changed", ()))
        different = _different(found, expected)
        # the untouched project fails almost everything either way: what its tests say must agree, too
        different += [test for test in found.failures if _kind(found, test) != _kind(expected, test)]
        if different:
            return f"has a test that says something else when it is split ({different[0]})", ()
    return "", tuple(sorted(mutable))


def _kind(report: TestReport, test: str) -> str:
    """The exception that a test ended with."""
    lines = [line for line in report.failures.get(test, "").splitlines() if line.startswith("E  ")]
    return re.split(r"[:\s(]", lines[0][1:].strip(), maxsplit=1)[0].rpartition(".")[2] if lines else ""


def _twins_that_fail(engine: Engine, ids: tuple[str, ...], sources: Sequence[Mapping[str, bytes]]) -> frozenset[str]:
    """Tests whose twins fail, as they must, for all trusted code; the others prove nothing."""
    found = set(ids)
    for source in sources:
        _, twins = engine.run_both(source, Options(TRUSTED_LIMIT_S, "twins", enforces=False), ids)
        found &= {test for test, outcome in twins.items() if outcome in ("failed", "error")}
    return frozenset(found)
