"""Writes the open functions of a project: asks, grades, keeps what gains, until they are done or the budget is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blampert_env.editing import Edit, apply_edit, unified_diff
from blampert_env.envs import StrategyEnv
from blampert_env.envs.session import Attempt
from blampert_env.errors import EditRejected, GraderError, LMError, LMUnavailable, WeightsError
from blampert_env.grading import TestReport
from blampert_env.lm.prices import price_of
from blampert_env.training.budget import Budget, Spent

Choose = Callable[[NDArray[np.float32], NDArray[np.bool_]], int | None]


@dataclass
class OnTarget:
    """What was spent on one target, and what came of it.

    Attributes:
        target: Its id.
        total: Tests that mention it (all, where none does).
        before: Those that passed before.
        after: Those that pass now.
        strategy: The way of asking that gained last; "" if none did.
        attempts: How often it was asked for.
        tokens: Of prompts and answers.
        cost: Of the answers at the models' prices, in seconds; those from the sample pool cost as much.
        seconds: Of asking and grading, on the clock.
    """

    target: str
    total: int = 0
    before: int = 0
    after: int = 0
    strategy: str = ""
    attempts: int = 0
    tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0


@dataclass
class Solution:
    """What came of solving a project.

    Attributes:
        before: The report on the untouched project.
        report: On the files that are kept.
        files: The sources that are kept: more tests pass, and every test that passed still does.
        diff: Unified diff from the untouched sources.
        targets: One entry a target.
        spent: In all.
        ended: Why it ended: ``solved``, ``given up`` (by the policy), ``budget``, ``attempts``, ``interrupted`` or
            ``failed``.
        trouble: What failed, in a line; "" if nothing did.
    """

    before: TestReport
    report: TestReport
    files: Mapping[str, str]
    diff: str
    targets: list[OnTarget]
    spent: Spent
    ended: str
    trouble: str = ""

    @property
    def solved(self) -> bool:
        """Every visible test passes."""
        return self.report.all_passed


def in_turn(env: StrategyEnv) -> Choose:
    """Each way of asking once on a target before any is asked again, in the order of the file."""

    def choose(observation: NDArray[np.float32], mask: NDArray[np.bool_]) -> int:
        tries = env.progress.strategy_tries_on_target[env.progress.target.id]
        return min(map(int, np.flatnonzero(mask)), key=lambda index: (tries[index], index))

    return choose


def solve(
    env: StrategyEnv,
    choose: Choose,
    *,
    budget: Budget,
    seed: int = 0,
    tell: Callable[[Attempt, str, Spent], None] = lambda attempt, strategy, spent: None,
    lost: Callable[[int], bool] | None = None,
) -> Solution:
    """Play one episode for its result: ``env.max_attempts`` and the budget end it, and so does Ctrl-C.

    Args:
        env: On the project; what it keeps must not be worse.
        choose: Picks a strategy by observation and mask, and may turn the env to another target before; None ends.
        budget: No call begins when it is spent.
        seed: Of the samples.
        tell: Called after each attempt.
        lost: Called with a strategy whose model cannot be had; whether to go on without it. None: it ends there.

    Raises:
        LMError, GraderError: Before anything was tried; later, it ends the episode and what was solved is kept.
    """
    observation, _ = env.reset(seed=seed)
    session, spent = env.session, Spent()
    before, ended, trouble = session.report, "attempts", ""
    on = {target.id: OnTarget(target.id) for target in env.project.targets}
    try:
        while not session.solved and not session.exhausted:
            if spent.exceeds(budget):
                ended = "budget"
                break
            action = choose(observation, env.action_masks())
            if action is None:
                ended = "given up"
                break
            here, began = on[env.progress.target.id], spent.seconds
            try:
                observation, *_ = env.step(action)
            except (LMUnavailable, WeightsError) as error:
                if lost is None or not lost(action):
                    raise
                trouble = str(error)
                continue
            _note(here, env, spent, spent.seconds - began)
            record = env.last_step
            assert record is not None
            tell(record.attempt, record.strategy, spent)
    except KeyboardInterrupt:
        ended = "interrupted"
    except (LMError, GraderError) as error:
        if not session.attempts:
            raise
        ended, trouble = "failed", str(error)
    files, report = best(env, before)
    for target, one in on.items():
        tests = env.progress.tests_of(target) or frozenset(before.outcomes)
        one.total = len(tests)
        one.before, one.after = (sum(which.outcomes[test] == "passed" for test in tests) for which in (before, report))
    ended = "solved" if report.all_passed else ended
    diff = unified_diff(env.project.sources, files)
    return Solution(before, report, files, diff, list(on.values()), spent, ended, trouble)


def _note(here: OnTarget, env: StrategyEnv, spent: Spent, seconds: float) -> None:
    record = env.last_step
    assert record is not None
    here.attempts += 1
    here.seconds += seconds
    here.cost += record.cost
    if record.proposal is not None:
        said = record.proposal.completion
        spent.add(said.prompt_tokens, said.completion_tokens, price_of(record.proposal.model), record.cost)
        here.tokens += said.prompt_tokens + said.completion_tokens
    if record.attempt.accepted and record.attempt.gained:
        here.strategy = record.strategy


def best(env: StrategyEnv, before: TestReport) -> tuple[Mapping[str, str], TestReport]:
    """The files in which most tests pass and none that passed before does not, and the least is changed."""
    session, passed = env.session, _passed(before)
    kept: list[tuple[Mapping[str, str], TestReport]] = [(env.project.sources, before)]
    for attempt in session.attempts:
        if attempt.accepted and attempt.report is not None and passed <= _passed(attempt.report):
            kept.append((attempt.files_proposed, attempt.report))
    gains = _only_gains(env, session.attempts)
    if len(kept) > 1 and gains != kept[-1][0]:
        report = session.grader.confirm(gains)
        if passed <= _passed(report):
            kept.append((gains, report))
    most = max(report.passed for _, report in kept)
    good = [one for one in kept if one[1].passed == most]
    return min(good, key=lambda one: len(unified_diff(env.project.sources, one[0])))


def _passed(report: TestReport) -> set[str]:
    return {test for test, outcome in report.outcomes.items() if outcome == "passed"}


def _only_gains(env: StrategyEnv, attempts: Sequence[Attempt]) -> Mapping[str, str]:
    """The untouched sources with those edits alone that made more tests pass."""
    files: Mapping[str, str] = env.project.sources
    for attempt in attempts:
        if attempt.accepted and attempt.gained:
            try:
                files = apply_edit(env.project, files, Edit(attempt.target, attempt.source))
            except EditRejected:  # it stood on one that is left out
                continue
    return files
