"""What impossible twins say of a candidate: both runs in which a part of the tests must fail."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from blampert_env.grading import judge
from blampert_env.grading.edits import Edits, compare
from blampert_env.grading.jailed import Options
from blampert_env.grading.opening import TRUSTED_LIMIT_S
from blampert_env.grading.process import Run
from blampert_env.grading.report import TestReport
from blampert_env.grading.running import Runner, Wish
from blampert_env.grading.store import ReportStore

_log = logging.getLogger(__name__)


def _passed(parts: Sequence[tuple[TestReport, set[str]]], test: str) -> bool:
    """Whether a test that was no twin has passed before."""
    return any(test in tests and report.outcomes[test] == "passed" for report, tests in parts)


class Twins:
    """Runs tests beside their twins.

    Args:
        runner: Runs the tests.
        store: Keeps which twins are sound.
        key: What that depends on.
    """

    def __init__(self, runner: Runner, store: ReportStore, key: str) -> None:
        self.runner, self.store = runner, store
        self.engine, self.facts = runner.engine, runner.facts
        self.key = hashlib.sha256(f"twins {key}".encode()).digest()

    def halves(self, sources: Mapping[str, str], wish: Wish, edits: Edits) -> TestReport:
        """Both runs in which a part of the tests is made wrong; void if a twin that must fail passed."""
        ids = self.facts.ids
        sound = self.sound
        parts: list[tuple[TestReport, set[str]]] = []
        proved: set[str] = set()
        for number in (0, 1):
            wrong = self._wrong[number]
            report = judge.report(self._half(number, sources, wish, edits), ids, door="twins")
            if any(report.outcomes[test] == "passed" for test in wrong & sound):
                _log.warning("%s: a twin passed: the tests were tampered with", self.engine.suite.project.name)
                return judge.tampered(ids, "twins")
            proved |= {test for test in wrong & sound if report.outcomes[test] in ("failed", "error")}
            others = {test for test in set(ids) - wrong if number == 0 or not _passed(parts, test)}
            parts.append((report, others))
            if report.verdict == "timeout":
                break
        report = judge.joined(parts, ids)
        # the twins of these had no chance to fail, as the run was cut off: they may be right, and may be forged
        unproved = [test for test in sound - proved if report.outcomes[test] == "passed"]
        confirmed = frozenset(test for test in proved if report.outcomes[test] == "passed")
        return replace(judge.without(report, unproved), confirmed=confirmed)

    def _half(self, number: int, sources: Mapping[str, str], wish: Wish, edits: Edits) -> Run:
        """One of the two runs, in a fork of the collected session if ``edits`` can be made there."""
        made = self.engine.halves[number].contents
        files = {path: content for path, content in made.items() if content != self.engine.suite.protected[path]}
        options = Options(wish.limit_s, texts=0, twins=files, wanted=sorted(self._wrong[number]))
        return self.runner.in_a_fork(sources, edits, options) or self.runner.run("fresh", sources, options)

    @cached_property
    def _wrong(self) -> tuple[set[str], set[str]]:
        """Tests that have a twin in each half."""
        first, second = (
            {
                test
                for test, names in self.facts.definitions.items()
                if any(half.has_twin_of(*name.split("::", 1)) for name in names)
            }
            for half in self.engine.halves
        )
        return first, second

    @cached_property
    def sound(self) -> frozenset[str]:
        """Tests whose twin fails for trusted code, as it must; found out when first needed, and kept.

        With a reference a twin must fail where the test itself passes. Without one, a twin that passes for the
        untouched project is no good; that the others fail for right code is for how they are made to see to.
        """
        kept = self.store.value(self.key)
        if kept is None:
            kept = sorted(self._sound_twins())
            self.store.keep(self.key, kept)
        return frozenset(kept)

    def _sound_twins(self) -> set[str]:
        sources = self.runner.right if self.facts.reference else dict(self.engine.suite.project.sources)
        edits = compare(self.engine.base, sources)
        found: set[str] = set()
        for number in (0, 1):
            run = self._half(number, sources, Wish(TRUSTED_LIMIT_S), edits)
            outcomes = judge.report(run, self.facts.ids).outcomes
            found |= {test for test in self._wrong[number] if outcomes[test] in ("failed", "error")}
        if self.facts.reference:
            found &= {test for test, outcome in self.facts.reference.outcomes.items() if outcome == "passed"}
        return found
