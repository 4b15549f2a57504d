"""Which target is next, and what was tried on it: the part of an episode's memory that strategies and policies see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from blampert_env.coding import CodingContext, Strategy, earlier_draws
from blampert_env.envs.session import Attempt, EditSession
from blampert_env.grading import TestReport
from blampert_env.projects import Target


class EpisodeProgress:
    """Follows one :class:`EditSession`: the current target, previous code, failing output, tries and gains.

    The next target is an open one (a test that mentions it fails), those with a failing test that mentions nothing
    else first, then the one with the fewest attempts, then file order.
    """

    def __init__(self, session: EditSession, strategies: Sequence[Strategy]) -> None:
        self.session = session
        self.strategies = strategies
        project = session.project
        mentions = {test: project.mentioned_by(test) for test in session.grader.test_ids}
        self._all_tests = frozenset(mentions)
        self._tests_of: dict[str, frozenset[str]] = {}
        self._own_tests_of: dict[str, frozenset[str]] = {}
        for target in project.targets:
            tests = frozenset(test for test, targets in mentions.items() if target.id in targets)
            self._tests_of[target.id] = tests
            self._own_tests_of[target.id] = frozenset(test for test in tests if mentions[test] == {target.id}) or tests
        # rendering them costs milliseconds and they never change
        self._tests_shown = {target.id: project.tests_for(target) for target in project.targets}
        self.restart()

    def restart(self) -> None:
        """Forget the episode."""
        count = len(self.strategies)
        self.tries_on_target: Counter[str] = Counter()
        self.strategy_tries_on_target = {target.id: [0] * count for target in self.session.project.targets}
        self.strategy_tries = [0] * count
        self.strategy_gains = [0] * count
        # what a function to repair does now is the first attempt at it
        self.previous = {target.id: target.source for target in self.session.project.targets if target.is_attempt}
        report, tests = self.session.report, self._all_tests
        self.failing = {target: what_failed(report, self._tests_of[target] or tests) for target in self.previous}
        self.solved_with: dict[str, str] = {}
        self._read_report()
        self.target = self._next_target()

    def context(self) -> CodingContext:
        """What prompts may show about the current target."""
        target, project = self.target, self.session.project
        return CodingContext(
            target=target,
            files=self.session.files,
            tests=self._tests_shown[target.id],
            failing=self.failing.get(target.id, ""),
            previous=self.previous.get(target.id, ""),
            examples=tuple(
                (project.target(key).source, code) for key, code in self.solved_with.items() if key != target.id
            ),
        )

    def mask(self) -> NDArray[np.bool_]:
        """Which strategies make sense now: what they show exists, and a greedy one would not just repeat its answer."""
        target = self.target.id
        return sensible(
            self.strategies,
            self.strategy_tries_on_target[target],
            has_previous=target in self.previous,
            has_failing=bool(self.failing.get(target)),
            has_examples=bool(self.solved_with.keys() - {target}),
        )

    def record(self, strategy: int, attempt: Attempt) -> None:
        """Take in one attempt at the current target and move on to the next target."""
        target = self.target.id
        self.tries_on_target[target] += 1
        self.strategy_tries_on_target[target][strategy] += 1
        self.strategy_tries[strategy] += 1
        self.strategy_gains[strategy] += attempt.gained
        if attempt.source:
            self.previous[target] = attempt.source
            self.failing[target] = self._failing_output(target, attempt)
        self._read_report()
        if attempt.accepted and attempt.gained and not self.fails_alone(target):
            self.solved_with[target] = attempt.source
        self.target = self._next_target()

    def tests_of(self, target: str) -> frozenset[str]:
        """Ids of the visible tests that mention ``target``."""
        return self._tests_of[target]

    def passing_share(self, target: str) -> float:
        """Share of the visible tests that mention ``target`` (of all, if none does) and pass now, in [0, 1]."""
        tests = self._tests_of[target] or self._all_tests
        return len(tests & self._passed) / len(tests)

    def _read_report(self) -> None:
        """Note which tests pass now, and the targets with a failing test (once a step: the report changes in none)."""
        outcomes = self.session.report.outcomes
        self._passed = {test for test, outcome in outcomes.items() if outcome == "passed"}
        self.open_targets = [target for target in self.session.project.targets if self.passing_share(target.id) < 1.0]

    def _next_target(self) -> Target:
        candidates = self.open_targets or list(self.session.project.targets)
        own = [target for target in candidates if self.fails_alone(target.id)]
        return min(own or candidates, key=lambda target: self.tries_on_target[target.id])

    def fails_alone(self, target: str) -> bool:
        """Whether a failing test mentions this target and no other (any of its tests, where none is its own)."""
        return not self._own_tests_of[target] <= self._passed

    def _failing_output(self, target: str, attempt: Attempt) -> str:
        """What the failing tests of ``target`` said to the attempt, shortest first; the refusal for a refused edit."""
        if attempt.report is None:
            return attempt.message
        return what_failed(attempt.report, self._tests_of[target] or self._all_tests)


def what_failed(report: TestReport, tests: Collection[str]) -> str:
    """What up to three of some tests said when they failed, shortest first; "" if none did."""
    said = {report.failures.get(test, "") for test in tests}
    return "\n\n".join(sorted(filter(None, said), key=lambda text: (len(text), text))[:3])


def sensible(strategies: Sequence[Strategy], tries: Sequence[int], **facts: bool) -> NDArray[np.bool_]:
    """Which strategies make sense now.

    Args:
        strategies: All there are, N of them.
        tries: How often each was tried on the target.
        facts: What there is to show, by the names of :meth:`Strategy.allowed`.

    Returns:
        bool array of shape (N,), at least one True: what they show exists, and a greedy one would not just repeat its
        answer; the latter counts for nothing where it would leave none.
    """
    possible = np.array([strategy.allowed(**facts) for strategy in strategies], bool)
    fresh = np.array([not (_repeats(strategy) and n) for strategy, n in zip(strategies, tries, strict=True)], bool)
    wanted: NDArray[np.bool_] = possible & fresh
    if not wanted.any():
        wanted = possible if possible.any() else np.ones(len(strategies), bool)
    return wanted


def once_each(strategies: Sequence[Strategy], allowed: NDArray[np.bool_], tries: Sequence[int]) -> NDArray[np.bool_]:
    """Of the allowed ones, those that were not tried, and a sample only where the less bold one was.

    Args:
        strategies: In the order of the actions, n.
        allowed: bool of shape (n,).
        tries: Times tried on the target.
    """
    names = [strategy.name for strategy in strategies]
    tried = np.array(tries) > 0
    found: NDArray[np.bool_] = allowed & ~tried
    for later, first in earlier_draws(strategies).items():
        found[names.index(later)] &= tried[names.index(first)]
    return found


def _repeats(strategy: Strategy) -> bool:
    """Greedy, and its prompt depends on nothing that an attempt changes."""
    return strategy.temperature == 0 and strategy.show <= {"docstring", "tests"}
