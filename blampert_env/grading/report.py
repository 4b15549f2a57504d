"""TestReport: what the tests said about one candidate, and which door each took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Outcome = Literal["passed", "failed", "error", "skipped", "missing"]
Verdict = Literal["ok", "timeout", "crashed", "rejected", "infra"]
Door = Literal["plain", "apart", "twins", "known", "subprocess"]

DOORS: dict[Door, str] = {
    "plain": "in the tests' own process: the edit can reach nothing but what it is given",
    "apart": "in another process than the tests",
    "twins": "in the tests' process, with impossible twins",
    "known": "not run: trusted code has the same outcome and reaches none of the functions that differ",
    "subprocess": "in a plain process, without a sandbox",
}


@dataclass(frozen=True, slots=True)
class TestReport:
    """Outcome of every test of the trusted run. Two reports are equal if they say the same, however long they took.

    Attributes:
        outcomes: Test id to outcome, for exactly the ids of the trusted run and in its order; only ``passed`` counts.
            ``failed``: the test itself; ``error``: its set-up, tear-down or the import of its file; ``skipped``:
            skipped, or expected to fail and did; ``missing``: no result, as the run ended before or the test is gone.
        failures: Test id to a short traceback (at most 2,000 characters), for the first tests that failed, those asked
            for, and the one that was running when the run ended. Empty texts as soon as held-out tests take part.
        duration_s: Seconds from the start of pytest to the last result; not compared.
        killed: Why the run was ended from outside or by a signal: ``timeout``, ``output`` (a report of more than
            64 MB), a signal's name such as ``SIGSEGV``, or ``tampered`` (an impossible test passed); None if it ended
            by itself.
        verdict: ``ok``: the run is complete; ``timeout``; ``crashed``: the candidate's process ended early;
            ``rejected``: the files were not run, or tampered with the tests; ``infra``: the grader failed, which is
            never returned but raised as :class:`~blampert_env.errors.GraderError`, after a second try. Tests that had
            passed before a timeout or a crash count as passed.
        uncounted: Tests that count for nobody: trusted code skips them, or they are marked as expected to fail.
        doors: Test id to the way in which it was run, see :data:`DOORS`; not compared.
        why: Door to the reason for taking it, one line, where it is not the plain one; not compared.
        confirmed: Tests that passed, and whose impossible twin failed; None where that was not asked. Not compared.
    """

    __test__ = False  # not a test class, whatever its name

    outcomes: Mapping[str, Outcome]
    failures: Mapping[str, str]
    duration_s: float = field(compare=False)
    killed: str | None
    verdict: Verdict
    uncounted: frozenset[str] = frozenset()
    doors: Mapping[str, Door] = field(default_factory=dict, compare=False)
    why: Mapping[str, str] = field(default_factory=dict, compare=False)
    confirmed: frozenset[str] | None = field(default=None, compare=False)

    @property
    def passed(self) -> int:
        """Number of tests that count and passed."""
        return sum(outcome == "passed" and test not in self.uncounted for test, outcome in self.outcomes.items())

    @property
    def total(self) -> int:
        """Number of tests of the trusted run that count."""
        return len(self.outcomes) - len(self.uncounted)

    @property
    def pass_rate(self) -> float:
        """``passed / total``, in [0, 1]; 0 without tests."""
        return self.passed / self.total if self.total else 0.0

    @property
    def all_passed(self) -> bool:
        """Every test that counts passed, and there is one."""
        return self.total > 0 and self.passed == self.total

    @property
    def method(self) -> str:
        """The doors that were taken, ``plain+twins`` for two of them; ``known`` if nothing had to be run."""
        taken = set(self.doors.values())
        return "+".join(door for door in DOORS if door in taken and (door != "known" or len(taken) == 1))

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Tests that passed and that no twin vouches for: they have none, or nobody asked."""
        known = self.confirmed or frozenset()
        return tuple(test for test, outcome in self.outcomes.items() if outcome == "passed" and test not in known)

    def copy(self) -> TestReport:
        """An equal report that shares no mutable state with this one."""
        return replace(self, outcomes=dict(self.outcomes), failures=dict(self.failures), doors=dict(self.doors))

    def as_json(self) -> dict[str, Any]:
        """The report as values that JSON has."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        for name in ("outcomes", "failures", "doors", "why"):
            fields[name] = dict(fields[name])
        fields["uncounted"] = sorted(self.uncounted)
        fields["confirmed"] = None if self.confirmed is None else sorted(self.confirmed)
        return fields

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> TestReport:
        """The report that :meth:`as_json` gave."""
        confirmed = fields["confirmed"]
        sets = {"uncounted": frozenset(fields["uncounted"])}
        return cls(**{**fields, **sets, "confirmed": None if confirmed is None else frozenset(confirmed)})
