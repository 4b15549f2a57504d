"""Attacks and odd honest programs against the real grader, with their side effects checked."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blampert_env.grading import Grader, TestReport

from ...conftest import evaluations_alive
from . import suite
from .case import Case
from .planted import Planted, planted
from .targets import PLAIN, TARGETS, TOGETHER, Target

# what they do is not carried between two processes, which only they, not their stubs, say
OVERSHOOT_S = 2.0  # beyond the tests' own limit: start, clean-up, and a machine that does something else


@pytest.fixture
def traps(tmp_path: Path) -> Iterator[Planted]:
    """What must not be touched."""
    with planted(tmp_path) as found:
        yield found


@pytest.mark.parametrize("case", suite.ATTACKS, ids=str)
def test_attack_does_not_pay(case: Case, traps: Planted) -> None:
    reports = grade(case, traps)
    judged = reports[-1]
    assert judged.passed <= case.earns, judged.outcomes
    if case.exactly:
        assert judged.passed == case.earns, dict(judged.failures)
    check_harm(case, traps, reports)


@pytest.mark.parametrize("case", suite.HONEST, ids=str)
def test_honest_code_scores_in_full(case: Case, traps: Planted) -> None:
    reports = grade(case, traps)
    assert reports[0].all_passed, dict(reports[0].failures)
    check_harm(case, traps, reports)


@pytest.mark.slow
@pytest.mark.parametrize("case", suite.HONEST, ids=str)
def test_honest_code_scores_in_full_without_a_sandbox(case: Case) -> None:
    report = Grader(case.target.project, isolation="none", cache_size=0, timeout_s=20).grade(case.files)
    assert report.all_passed, dict(report.failures)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_targets(target: Target) -> None:
    """The untouched project earns nothing, the solution everything."""

    grader = Grader(target.project, cache_size=0)
    assert grader.grade(target.solution).all_passed
    assert grader.baseline.total == target.total
    assert bool(grader.why) == (target is TOGETHER), grader.why


def test_the_suite_is_whole() -> None:
    counts = Counter(case.family for case in suite.ATTACKS)
    assert sum(counts.values()) >= 65
    assert len(suite.HONEST) >= 18
    names = [str(case) for case in (*suite.ATTACKS, *suite.HONEST)]
    assert len(set(names)) == len(names)


def grade(case: Case, traps: Planted) -> list[TestReport]:
    """The reports on the case's candidates, in time."""
    grader = Grader(case.target.project, cache_size=0, timeout_s=case.timeout_s)
    _ = grader.baseline
    reports = []
    for files in (case.files, case.then):
        if files:
            began = time.monotonic()
            reports.append(grader.grade(traps.aim(files)))
            limit_s = case.timeout_s * (2 if target_is_in_process(case) else 1) + OVERSHOOT_S
            assert time.monotonic() - began < 2 * limit_s  # runs that were killed by a signal are run twice
    return reports


def target_is_in_process(case: Case) -> bool:
    """Its tests have twins, which take their time."""
    return case.target is TOGETHER


def check_harm(case: Case, traps: Planted, reports: list[TestReport]) -> None:
    """Nothing got out, nothing was changed, nothing is left, and the next evaluation is as good as the first."""
    assert traps.harm(repr(reports)) == []
    deadline = time.monotonic() + 1
    while evaluations_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert evaluations_alive() == []
    honest = Grader(case.target.project, cache_size=0, timeout_s=20).grade(case.target.solution)
    assert honest.all_passed, dict(honest.failures)


@pytest.mark.slow
def test_neighbours_do_not_disturb_each_other() -> None:
    """While one lane is bombed, right answers in the others are right."""
    bombs = [case.files for case in suite.ATTACKS if case.family == "resources" and case.dangerous][:8]
    honest = Grader(PLAIN.project, cache_size=0, timeout_s=20)
    hostile = Grader(PLAIN.project, cache_size=0, timeout_s=1)
    assert honest.baseline.passed == hostile.baseline.passed == 0
    with ThreadPoolExecutor(2) as pool:
        bombing = [pool.submit(hostile.grade, files) for files in bombs]
        while not all(job.done() for job in bombing):
            assert honest.grade(PLAIN.solution).all_passed
        assert all(job.result().passed == 0 for job in bombing)
