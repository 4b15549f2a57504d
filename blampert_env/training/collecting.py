"""Fills the sample pool: asks for tasks in several ways, several requests at once, prompts that begin alike in a row.

The pool is all of the state: what is in it is not asked again, so that a collection which was killed goes on where it
was.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from queue import SimpleQueue

from blampert_env.coding import Coder, CodingContext, Question, Strategy
from blampert_env.errors import LMError, LMUnavailable, UsageError, WeightsError
from blampert_env.lm import Completion, LanguageModel, SamplePool
from blampert_env.lm.pool import slot_of
from blampert_env.projects import Project

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer to have: a slot of a request, for a strategy. ``key`` and ``slot`` are its place in the pool."""

    strategy: str
    question: Question
    key: str
    slot: int

    @property
    def lm(self) -> LanguageModel:
        """Who is asked."""
        return self.question.lm

    @property
    def pool(self) -> SamplePool:
        """Where it is kept; raises UsageError where nothing is."""
        if self.lm.pool is None:
            raise UsageError(f"{self.lm.name} has no sample pool to fill: use blampert_env.lm.resolve(..., pool=PATH)")
        return self.lm.pool

    def draw(self) -> Completion:
        """The answer, from the pool if it is there by now; raises as :meth:`blampert_env.lm.LanguageModel.complete`."""
        return self.lm.complete(self.question.messages, **self.question.decoding, draw=self.slot)


@dataclass
class Arm:
    """What came of one way of asking one model.

    Attributes:
        model: Its name.
        strategy: Name of the way of asking.
        asked: Samples that were to be had.
        drawn: New ones.
        there: Those that were in the pool, or came into it by somebody else meanwhile.
        why: What failed, by reason.
    """

    model: str
    strategy: str
    asked: int = 0
    drawn: int = 0
    there: int = 0
    why: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        """Samples that could not be had."""
        return self.why.total()


def wanted(projects: Sequence[Project], strategies: Sequence[Strategy], coder: Coder) -> list[Sample]:
    """Every sample of every task, each once, by model and then by prompt.

    So requests whose prompts begin alike come one after another, and a server reads what they share once. A greedy
    strategy has one sample, others as many as the pool keeps. Prompts are those of the untouched projects: what a
    strategy shows of a project's other functions (``siblings``) is another prompt once one of these is written.

    Args:
        projects: Of several with the same files one counts.
        strategies: None that needs an attempt before it.
        coder: Knows the models.

    Raises:
        UsageError: A strategy's model is none, or there is no pool.
        LMUnavailable: It is not there.
    """
    found: dict[tuple[str, str, int], Sample] = {}
    for project in dict.fromkeys(projects):
        for target in project.targets:
            context = CodingContext(target, project.sources, project.tests_for(target))
            for strategy in strategies:
                question = coder.question(context, strategy)
                key = question.lm.request(question.messages, **question.decoding).key
                first = Sample(strategy.name, question, key, 0)
                slots = {slot_of(draw, first.pool.samples, strategy.temperature) for draw in range(first.pool.samples)}
                for slot in slots:
                    found.setdefault((strategy.name, key, slot), Sample(strategy.name, question, key, slot))
    return sorted(found.values(), key=_place)


def _place(sample: Sample) -> tuple[str, list[str], str, int]:
    return sample.lm.name, [message["content"] for message in sample.question.messages], sample.key, sample.slot


