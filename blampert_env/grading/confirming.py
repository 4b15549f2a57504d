"""What impossible twins say of a candidate: both runs in which a part of the tests must fail."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import cached_property, partial

from blampert_env.grading import judge
from blampert_env.grading.edits import Edits, compare
from blampert_env.grading.facts import TRUSTED_LIMIT_S
from blampert_env.grading.process import Run
from blampert_env.grading.report import TestReport
from blampert_env.grading.running import Runner, Wish
from blampert_env.grading.store import ReportStore

_log = logging.getLogger(__name__)


def _passed(parts: Sequence[tuple[TestReport, set[str]]], test: str) -> bool:
    """Whether a test that was no twin has passed before."""
    return any(test in tests and report.outcomes[test] == "passed" for report, tests in parts)


class Touched(Exception):
    """The candidate changed the project's own files while its tests ran; the message names one."""


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
        self._trying = threading.Lock()

    @cached_property
    def _found(self) -> dict[str, set[str]]:
        """Tests that were ``tried``, those with a ``sound`` twin, and files that trusted code has ``touched``."""
        kept = self.store.value(self.key) or dict.fromkeys(("tried", "sound", "touched"), ())
        return {name: set(found) for name, found in kept.items()}

    def halves(self, sources: Mapping[str, str], wish: Wish, edits: Edits, tests: Set[str]) -> TestReport:
        """Both runs in which a part of some tests is made wrong; void if a twin that must fail passed.

        Args:
            sources: The whole text of the sources.
            wish: What else is asked for.
            edits: What differs from the collected session's sources.
            tests: Ids of the tests to run.

        Raises:
            Touched: What the tests say is worth nothing: the candidate may have written over what they go by.
        """
        ids = self.facts.ids
        expected = [test for test in ids if test in tests]
        parts: list[tuple[TestReport, set[str]]] = []
        proved: set[str] = set()
        for number, run in enumerate(self._both(sources, wish, edits, expected)):
            report = judge.report(run, ids, door="twins", expected=expected)
            if run.touched and (touched := set(run.touched) - self._touched(tests)):
                raise Touched(min(touched))
            wrong = self._wrong[number] & tests
            if self._sound({test for test in wrong if report.outcomes[test] == "passed"}):
                _log.warning("%s: a twin passed: the tests were tampered with", self.engine.suite.project.name)
                return judge.tampered(ids, "twins")
            proved |= {test for test in wrong if report.outcomes[test] in ("failed", "error")}
            others = {test for test in tests - wrong if number == 0 or not _passed(parts, test)}
            parts.append((report, others))
            if report.verdict == "timeout":
                break
        report = judge.joined(parts, ids)
        passed = {test for test in tests if report.outcomes[test] == "passed"}
        # the twins of these had no chance to fail, as the run was cut off: they may be right, and may be forged
        unproved = self._sound(passed & (self._wrong[0] | self._wrong[1]) - proved)
        return replace(judge.without(report, sorted(unproved)), confirmed=frozenset(passed & proved))

    def _both(self, sources: Mapping[str, str], wish: Wish, edits: Edits, expected: Sequence[str]) -> Iterator[Run]:
        """Both runs, at once if a processor is idle; else the second begins when its turn has come."""
        runs = [partial(self._half, number, sources, wish, edits, expected) for number in (0, 1)]
        return self.engine.at_once(runs) if self.engine.idle_cpus() > 1 else (run() for run in runs)

    def _half(self, number: int, sources: Mapping[str, str], wish: Wish, edits: Edits, expected: Sequence[str]) -> Run:
        """One of the two runs, in a fork of the collected session if ``edits`` can be made there."""
        wanted = [test for test in expected if test in self._wrong[number]]
        places = {name.split("::")[0] for test in wanted for name in self.facts.definitions[test]}
        files = {path: content for path, content in self.engine.halves[number].contents.items() if path in places}
        options = replace(self.runner.options(wish, expected), twins=files, wanted=wanted)
        return self.runner.once(sources, edits, options)

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

    def _sound(self, tests: Set[str]) -> set[str]:
        """Those of some tests whose twin fails with trusted code, as it must.

        A twin that failed where the test passed has shown that it can, so it is asked for others only. With a reference
        a twin must fail where the test itself passes. Without one, a twin that passes for the untouched project is no
        good; that the others fail for right code is for how they are made to see to.
        """
        self._know(tests)
        return self._found["sound"] & tests

    def _touched(self, tests: Set[str]) -> Set[str]:
        """Files that trusted code touches in some tests, or in others."""
        self._know(tests)
        return self._found["touched"]

    def _know(self, tests: Set[str]) -> None:
        """Run trusted code beside the twins of those tests that were not tried out yet; what it gives is kept."""
        with self._trying:
            unknown = [test for test in self.facts.ids if test in tests and test not in self._found["tried"]]
            if unknown:
                self._try_out(unknown)
                self.store.keep(self.key, {name: sorted(found) for name, found in self._found.items()})

    def _try_out(self, tests: Sequence[str]) -> None:
        sources = self.engine.right
        edits = compare(self.engine.base, sources)
        sound: set[str] = set()
        for number, run in enumerate(self._both(sources, Wish(TRUSTED_LIMIT_S), edits, tests)):
            report = judge.report(run, self.facts.ids)
            sound |= {test for test in self._wrong[number] if report.outcomes[test] in ("failed", "error")}
            self._found["touched"].update(run.touched)
        if self.facts.reference:
            sound &= {test for test, outcome in self.facts.reference.outcomes.items() if outcome == "passed"}
        self._found["sound"] |= sound
        self._found["tried"].update(tests)
