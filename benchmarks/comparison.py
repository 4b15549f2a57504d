"""Compares two runs of the same tests, test by test: what plain pytest says is the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

_CLASSES = {"passed": "passed", "skipped": "skipped"}  # expected failures are skipped, as pytest has it


def outcome_class(outcome: str | None) -> str:
    """``passed``, ``skipped``, or ``failed`` for everything else, a missing test included."""
    return _CLASSES.get(outcome or "", "failed")


def matched(tests: Iterable[str], found: Mapping[str, str]) -> dict[str, str]:
    """What a run says of each test, ``failed`` where it says nothing.

    Ids may differ from process to process (a time of day, an address, in a parameter): among the tests of one function,
    those that neither side knows by name are matched by position.
    """
    tests = list(tests)
    known = set(tests)
    spare: dict[str, list[str]] = defaultdict(list)
    for test, outcome in found.items():
        if test not in known:
            spare[_function(test)].append(outcome)
    said = {}
    for test in tests:
        rest = spare.get(_function(test))
        said[test] = outcome_class(found[test] if test in found else rest.pop(0) if rest else None)
    return said


def _function(test: str) -> str:
    return test.partition("[")[0]


def truth(runs: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Every test that is the same in all runs of right code, and what it is; the others say nothing about a grader."""
    said = [matched(runs[0], run) for run in runs]
    return {test: outcome for test, outcome in said[0].items() if all(other[test] == outcome for other in said)}


def wrong(tests: Mapping[str, str] | Iterable[str], plain: Mapping[str, str], judged: Mapping[str, str]) -> list[str]:
    """The tests that were judged otherwise than plain pytest judges them."""
    wanted, got = matched(tests, plain), matched(tests, judged)
    return [test for test in wanted if wanted[test] != got[test]]
