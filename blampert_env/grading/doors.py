"""Through which door a candidate goes, and what comes of it.

Plain code (`triage`) is run in the tests' own process: in a fork of the collected session where only the code of
functions differs, else in one that imports everything anew. What is not plain is run apart from the tests, file by file
where these allow it, and with impossible twins where they do not, or where something cannot be carried between two
processes. A plain verdict is confirmed with twins before anything is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from blampert_env.errors import GraderError
from blampert_env.grading import judge
from blampert_env.grading.confirming import Twins
from blampert_env.grading.edits import Edits, compare
from blampert_env.grading.engine import Engine
from blampert_env.grading.jailed import Options
from blampert_env.grading.opening import TRUSTED_LIMIT_S, Facts, State, affected
from blampert_env.grading.reach import is_rewritten, what_it_reaches, writes_files
from blampert_env.grading.report import TestReport
from blampert_env.grading.running import Runner, Wish
from blampert_env.grading.store import ReportStore
from blampert_env.grading.triage.learnt import LearningTriage

_log = logging.getLogger(__name__)


class Doors:
    """Grades candidates of one project.

    Args:
        engine: Runs the tests.
        facts: Of the project.
        store: Keeps what is found out later.
        engine_key: The engine's; it hashes every file, so it is asked for once.
    """

    def __init__(self, engine: Engine, facts: Facts, store: ReportStore, engine_key: str) -> None:
        self.engine, self.facts = engine, facts
        self.engine_key = engine_key
        self.runner = Runner(engine, facts)
        self.twins = Twins(self.runner, store, self.engine_key)
        self.project = engine.suite.project
        self.tests_python = dict(engine.suite.trusted_python())

    @cached_property
    def triage(self) -> LearningTriage:
        """Tells plain code from other."""
        return LearningTriage(
            self.project.sources,
            reference=self.engine.reference,
            tests=self.tests_python,
            modules=self.engine.suite.modules,
        )

    def grade(self, sources: Mapping[str, str], wish: Wish) -> TestReport:
        """The report on a candidate.

        Args:
            sources: The whole text of the sources.
            wish: What else is asked for.

        Raises:
            GraderError: The grader itself failed, or ``strict`` cannot be had.
        """
        if not self.engine.jailed:
            run = self.engine.run("fresh", sources, Options(wish.limit_s))
            return self._counted(judge.report(run, self.facts.ids, door="subprocess"))
        strict = self.engine.isolation == "strict"
        reasons = ("isolation='strict'",) if strict else self.triage.reasons(sources)
        report = self._suspicious(sources, wish, reasons[0]) if reasons else self._plain(sources, wish)
        return self._counted(report)

    def _counted(self, report: TestReport) -> TestReport:
        return replace(report, uncounted=self.facts.baseline.uncounted)

    # plain code

    def _plain(self, sources: Mapping[str, str], wish: Wish) -> TestReport:
        edits = compare(self.engine.base, sources)
        state, wanted = self._chosen(sources, edits)
        ids = self.facts.ids
        expected = [test for test in ids if test in wanted]
        options = replace(self.runner.options(wish), run=None if len(expected) == len(ids) else expected)
        parts: list[tuple[TestReport, set[str]]] = []
        if wanted:
            run = self.runner.in_a_fork(sources, edits, options) or self.runner.run("fresh", sources, options)
            parts.append((judge.report(run, ids, expected=expected), wanted))
        if state is not None and len(expected) < len(ids):
            known = set(ids) - wanted
            doors = dict.fromkeys(known, "known")
            rest = TestReport(state.outcomes, state.failures, 0.0, None, "ok", doors=doors)  # type: ignore[arg-type]
            parts.append((rest, known))
        return judge.joined(parts, ids)

    def _chosen(self, sources: Mapping[str, str], edits: Edits) -> tuple[State | None, set[str]]:
        """The tests that must be run, and the trusted state that has the outcomes of the others; None: run all."""
        ids = set(self.facts.ids)
        if self.facts.ordered:
            return None, ids
        found: list[tuple[State, set[str]]] = []
        for state, base in ((self.facts.untouched, self.project.sources), (self.facts.reference, self.runner.right)):
            if state is not None:
                differing = edits if base == self.engine.base else compare(base, sources)
                if not differing.rest and not differing.functions & self.facts.at_import:
                    tests = affected(self.facts, differing.functions, state, self.tests_python)
                    found.append((state, tests))
        return min(found, key=lambda one: len(one[1]), default=(None, ids))

    # what is not plain

    def _suspicious(self, sources: Mapping[str, str], wish: Wish, reason: str) -> TestReport:
        """Apart where the test file allows it; with twins where not, and what fails apart, unless it reaches out."""
        ids, files = self.facts.ids, {test: test.split("::")[0] for test in self.facts.ids}
        together = {**self.engine.together, **self._not_carried}
        apart = {test for test, path in files.items() if together.get(path, "is no test file") == ""}
        parts: list[tuple[TestReport, set[str]]] = []
        rest = set(ids) - apart
        if apart:
            report = self._apart(sources, wish, apart)
            if report.verdict == "rejected":
                return report
            parts.append((replace(report, why={"apart": f"not plain: {reason}"}), apart))
            stars = any("import *" in text for text in self.tests_python.values())
            is_odd = writes_files(self._trusted, sources) or is_rewritten(self.project.sources, sources, stars=stars)
            if report.verdict == "ok" and not is_odd:
                rest |= {test for test in apart if report.outcomes[test] != "passed"}
        reached = what_it_reaches(self._trusted, sources, self._tests_modules)
        if not rest:
            return judge.joined(parts, ids)
        if self.engine.isolation == "strict" or reached:
            closed = rest - apart
            also = [(self._closed(closed, together, reached), closed)] if closed else []
            return judge.joined([*parts, *also], ids)
        report = self.twins.halves(sources, wish, Edits(rest="not plain"))
        if report.verdict == "rejected":
            return report
        # what no twin vouches for does not count where it failed before, or where tests may have been written over
        doubtful = rest if writes_files(self._trusted, sources) else rest & apart
        report = judge.without(report, [test for test in doubtful if test not in (report.confirmed or ())])
        why = {"twins": f"not plain: {reason}"}
        better = {test for test in rest if test not in apart or report.outcomes[test] == "passed"}
        return judge.joined([*parts, (replace(report, why=why), better)], ids)

    def _closed(self, tests: set[str], together: Mapping[str, str], reached: str) -> TestReport:
        """The report on tests that may not be run with this candidate.

        Raises:
            GraderError: ``strict`` was asked for.
        """
        path = min(test.split("::")[0] for test in tests)
        why = together.get(path) or "is no test file"
        if self.engine.isolation == "strict":
            raise GraderError(f"isolation='strict' needs tests apart, and {self.project.name}: {why}: use 'default'")
        text = f"not run: the code {reached}, and {why}, so that they cannot be run apart"
        failures = {min(tests): text}
        outcomes = {test: "failed" if test in tests else "missing" for test in self.facts.ids}
        return TestReport(outcomes, failures, 0.0, None, "ok", why={"twins": text})  # type: ignore[arg-type]

    @cached_property
    def _trusted(self) -> dict[str, str]:
        reference = {f"solution/{path}": text for path, text in self.engine.reference.items()}
        return {**self.project.sources, **reference}

    @cached_property
    def _tests_modules(self) -> frozenset[str]:
        """Names under which the tests' own Python files can be imported."""
        parts = [path.removesuffix("/__init__.py").removesuffix(".py").split("/") for path in self.tests_python]
        return frozenset(".".join(names[start:]) for names in parts for start in range(len(names)))

    @cached_property
    def _not_carried(self) -> dict[str, str]:
        """Test files that say something else of trusted code when it is apart, and why; found out when first needed."""
        if not self.engine.apart:
            return {}
        found: dict[str, str] = {}
        staged = self.engine.stage("tests")
        if staged["unsupported"]:
            return dict.fromkeys(self.engine.apart, f"needs {staged['unsupported'][0]}")
        states = [(self.project.sources, self.facts.untouched), (self.runner.right, self.facts.reference)]
        mutable: set[str] = set()
        for sources, state in states:
            if state is None:
                continue
            run = self.runner.run("split", sources, Options(TRUSTED_LIMIT_S, enforces=False))
            outcomes = judge.report(run, self.facts.ids).outcomes
            mutable.update(run.records.all[-1].get("changed", ()) if run.records.all else ())
            for test, outcome in state.outcomes.items():
                path = test.split("::")[0]
                if path in self.engine.apart and outcomes[test] != outcome:
                    found.setdefault(path, f"{test} says something else when it is apart")
        self._mutable = tuple(sorted(mutable))
        return found

    def _apart(self, sources: Mapping[str, str], wish: Wish, tests: set[str]) -> TestReport:
        """The report of a run in two processes."""
        options = replace(self.runner.options(wish), mutable=getattr(self, "_mutable", ()))
        run = self.runner.run("split", sources, options)
        last = run.records.all[-1] if run.records.finished else {}
        if last.get("tampered"):
            return judge.tampered(self.facts.ids, "apart")
        expected = [test for test in self.facts.ids if test in tests]
        return judge.report(run, self.facts.ids, door="apart", expected=expected)

    # twins

    def confirm(self, sources: Mapping[str, str], report: TestReport, wish: Wish) -> TestReport:
        """The report with its plain verdicts checked: all tests once more, and with impossible twins.

        Args:
            sources: The whole text of the sources.
            report: What :meth:`grade` gave.
            wish: As there.

        Raises:
            GraderError: The grader itself failed.
        """
        if "plain" not in report.doors.values() and "known" not in report.doors.values():
            return report
        checked = self.twins.halves(sources, wish, compare(self.engine.base, sources))
        if checked.verdict == "rejected":
            return self._counted(checked)
        doubtful = {
            test
            for test, outcome in report.outcomes.items()
            if outcome == "passed" and checked.outcomes[test] != "passed"
        }
        if doubtful:
            _log.warning("%s: %s passed once and not when it was confirmed", self.project.name, min(doubtful))
        outcomes = {test: checked.outcomes[test] if test in doubtful else old for test, old in report.outcomes.items()}
        failures = {**report.failures, **{test: checked.failures.get(test, "") for test in doubtful}}
        return replace(report, outcomes=outcomes, failures=failures, confirmed=checked.confirmed)