class Collection:
    """Has samples drawn that are not there yet.

    Args:
        samples: From :func:`wanted`.
        jobs: Requests in flight; as many as the model's server answers at once by default.

    Attributes:
        arms: What came of each model and strategy so far; kept when :meth:`run` is interrupted.
        missing: Samples that were not in the pool at the start.
        trouble: A line a model that could not be asked any more.

    Raises:
        StorageError: The pool cannot be read.
    """

    def __init__(self, samples: Sequence[Sample], jobs: int | None = None) -> None:
        self.jobs = jobs
        self.arms: dict[tuple[str, str], Arm] = {}
        self.missing: list[Sample] = []
        self.trouble: list[str] = []
        for sample in samples:
            arm = self._arm(sample)
            arm.asked += 1
            if sample.pool.has(sample.key, sample.slot):
                arm.there += 1
            else:
                self.missing.append(sample)
        self.arms = dict(sorted(self.arms.items()))

    @property
    def drawn(self) -> int:
        """New samples so far."""
        return sum(arm.drawn for arm in self.arms.values())

    @property
    def failed(self) -> int:
        """Samples that could not be had so far."""
        return sum(arm.failed for arm in self.arms.values())

    def run(self, tell: Tell = lambda model, done, total: None) -> None:
        """Draw what is missing, one model after the other; a model that cannot be asked any more is given up.

        Args:
            tell: Called with the model's name, how many of its samples are done and how many it has to give: before
                the first and after each.

        Raises:
            StorageError: The pool cannot be written.
            KeyboardInterrupt: What was drawn is in the pool; requests under way are left to themselves.
        """
        for name, group in groupby(self.missing, key=lambda one: one.lm.name):
            samples = list(group)
            tell(name, 0, len(samples))
            self._ask(samples, tell)

    def _ask(self, samples: Sequence[Sample], tell: Tell) -> None:
        lm = samples[0].lm
        crew = _Crew(samples, self.jobs or lm.slots)
        try:
            lm.connect()
        except LMError as error:
            self._give_up(crew, error)
        for done, (sample, outcome) in enumerate(crew.outcomes(), 1):
            self._note(sample, outcome)
            if isinstance(outcome, LMUnavailable | WeightsError) and not crew.ended:
                self._give_up(crew, outcome)
            tell(lm.name, done, len(samples))

    def _give_up(self, crew: _Crew, error: LMError) -> None:
        self.trouble.append(str(error))
        crew.end(error)

    def _note(self, sample: Sample, outcome: Completion | BaseException) -> None:
        arm = self._arm(sample)
        if isinstance(outcome, Completion):
            arm.there += outcome.cached
            arm.drawn += not outcome.cached
        elif isinstance(outcome, LMError):
            arm.why[str(outcome)] += 1
        else:
            raise outcome

    def _arm(self, sample: Sample) -> Arm:
        which = sample.lm.name, sample.strategy
        return self.arms.setdefault(which, Arm(*which))


class _Crew:
    """Threads that draw samples.

    Each has a stretch of them, so that prompts which begin alike meet the same slot of the server; one that is done
    with its own takes from the end of the longest.
    """

    def __init__(self, samples: Sequence[Sample], jobs: int) -> None:
        size = -(-len(samples) // jobs)
        self.ended = False
        self._count = len(samples)
        self._parts = [deque(samples[start : start + size]) for start in range(0, len(samples), size)]
        self._lock = threading.Lock()
        self._done: SimpleQueue[tuple[Sample, Completion | BaseException]] = SimpleQueue()

    def outcomes(self) -> Iterator[tuple[Sample, Completion | BaseException]]:
        """Each sample with its answer or what was raised, as they come; nothing more is asked if this is left early."""
        for part in self._parts:
            # daemons: Ctrl-C does not wait for an answer that takes minutes
            threading.Thread(target=self._work, args=(part,), name="collect", daemon=True).start()
        try:
            for _ in range(self._count):
                yield self._done.get()
        finally:
            self.end()

    def end(self, error: LMError | None = None) -> None:
        """Ask nothing more; where there is an error, it is what came of all that was not asked."""
        self.ended = True
        with self._lock:
            left = [sample for part in self._parts for sample in part]
            for part in self._parts:
                part.clear()
        for sample in left if error else ():
            assert error is not None
            self._done.put((sample, error))

    def _work(self, own: deque[Sample]) -> None:
        while sample := self._next(own):
            try:
                outcome: Completion | BaseException = sample.draw()
            except BaseException as error:  # whoever waits for the outcomes raises it
                outcome = error
            self._done.put((sample, outcome))

    def _next(self, own: deque[Sample]) -> Sample | None:
        with self._lock:
            if own:
                return own.popleft()
            longest = max(self._parts, key=len)
            return longest.pop() if longest else None
