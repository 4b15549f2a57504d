"""Functions of real packages and HumanEval's as tasks, each asked for in several ways: one answer an arm, graded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from repository import Bench, Options
from sources import Pin, SourceError, archives, pins

from blampert_env.coding import Coder, CodingContext, Strategy
from blampert_env.editing import apply_edit
from blampert_env.envs.failures import failure_kind
from blampert_env.envs.features import TARGET_FEATURES, target_features
from blampert_env.envs.progress import what_failed
from blampert_env.errors import BlampertError, EditRejected
from blampert_env.grading import Grader, TestReport, make_grader
from blampert_env.lm import ContextOverflow
from blampert_env.lm.prices import Meter
from blampert_env.projects import Project, Target, humaneval_problems
from blampert_env.projects.files import load_solution

HUMANEVAL = "humaneval"  # stands where the others have their repository


@dataclass(frozen=True)
class Answer:
    """What one call gave: ``outcome`` is ``solved``, how many tests still fail, or why nothing was graded.

    ``cost`` is in seconds at the configured prices; ``seconds`` is what it took, where it was drawn just now.
    ``failure`` is the kind of its failure (:func:`blampert_env.envs.failures.failure_kind`). ``held_out``: whether
    tests that nobody is shown, and that decide nothing else, pass too; the same as ``solved`` where there are none.
    ``passed``: tests, None where nothing was graded; ``own``: share of those that mention the function; ``code``: what
    tells its source from others, "" where there was none.
    """

    task: str
    repository: str
    arm: str
    solved: bool
    outcome: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    seconds: float | None = None
    failure: str = ""
    held_out: bool = False
    passed: int | None = None
    own: float = 0.0
    code: str = ""


@dataclass(frozen=True)
class Task:
    """A function to write: where it is from, project and grader, and right code in which it alone is a stub."""

    repository: str
    project: Project
    grader: Grader
    files: Mapping[str, str]
    target: Target
    held: Grader | None = None

    @property
    def name(self) -> str:
        """Names it among all."""
        return f"{self.repository} {self.project.name if self.repository == HUMANEVAL else self.target.id}"

    @cached_property
    def mentioning(self) -> frozenset[str]:
        """Tests that mention the function."""
        mentions = self.project.test_targets
        return frozenset(
            test for test in self.grader.test_ids if self.target.id in mentions.get(test.split("[", 1)[0], ())
        )

    def share(self, report: TestReport) -> float:
        """Of the tests that mention the function (of all, if none does), those that pass."""
        tests = self.mentioning or frozenset(report.outcomes)
        return round(sum(report.outcomes[test] == "passed" for test in tests) / len(tests), 4)


def tasks(chosen: list[Pin], options: Options, refused: dict[str, str]) -> Iterator[Task]:
    """Each function of each repository that can be had."""
    known = pins()
    for name, archive in archives(chosen).items():
        if not isinstance(archive, Path):
            refused[name] = str(archive)
            continue
        with tempfile.TemporaryDirectory(prefix="blampert-headroom-") as folder:
            try:
                bench = Bench(known[name], archive, options, Path(folder))
                project = bench.project(bench.right_code())
                assert project.root is not None
                right = load_solution(project.root)
                with make_grader(project, python=bench.python) as grader:
                    for target in project.targets:
                        files = {**project.sources, **right, **bench.stub(project, right, target.id)}
                        yield Task(name, project, grader, files, target)
            except (SourceError, BlampertError) as error:
                refused[name] = f"{type(error).__name__}: {error}".splitlines()[0]


def humaneval_tasks(count: int) -> Iterator[Task]:
    """The first so many problems of HumanEval that have visible tests."""
    problems = [project for project in humaneval_problems(share_check=True) if project.tests]
    for project in problems[:count]:
        with make_grader(project) as grader, make_grader(project, tests="held_out") as held:
            yield Task(HUMANEVAL, project, grader, project.sources, project.targets[0], held)


class Asker:
    """Asks for one task in every way.

    Args:
        coder: Asks the models.
        strategies: The arms; none repairs.
        after: An arm to the one that it comes after, which is asked where that one failed.
    """

    def __init__(self, coder: Coder, strategies: Sequence[Strategy], after: Mapping[str, str]) -> None:
        self.coder, self.strategies, self.after = coder, strategies, after
        self.meter = Meter()

    def ask(self, task: Task) -> Iterator[Answer]:
        """One answer an arm; none of one that comes after another that solved it, or was not asked."""
        self.meter.forget()
        context = CodingContext(target=task.target, files=task.files, tests=task.project.tests_for(task.target))
        failed: set[str] = set()
        for strategy in self.strategies:
            if self.after.get(strategy.name, strategy.name) in (strategy.name, *failed):
                answer = self._once(task, strategy, context)
                if not answer.solved:
                    failed.add(strategy.name)
                yield answer

    def _once(self, task: Task, strategy: Strategy, context: CodingContext) -> Answer:
        """One call, applied and graded."""
        about = (task.name, task.repository, strategy.name)
        try:
            proposal = self.coder.propose(context, strategy)
        except ContextOverflow:
            return Answer(*about, False, "prompt too long", failure=failure_kind("prompt_too_long", None, ""))
        said, cost = proposal.completion, self.meter.charge(proposal.model, proposal.prompt, proposal.completion)
        outcome, report, source, held_out = "no_code", None, "", False
        if proposal.edit is not None:
            source = proposal.edit.source
            try:
                files = apply_edit(task.project, task.files, proposal.edit)
                report = task.grader.grade(files, first=sorted(task.mentioning))
                outcome = "solved" if report.all_passed else f"{report.total - report.passed} of {report.total} fail"
                held_out = report.all_passed and (task.held is None or task.held.grade(files).all_passed)
            except EditRejected as refusal:
                outcome = refusal.reason
        failing = _said(task, report) if report is not None else ""
        return Answer(
            *about,
            outcome == "solved",
            outcome,
            said.prompt_tokens,
            said.completion_tokens,
            round(cost, 3),
            seconds=None if said.cached else round(proposal.seconds, 2),
            failure=failure_kind(outcome, report, failing),
            held_out=held_out,
            passed=report.passed if report is not None else None,
            own=task.share(report) if report is not None else 0.0,
            code=sha256(source.encode()).hexdigest()[:16] if source else "",
        )


def facts(task: Task) -> dict[str, float]:
    """What is known of a task before anything is asked: the target's features, its tests, and what of them passes."""
    own = dict(zip(TARGET_FEATURES, map(float, target_features(task.target)), strict=True))
    report = task.grader.grade(task.files)
    return own | {"tests": len(task.mentioning), "passed": report.passed, "own": task.share(report)}


def _said(task: Task, report: TestReport) -> str:
    """What tests that mention the function said when they failed; where none of them did, what others said."""
    return what_failed(report, task.mentioning if task.mentioning & report.failures.keys() else report.failures)
