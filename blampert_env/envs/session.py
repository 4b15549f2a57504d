"""One episode's edits to one project: the files as they are now, and what each attempt did to them.

Both environments stand on this; it knows neither Gymnasium nor an LM.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from blampert_env.editing import Edit, apply_edit, unified_diff
from blampert_env.envs.trouble import warn_of_trouble
from blampert_env.errors import ConfigError, EditRejected
from blampert_env.grading import Grader, TestReport
from blampert_env.projects import Project
from blampert_env.quality import measure
from blampert_env.rewards import RewardSpec, StepFacts

Accept = Literal["not_worse", "always"]

# What an attempt came to, beside the reasons of EditRejected: info["outcome"] is one of these or of those.
OUTCOMES = (
    "solved",
    "improved",
    "same",
    "unchanged",
    "worse",
    "timeout",
    "crashed",
    "no_code",
    "masked",
    "prompt_too_long",
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt did.

    Attributes:
        target: Target id, or "" where the edit named none.
        source: The source that was proposed; "" if none.
        outcome: One of :data:`OUTCOMES`, or the reason of the refusal (``blampert_env.editing.REASONS``).
        message: One line that says more; "" where there is nothing more to say.
        accepted: The files changed.
        rejected: The edit was refused, or there was none: nothing was graded.
        report: The candidate's report; None where nothing was graded.
        passed_before: Visible tests passed before.
        passed_after: Visible tests passed after (by the files that are kept).
        reward_terms: Weighted reward terms by name.
        files_before: The sources before.
        files_proposed: The sources with the edit, kept or not; both are empty where nothing was graded.
        grade_s: Seconds spent grading.
    """

    target: str
    source: str
    outcome: str
    message: str
    accepted: bool
    rejected: bool
    report: TestReport | None
    passed_before: int
    passed_after: int
    reward_terms: Mapping[str, float] = field(default_factory=dict)
    files_before: Mapping[str, str] = field(default_factory=dict, repr=False)
    files_proposed: Mapping[str, str] = field(default_factory=dict, repr=False)
    grade_s: float = 0.0

    @property
    def reward(self) -> float:
        """Sum of the reward terms."""
        return float(sum(self.reward_terms.values()))

    @property
    def diff(self) -> str:
        """Unified diff of the proposed change, kept or not; "" where none could be made. Made when asked for."""
        return unified_diff(self.files_before, self.files_proposed)

    @property
    def gained(self) -> bool:
        """More tests pass than before."""
        return self.passed_after > self.passed_before


@dataclass(frozen=True, slots=True)
class _Spent:
    """What the LM's call for an attempt came to."""

    completion_tokens: int
    cost: float


