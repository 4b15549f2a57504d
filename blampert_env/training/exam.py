"""Functions to write as an exam for ways of asking: which there are, and what share of its tests an answer passes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from blampert_env.coding import Coder, CodingContext, Strategy
from blampert_env.coding.context import MAX_FAILING_CHARS, clip
from blampert_env.editing import Edit, apply_edit
from blampert_env.envs.progress import what_failed
from blampert_env.errors import EditRejected, ProjectError, UsageError
from blampert_env.grading import Grader, make_grader
from blampert_env.projects import Project, Target, load_solution


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One function to write.

    Attributes:
        name: Project and target.
        key: SHA-256 of the function as it stands there: the same function in two projects is one task.
        grader: Of its project.
        target: The function.
        files: The sources in which the other targets are written, as the project's solution has them if there is one.
        tests: The tests that decide: those that mention the target; where the others are not written, those that
            mention no other, if there are such.
        context: What prompts may show: nothing of the solution.
    """

    name: str
    key: str
    grader: Grader
    target: Target
    files: Mapping[str, str]
    tests: frozenset[str]
    context: CodingContext


@contextmanager
def open_tasks(projects: Sequence[Project], **grading: Any) -> Iterator[list[Task]]:
    """The targets of projects, each function once, with graders that are closed at the end.

    Args:
        projects: Where they are.
        grading: For :func:`~blampert_env.grading.make_grader`.

    Raises:
        ProjectError: A project's solution cannot be put in place.
        GraderError: The grader itself failed.
    """
    with ExitStack() as stack:
        found: dict[str, Task] = {}
        for project in projects:
            grader = stack.enter_context(make_grader(project, **grading))
            for task in _tasks(project, grader):
                found.setdefault(task.key, task)
        yield list(found.values())


def split(tasks: Sequence[Task], validation: float, seed: int) -> tuple[list[Task], list[Task]]:
    """Tasks to learn from and to validate on, by their hash: which goes where depends on nothing but it and the seed.

    Args:
        tasks: At least two.
        validation: The share of the second part, in (0, 1); each part has one at least.
        seed: Another seed, another division.

    Raises:
        UsageError: There are fewer than two.
    """
    if len(tasks) < 2:
        there = f"only {tasks[0].name}" if tasks else "none"
        raise UsageError(f"two functions to write are needed, to learn from one and validate on another, and there is "
                         f"{there}: give a project with more TODOs, or several projects")  # fmt: skip
    order = sorted(tasks, key=lambda task: hashlib.sha256(f"{seed} {task.key}".encode()).digest())
    count = min(max(round(validation * len(tasks)), 1), len(tasks) - 1)
    return order[count:], order[:count]


class Ended(BaseException):
    """The search is over. No ``Exception``, as DSPy's optimizers count those as wrong answers and go on.

    Attributes:
        why: ``budget``, ``perfect`` (every test of the validation split passes) or ``failed``.
        error: What failed.
    """

    def __init__(self, why: str, error: Exception | None = None) -> None:
        super().__init__(why)
        self.why, self.error = why, error


