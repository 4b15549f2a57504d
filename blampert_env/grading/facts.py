"""What is known of a project from runs of trusted code; kept on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from blampert_env.grading import judge
from blampert_env.grading.report import Outcome, TestReport

TRUSTED_LIMIT_S = 120.0  # of a run of trusted code
_SETS = ("at_import", "unfit", "flaky", "grouped")


@dataclass(frozen=True)
class State:
    """What trusted code in one state gave.

    Attributes:
        outcomes: Test id to outcome.
        failures: Texts of tests that failed.
        reached: Test id to the functions that it reaches, ``path::qualname``; ``*`` for all that nobody saw.
    """

    outcomes: Mapping[str, Outcome]
    failures: Mapping[str, str]
    reached: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Facts:
    """What trusted runs gave.

    Attributes:
        baseline: The report on the untouched project.
        limit_s: Seconds that a candidate's tests may take.
        untouched: The untouched project's state.
        reference: The reference solution's; None if there is none.
        base: ``untouched`` or ``reference``: what the collected session is made with.
        at_import: Functions that run while everything is imported.
        unfit: Sources whose functions cannot be exchanged in a collected session.
        forks: Whether a fork of the collected session says what a fresh import does.
        ordered: Whether tests depend on their order, so that all must be run.
        grouped: Test files whose tests depend on their order in the file, so that all of a file must be run, or none.
        varying: Whether ids of tests vary by process.
        flaky: Ids of tests that do not always say the same of the same code.
        definitions: Test id to ``path::qualname`` of where its function may stand.
        broken: Test files that cannot be imported, and why.
        seconds: Test id to how long it took for trusted code.
    """

    baseline: TestReport
    limit_s: float
    untouched: State
    reference: State | None = None
    base: str = "untouched"
    at_import: frozenset[str] = frozenset()
    unfit: frozenset[str] = frozenset()
    forks: bool = True
    ordered: bool = False
    grouped: frozenset[str] = frozenset()
    varying: bool = False
    flaky: frozenset[str] = frozenset()
    definitions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the tests, in the order of the trusted run."""
        return tuple(self.baseline.outcomes)


def silent(facts: Facts) -> Facts:
    """The facts without what the tests said, which may quote held-out ones."""
    states = {
        name: replace(state, failures=dict.fromkeys(state.failures, ""))
        for name in ("untouched", "reference")
        if (state := getattr(facts, name)) is not None
    }
    return replace(facts, baseline=judge.silent(facts.baseline), **states)


def as_json(facts: Facts) -> dict[str, Any]:
    """The facts as values that JSON has; sets of functions by number, since tests share them."""
    known = [state for state in (facts.untouched, facts.reference) if state is not None]
    names = sorted({name for state in known for found in state.reached.values() for name in found})
    number = {name: index for index, name in enumerate(names)}

    def state(one: State | None) -> Any:
        if one is None:
            return None
        reached = {test: sorted(number[name] for name in found) for test, found in one.reached.items()}
        return [dict(one.outcomes), dict(one.failures), reached]

    fields = {name: getattr(facts, name) for name in facts.__dataclass_fields__}
    fields |= {name: sorted(fields[name]) for name in _SETS}
    states = {name: state(fields[name]) for name in ("untouched", "reference")}
    return {**fields, **states, "baseline": facts.baseline.as_json(), "names": names}


def from_json(fields: Mapping[str, Any]) -> Facts:
    """The facts that :func:`as_json` gave."""
    names = fields["names"]

    def state(one: Any) -> State | None:
        if one is None:
            return None
        reached = {test: frozenset(names[number] for number in numbers) for test, numbers in one[2].items()}
        return State(one[0], one[1], reached)

    kept = {name: value for name, value in fields.items() if name != "names"}
    kept |= {name: frozenset(kept[name]) for name in _SETS}
    kept |= {name: state(kept[name]) for name in ("untouched", "reference")}
    return Facts(**{**kept, "baseline": TestReport.from_json(fields["baseline"])})
