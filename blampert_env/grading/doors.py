"""Through which door a candidate goes, and what comes of it.

Plain code (`triage`) is run in the tests' own process: in a fork of the collected session where only the code of
functions differs, else in one that imports everything anew. Only tests that can have another outcome are run. What is
not plain is run with impossible twins, unless it reaches out (`reach`); where no twin vouches for a test, it is run
apart from the candidate if its file allows that, and so is every test of code that reaches out. A test passes if one of
the two says so, so it is asked in the order of what they cost. A plain verdict is confirmed with twins before anything
is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Mapping, Set
from dataclasses import replace
from functools import cached_property
from typing import Any

from blampert_env.errors import GraderError
from blampert_env.grading import judge
from blampert_env.grading.confirming import Touched, Twins
from blampert_env.grading.edits import Edits, compare
from blampert_env.grading.engine import Engine
from blampert_env.grading.facts import TRUSTED_LIMIT_S, Facts, State
from blampert_env.grading.jailed import Options
from blampert_env.grading.reach import is_rewritten, what_it_reaches, writes_files
from blampert_env.grading.report import Door, TestReport
from blampert_env.grading.running import Runner, Wish
from blampert_env.grading.store import ReportStore
from blampert_env.grading.triage.learnt import LearningTriage

_log = logging.getLogger(__name__)
Parts = list[tuple[TestReport, set[str]]]  # reports, and the tests that each decides


class Doors:
    """Grades candidates of one project.

    Args:
        engine: Runs the tests.
        facts: Of the project.
        triage: Tells plain code from other.
        store: Keeps what is found out later.
        engine_key: The engine's; it hashes every file, so it is asked for once.
    """

    def __init__(
        self, engine: Engine, facts: Facts, triage: LearningTriage, store: ReportStore, engine_key: str
    ) -> None:
        self.engine, self.facts, self.triage = engine, facts, triage
        self.engine_key = engine_key
        self.runner = Runner(engine, facts)
        self.twins = Twins(self.runner, store, self.engine_key)
        self.project = engine.suite.project
        self.tests_python = dict(engine.suite.trusted_python())
        self.store, self._apart_key = store, hashlib.sha256(f"apart {engine_key}".encode()).digest()

    def prepare(self) -> None:
        """Find out at once what the first edit would wait for."""
        self.triage.prepare()
        _ = self.engine.halves

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
        parts, wanted = self._known(sources, edits)
        if wanted:
            options = self.runner.options(wish, self._in_order(wanted))
            at_once = 1 if wish.stop_early else self.engine.idle_cpus()
            parts.append((self.runner.report(sources, edits, options, door="plain", parts=at_once), wanted))
        return judge.joined(parts, self.facts.ids)

    def _known(self, sources: Mapping[str, str], edits: Edits) -> tuple[Parts, set[str]]:
        """What trusted code gave for the tests that cannot have another outcome, and the others."""
        state, wanted = self._chosen(sources, edits)
        known = set(self.facts.ids) - wanted
        if state is None or not known:
            return [], wanted
        doors: dict[str, Door] = dict.fromkeys(known, "known")
        return [(TestReport(state.outcomes, state.failures, 0.0, None, "ok", doors=doors), known)], wanted

    def _in_order(self, tests: Set[str]) -> list[str]:
        return [test for test in self.facts.ids if test in tests]

    def _chosen(self, sources: Mapping[str, str], edits: Edits) -> tuple[State | None, set[str]]:
        """The tests that must be run, and the trusted state that has the outcomes of the others; None: run all."""
        ids = set(self.facts.ids)
        if self.facts.ordered:
            return None, ids
        found: list[tuple[State, set[str]]] = []
        for state, base in ((self.facts.untouched, self.project.sources), (self.facts.reference, self.engine.right)):
            if state is not None:
                differing = edits if base == self.engine.base else compare(base, sources)
                tests = self.runner.sight.affected(self.facts, differing, state)
                if tests is not None:
                    found.append((state, tests))
        return min(found, key=lambda one: len(one[1]), default=(None, ids))

    # what is not plain

    def _suspicious(self, sources: Mapping[str, str], wish: Wish, reason: str) -> TestReport:
        """With twins; apart what no twin vouches for, and all that the test file allows if the code reaches out."""
        ids, edits = self.facts.ids, compare(self.engine.base, sources)
        strict = self.engine.isolation == "strict"
        parts, wanted = ([], set(ids)) if strict else self._known(sources, edits)
        left = set(wanted)
        reached = what_it_reaches(self._trusted, sources, self._tests_modules)
        stars = any("import *" in text for text in self.tests_python.values())
        is_odd = is_rewritten(self.project.sources, sources, stars=stars) or writes_files(self._trusted, sources)
        alone = strict or reached or is_odd
        if wanted and not alone:
            with contextlib.suppress(Touched):
                report = self._with_twins(sources, wish, edits, wanted, reason)
                if report.verdict == "rejected":
                    return report
                unproved = {test for test in wanted - (report.confirmed or set()) if report.outcomes[test] == "passed"}
                left = {test for test, why in self._why_not_apart(unproved).items() if why == ""}
                left = left if report.killed is None else set()
                parts.append((report, wanted - left))
        if left:
            more = self._apart_first(sources, wish, left, reason, reached)
            if more[0][0].verdict == "rejected":
                return more[0][0]
            parts += more
        return judge.joined(parts, ids)

    def _with_twins(
        self, sources: Mapping[str, str], wish: Wish, edits: Edits, tests: Set[str], reason: str
    ) -> TestReport:
        report = self.twins.halves(sources, wish, edits, tests)
        return replace(report, why={"twins": f"not plain: {reason}"}) if report.verdict != "rejected" else report

    def _apart_first(self, sources: Mapping[str, str], wish: Wish, tests: set[str], reason: str, reached: str) -> Parts:
        """Apart where the test file allows it; the others with twins, unless the code reaches out."""
        why = self._why_not_apart(tests)
        apart = {test for test in tests if why[test] == ""}
        rest, parts = tests - apart, Parts()
        if apart:
            report = self._apart(sources, wish, apart)
            parts.append((replace(report, why={"apart": f"not plain: {reason}"}), apart))
            if report.verdict == "rejected":
                return parts
        if rest and (reached or self.engine.isolation == "strict"):
            parts.append((self._closed(rest, why, reached), rest))
        elif rest:
            edits = compare(self.engine.base, sources)
            try:
                report = self._with_twins(sources, wish, edits, rest, reason)
            except Touched as touched:
                report = self._closed(rest, why, f"writes over {touched}")
            if report.verdict == "rejected":
                return [(report, rest)]
            parts.append((report, rest))
        return parts

    def _closed(self, tests: set[str], reasons: Mapping[str, str], reached: str) -> TestReport:
        """The report on tests that may not be run with this candidate.

        Raises:
            GraderError: ``strict`` was asked for.
        """
        why = reasons[min(tests)]
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
    def _kept(self) -> Mapping[str, Any]:
        return self.store.value(self._apart_key) or {"carried": {}, "mutable": []}

    @cached_property
    def _carried(self) -> dict[str, str]:
        """Test to why it cannot be run apart, of those that were tried."""
        return dict(self._kept["carried"])

    @cached_property
    def _mutable(self) -> set[str]:
        """Files that trusted code changes, as far as is known."""
        return set(self._kept["mutable"])

    def _why_not_apart(self, tests: Set[str]) -> dict[str, str]:
        """Why each of some tests cannot be run apart; "" where it can. Found out when it is first asked for."""
        together = self.engine.together
        why = {test: together.get(path, "is no test file") for test in tests for path in [test.split("::")[0]]}
        if unknown := {test for test in tests if why[test] == "" and test not in self._carried}:
            self._carried |= self._try_apart(unknown)
            self.store.keep(self._apart_key, {"carried": self._carried, "mutable": sorted(self._mutable)})
        return {test: reason or self._carried[test] for test, reason in why.items()}

    def _try_apart(self, tests: Set[str]) -> dict[str, str]:
        """What of trusted code cannot be carried between two processes shows in what tests say of it there."""
        staged = self.engine.stage("tests")
        if staged["unsupported"]:
            return dict.fromkeys(tests, f"needs {staged['unsupported'][0]}")
        found = dict.fromkeys(tests, "")
        states = [(self.project.sources, self.facts.untouched), (self.engine.right, self.facts.reference)]
        for sources, state in states:
            if state is None:
                continue
            options = Options(TRUSTED_LIMIT_S, run=self._in_order(tests), trusted=True)
            run = self.runner.run("split", sources, options)
            outcomes = judge.report(run, self.facts.ids).outcomes
            self._mutable |= set(run.touched)
            different = {test.split("::")[0] for test in tests if outcomes[test] != state.outcomes[test]}
            odd = [test for test in tests if test.split("::")[0] in different]
            found |= dict.fromkeys(odd, "a test of its file says something else when it is apart")
        return found

    def _apart(self, sources: Mapping[str, str], wish: Wish, tests: set[str]) -> TestReport:
        """The report of a run in two processes."""
        run = self.runner.run("split", sources, self.runner.options(wish, self._in_order(tests)))
        last = run.records.all[-1] if run.records.finished else {}
        if last.get("tampered") or set(run.touched) - self._mutable:
            return judge.tampered(self.facts.ids, "apart")
        return judge.report(run, self.facts.ids, door="apart", expected=self._in_order(tests))

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
        unchecked = {test for test, door in report.doors.items() if door in ("plain", "known")}
        if not unchecked:
            return report
        try:
            checked = self.twins.halves(sources, wish, compare(self.engine.base, sources), set(self.facts.ids))
        except Touched as touched:
            _log.warning("%s: not confirmed: %s was written over", self.project.name, touched)
            return replace(report, confirmed=frozenset())
        if checked.verdict == "rejected":
            return self._counted(checked)
        passed = {test for test in unchecked if report.outcomes[test] == "passed"}
        doubtful = {test for test in passed if checked.outcomes[test] != "passed"}
        if doubtful:
            _log.warning("%s: %s passed once and not when it was confirmed", self.project.name, min(doubtful))
        outcomes = {test: checked.outcomes[test] if test in doubtful else old for test, old in report.outcomes.items()}
        failures = {**report.failures, **{test: checked.failures.get(test, "") for test in doubtful}}
        return replace(
            report,
            outcomes=outcomes,
            failures=failures,
            confirmed=(checked.confirmed or frozenset()) | (report.confirmed or frozenset()),
        )