class Exam:
    """Grades answers, counts evaluations and keeps the scores: whatever ends the search, they are there.

    An evaluation is one answer that was asked for and graded, whether the LM wrote it now or the sample pool had it.

    Args:
        coder: Asks.
        train: Tasks to learn from.
        validation: Tasks that decide which strategy is better.
        budget: Evaluations at the most, >= 1.
        draw: Which sample of each prompt to take, >= 0: the same one for every strategy.
        tell: Called after each evaluation with the task, its score and this exam.

    Attributes:
        evaluations: So far.
        scores: Strategy to its score by a task's key, in [0, 1], the first strategy first.
    """

    def __init__(
        self,
        coder: Coder,
        train: Sequence[Task],
        validation: Sequence[Task],
        *,
        budget: int,
        draw: int = 0,
        tell: Callable[[Task, float, Exam], None] = lambda task, score, exam: None,
    ) -> None:
        self.coder, self.budget, self.draw, self.tell = coder, budget, draw, tell
        self.train, self.validation = list(train), list(validation)
        self.tasks = {task.key: task for task in (*train, *validation)}
        self.evaluations = 0
        self.scores: dict[Strategy, dict[str, float]] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Exam:
        """Itself: an optimizer copies its programs, and all of them sit the same exam."""
        return self

    def begin(self, key: str) -> Task:
        """The task with this key, whose evaluation is counted now.

        Raises:
            Ended: The budget is spent.
        """
        if self.evaluations >= self.budget:
            raise Ended("budget")
        self.evaluations += 1
        return self.tasks[key]

    def record(self, strategy: Strategy, task: Task, score: float) -> None:
        """Keep a score.

        Raises:
            Ended: Nothing can be better than this strategy.
        """
        self.scores.setdefault(strategy, {})[task.key] = score
        self.tell(task, score, self)
        if self.validated(strategy) == 1.0:
            raise Ended("perfect")

    def validated(self, strategy: Strategy) -> float | None:
        """Mean score over the validation split, in [0, 1]; None where not all of it was asked."""
        scores = self.scores.get(strategy, {})
        known = [scores[task.key] for task in self.validation if task.key in scores]
        return fmean(known) if len(known) == len(self.validation) else None

    def best(self) -> Strategy | None:
        """The strategy with the best score on the validation split, the earliest of several; None without any."""
        complete = {strategy: score for strategy in self.scores if (score := self.validated(strategy)) is not None}
        return max(complete, key=lambda strategy: complete[strategy], default=None)


def grade(task: Task, code: str | None) -> tuple[float, str]:
    """The share of the task's tests that pass with an answer, in [0, 1], and what the others said.

    Args:
        task: What was asked for.
        code: The answer; None if it holds no code.

    Raises:
        GraderError: The grader itself failed.
    """
    if code is None:
        return 0.0, "The reply holds no code block and no function."
    try:
        files = apply_edit(task.grader.project, task.files, Edit(task.target.id, code))
    except EditRejected as refusal:
        return 0.0, f"The code cannot be used: {refusal}"
    report = task.grader.grade(files, first=sorted(task.tests))
    passed = sum(report.outcomes[test] == "passed" for test in task.tests)
    said = what_failed(report, task.tests) or (f"The run was ended: {report.killed}" if report.killed else "")
    rest = f"\n\n{clip(said, MAX_FAILING_CHARS)}" if passed < len(task.tests) else ""
    return passed / len(task.tests), f"{passed} of {len(task.tests)} tests pass.{rest}"


def _tasks(project: Project, grader: Grader) -> Iterator[Task]:
    right = load_solution(project.root) if project.root is not None else {}
    for target, files in _each_alone(project, project.targets, project.sources, right):
        digest = hashlib.sha256(f"{target.qualname}\n{target.source}".encode()).hexdigest()
        shown = CodingContext(target, dict(project.sources), project.tests_for(target))
        tests = _tests(project, grader, target, all(one.path in right for one in project.targets))
        yield Task(f"{project.name} {target.id}", digest, grader, target, files, tests, shown)


def _each_alone(
    project: Project, targets: Sequence[Target], files: Mapping[str, str], right: Mapping[str, str]
) -> Iterator[tuple[Target, Mapping[str, str]]]:
    """Each target with files in which all others are written: each half is written for the other, n log n edits."""
    if len(targets) == 1:
        yield targets[0], files
        return
    middle = len(targets) // 2
    for mine, others in ((targets[:middle], targets[middle:]), (targets[middle:], targets[:middle])):
        written = files
        for target in others:
            if text := right.get(target.path, ""):
                try:
                    written = apply_edit(project, written, Edit(target.id, text), max_chars=len(text))
                except EditRejected as refusal:
                    raise ProjectError(f"{project.name}: solution/{target.path} cannot stand for {target.id}: "
                                       f"{refusal}; mend it, or remove it") from refusal  # fmt: skip
        yield from _each_alone(project, mine, written, right)


def _tests(project: Project, grader: Grader, target: Target, others_written: bool) -> frozenset[str]:
    """See :attr:`Task.tests`; where no test mentions the target, all of them."""
    uncounted = grader.baseline.uncounted
    mentions = {test: project.mentioned_by(test) for test in grader.test_ids if test not in uncounted}
    mentioning = frozenset(test for test, targets in mentions.items() if target.id in targets)
    own = frozenset(test for test in mentioning if mentions[test] == {target.id})
    return (mentioning if others_written else own or mentioning) or frozenset(mentions)
