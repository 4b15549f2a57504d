"""TestReport: what the tests said about one candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Outcome = Literal["passed", "failed", "error", "skipped", "missing"]
Verdict = Literal["ok", "timeout", "crashed", "rejected", "infra"]
Method = Literal["split", "in-process", "subprocess"]


@dataclass(frozen=True, slots=True)
class TestReport:
    """Outcome of every test of the trusted run. Two reports are equal if they say the same, however long they took.

    Attributes:
        outcomes: Test id to outcome, for exactly the ids of the trusted run and in its order; only ``passed`` counts.
            ``failed``: the test itself; ``error``: its set-up, tear-down or the import of its file; ``skipped``:
            skipped, or expected to fail and did; ``missing``: no result, as the run ended before or the test is gone.
        failures: Test id to a short traceback (at most 2,000 characters), for tests that failed and for the one that
            was running when the run ended. Empty texts as soon as held-out tests take part.
        duration_s: Seconds from the start of pytest to the last result; not compared.
        killed: Why the run was ended from outside or by a signal: ``timeout``, ``output`` (a report of more than
            64 MB), a signal's name such as ``SIGSEGV``, or ``tampered`` (an impossible test passed); None if it ended
            by itself.
        verdict: ``ok``: the run is complete; ``timeout``; ``crashed``: the candidate's process ended early;
            ``rejected``: the files were not run, or tampered with the tests; ``infra``: the grader failed, which is
            never returned but raised as :class:`~blampert_env.errors.GraderError`, after a second try. Tests that had
            passed before a timeout or a crash count as passed.
        method: How it was graded: ``split`` (tests and candidate in separate processes), ``in-process`` (together, with
            impossible twins), ``subprocess`` (no sandbox). Not compared.
    """

    __test__ = False  # not a test class, whatever its name

    outcomes: Mapping[str, Outcome]
    failures: Mapping[str, str]
    duration_s: float = field(compare=False)
    killed: str | None
    verdict: Verdict
    method: Method = field(default="split", compare=False)

    @property
    def passed(self) -> int:
        """Number of tests that passed."""
        return sum(outcome == "passed" for outcome in self.outcomes.values())

    @property
    def total(self) -> int:
        """Number of tests of the trusted run."""
        return len(self.outcomes)

    @property
    def pass_rate(self) -> float:
        """``passed / total``, in [0, 1]; 0 without tests."""
        return self.passed / self.total if self.total else 0.0

    @property
    def all_passed(self) -> bool:
        """Every test passed, and there is one."""
        return self.total > 0 and self.passed == self.total

    def copy(self) -> TestReport:
        """An equal report that shares no mutable state with this one."""
        return replace(self, outcomes=dict(self.outcomes), failures=dict(self.failures))