class EditSession:
    """The files of a project under edit.

    Args:
        project: What is edited.
        grader: Its grader for the visible tests.
        rewards: What an attempt is worth.
        accept: ``not_worse`` keeps an edit if the number of passed tests does not fall and the run was whole;
            ``always`` keeps each edit that could be applied.
        max_attempts: Attempts in an episode, >= 2.
    """

    def __init__(
        self, project: Project, grader: Grader, rewards: RewardSpec, *, accept: Accept, max_attempts: int
    ) -> None:
        if accept not in ("not_worse", "always"):
            raise ConfigError(f"accept must be 'not_worse' or 'always', not {accept!r}")
        if max_attempts < 2:
            raise ConfigError(f"max_attempts must be at least 2, not {max_attempts}")
        if rewards.needs_quality:
            measure("")  # what is missing shows now, not after the first edit
        self.project = project
        self.grader = grader
        self.rewards = rewards
        self.accept = accept
        self.max_attempts = max_attempts
        self.start()
        warn_of_trouble(grader)

    def start(self) -> None:
        """Back to the untouched project; its report is the grader's trusted run (graded once, not per episode)."""
        self.files: dict[str, str] = dict(self.project.sources)
        self.report: TestReport = self.grader.baseline
        self._passed_untouched = self.report.passed
        self.attempts: list[Attempt] = []

    @property
    def solved(self) -> bool:
        """Every visible test passes."""
        return self.report.all_passed

    @property
    def exhausted(self) -> bool:
        """The attempts are used up."""
        return len(self.attempts) >= self.max_attempts

    def attempt(
        self, edit: Edit | None, *, problem: str = "no_code", completion_tokens: int = 0, cost: float = 0.0
    ) -> Attempt:
        """Apply, grade, keep or drop one edit. Never raises for what an edit holds.

        Args:
            edit: The edit, or None where there is none to try.
            problem: The outcome to record if ``edit`` is None.
            completion_tokens: What the LM wrote for it, for the ``tokens`` reward term.
            cost: What the LM's call cost, in seconds, for the ``cost`` reward term.

        Raises:
            GraderError: The grader itself failed; nothing is recorded.
        """
        spent = _Spent(completion_tokens, cost)
        if edit is None:
            attempt = self._refused("", "", problem, self._said(problem), spent)
        else:
            try:
                candidate = apply_edit(self.project, self.files, edit)
            except EditRejected as refusal:
                attempt = self._refused(edit.target, edit.source, refusal.reason, str(refusal), spent)
            else:
                attempt = self._graded(edit, candidate, spent)
        self.attempts.append(attempt)
        return attempt

    def _said(self, problem: str) -> str:
        """What to do about an attempt without an edit; "" where nobody can do anything."""
        if problem != "no_code":
            return ""
        names = ", ".join(target.name for target in self.project.targets)
        return f"no function of a target in the text: write one of {names}"[:300]

    def _refused(self, target: str, source: str, outcome: str, message: str, spent: _Spent) -> Attempt:
        passed = self.report.passed
        terms = self._terms(passed, passed, rejected=True, spent=spent)
        return Attempt(target, source, outcome, message, False, True, None, passed, passed, terms)

    def _graded(self, edit: Edit, candidate: dict[str, str], spent: _Spent) -> Attempt:
        """Grade ``candidate`` and keep it or not."""
        before, files_before = self.report, self.files
        passed = before.passed
        if candidate == files_before:
            terms = self._terms(passed, passed, rejected=False, spent=spent)
            return Attempt(edit.target, edit.source, "unchanged", "", False, False, before, passed, passed, terms)
        started = time.perf_counter()
        report = self.grader.grade(candidate)
        if report.passed > passed or report.all_passed:  # it may be kept as the best
            report = self.grader.confirm(candidate)
        grade_s = time.perf_counter() - started
        no_worse = _no_worse(before, report)
        accepted = self.accept == "always" or no_worse
        passed_after = passed
        if accepted:
            self.files, self.report = candidate, report
            passed_after = report.passed
        return Attempt(
            target=edit.target,
            source=edit.source,
            outcome=_outcome(before, report, no_worse),
            message=f"killed: {report.killed}" if report.killed else "",
            accepted=accepted,
            rejected=False,
            report=report,
            passed_before=passed,
            passed_after=passed_after,
            reward_terms=self._terms(passed, passed_after, rejected=False, spent=spent, source=edit.source),
            files_before=files_before,
            files_proposed=candidate,
            grade_s=grade_s,
        )

    def _terms(
        self, passed_before: int, passed_after: int, *, rejected: bool, spent: _Spent, source: str = ""
    ) -> dict[str, float]:
        """The weighted reward terms of an attempt; quality is measured only where it counts."""
        needs_quality = passed_after > passed_before and self.rewards.needs_quality
        facts = StepFacts(
            passed_before,
            passed_after,
            self._passed_untouched,
            self.report.total,
            rejected,
            spent.completion_tokens,
            spent.cost,
            measure(source).score if needs_quality else None,
        )
        return self.rewards.terms(facts)


def _no_worse(before: TestReport, after: TestReport) -> bool:
    """As many tests pass, the run was whole, and no more tests than before could not even be run.

    The last matters where nothing passes yet: an edit that breaks the import of its file would else be kept, and
    every later edit would fail with it.
    """
    return after.verdict == "ok" and after.passed >= before.passed and _not_run(after) <= _not_run(before)


def _not_run(report: TestReport) -> int:
    return sum(outcome in ("error", "missing") for outcome in report.outcomes.values())


def _outcome(before: TestReport, after: TestReport, no_worse: bool) -> str:
    """Name what a graded candidate came to."""
    if after.verdict != "ok":
        return "timeout" if after.verdict == "timeout" else "crashed"
    if after.all_passed:
        return "solved"
    if not no_worse:
        return "worse"
    return "improved" if after.passed > before.passed else "same"
