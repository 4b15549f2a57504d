"""Looks for better ways of asking by DSPy's own optimizers. Imports DSPy.

The pass rate of a function's tests is the score, what the failing ones say is the feedback. Optimizers: GEPA (Agrawal
et al. 2025, arXiv 2507.19457), MIPROv2 (Opsahl-Ong et al. 2024, arXiv 2406.11695) and BootstrapFewShot (Khattab et al.
2023, arXiv 2310.03714), one evaluation at a time.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import dspy
from dspy.utils.exceptions import AdapterParseError

from blampert_env.coding import Strategy
from blampert_env.coding.coder import build_request
from blampert_env.errors import BlampertError, LMError, UsageError
from blampert_env.lm import LanguageModel
from blampert_env.training.exam import Ended, Exam, Task
from blampert_env.training.program import ReflectingLM, StrategyProgram

MAX_DEMOS = 2  # as many as `show: [examples]` shows: a prompt's length is what a call costs
_MINIBATCH = 3  # GEPA's own default: functions that one reflection looks at
_MIPRO_CANDIDATES = 3  # instructions, and sets of demos, to choose among; one of each is what there is


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a search.

    Attributes:
        start: The strategy that it began with.
        best: The one with the best score on the validation split; ``start`` if none is better.
        before: Score of ``start`` on the validation split, in [0, 1]; None if the search ended before it was known.
        after: Score of ``best``.
        tried: Strategies that were asked at least once, ``start`` among them.
        evaluations: Answers that were asked for and graded.
        reflections: Calls of the model that proposes instructions.
        unread: Proposals among them that hold no instruction: the model does not keep to the form, or to the length.
        seconds: On the clock.
        ended: ``done``, or why it ended before: ``budget``, ``perfect``, ``interrupted`` or ``failed``.
        trouble: What failed, in a line; "" if nothing did.
    """

    start: Strategy
    best: Strategy
    before: float | None
    after: float | None
    tried: int
    evaluations: int
    reflections: int
    unread: int
    seconds: float
    ended: str
    trouble: str = ""

    @property
    def better(self) -> bool:
        """Something better was found."""
        return self.before is not None and self.after is not None and self.after > self.before


def optimize(
    strategy: Strategy,
    exam: Exam,
    *,
    optimizer: str = "gepa",
    reflection: LanguageModel | None = None,
    seed: int = 0,
) -> Found:
    """Search until the optimizer is done, the budget is spent, every validation test passes, or Ctrl-C.

    Args:
        strategy: Where to begin; one that needs nothing but the function to write.
        exam: The tasks and the budget.
        optimizer: One of :data:`OPTIMIZERS`.
        reflection: The model that proposes instructions; the exam's own by default.
        seed: Of the optimizer and of the reflection's samples.

    Raises:
        UsageError: The optimizer needs a package that is not there, or a larger budget.
        LMError, GraderError: Something failed before ``strategy`` had a score; later, it ends the search.
    """
    check_installed(optimizer)
    _check_budget(optimizer, exam)
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "true")  # DSPy asks LiteLLM what a model can do
    started, ended, trouble = time.perf_counter(), "done", ""
    reflecting = ReflectingLM(reflection or exam.coder.lm, seed)
    try:
        with _quiet():
            OPTIMIZERS[optimizer](StrategyProgram(strategy, exam), exam, reflecting, seed)
    except KeyboardInterrupt:
        ended = "interrupted"
    except (Ended, BlampertError, AdapterParseError) as end:
        error = _failure(end, reflecting)
        if error is not None and not (isinstance(error, BlampertError) and exam.validated(strategy) is not None):
            raise error from None
        ended, trouble = end.why if isinstance(end, Ended) else "failed", str(error or "")
    best = exam.best() or strategy
    best = strategy if exam.validated(best) == exam.validated(strategy) else best
    return Found(
        start=strategy,
        best=best,
        before=exam.validated(strategy),
        after=exam.validated(best),
        tried=len(exam.scores),
        evaluations=exam.evaluations,
        reflections=len(reflecting.calls),
        unread=reflecting.unread,
        seconds=time.perf_counter() - started,
        ended=ended,
        trouble=trouble,
    )


def _failure(end: BaseException, reflecting: ReflectingLM) -> Exception | None:
    """What failed; None if the search just ended."""
    if isinstance(end, AdapterParseError):
        return LMError(f"{reflecting.name} proposed nothing that can be read: take another reflection model")
    return end.error if isinstance(end, Ended) else end if isinstance(end, Exception) else None


def check_installed(optimizer: str) -> None:
    """See that an optimizer has all that it needs.

    Raises:
        UsageError: A package is not there.
    """
    if optimizer == "mipro" and find_spec("optuna") is None:
        raise UsageError("mipro needs optuna, which is not installed: pip install optuna, or take another optimizer")


def _check_budget(optimizer: str, exam: Exam) -> None:
    """Less than the start, one step of the search and one candidate compares nothing.

    Raises:
        UsageError: It is less.
    """
    train, validation = len(exam.train), len(exam.validation)
    least = _least(optimizer, train, validation)
    if exam.budget < least:
        raise UsageError(f"a budget of {exam.budget} is too small: {optimizer} needs {least} evaluations at least "
                         f"with {train} functions to learn from and {validation} to validate on")  # fmt: skip


def _least(optimizer: str, train: int, validation: int) -> int:
    steps = {"gepa": 2 * min(_MINIBATCH, train), "bootstrap": train, "mipro": (_MIPRO_CANDIDATES - 1) * train}
    return 2 * validation + steps[optimizer]


def _gepa(program: StrategyProgram, exam: Exam, reflecting: ReflectingLM, seed: int) -> None:
    size = min(_MINIBATCH, len(exam.train))
    dspy.GEPA(
        _with_feedback,
        max_metric_calls=exam.budget,
        reflection_minibatch_size=size,
        reflection_lm=reflecting,
        instruction_proposer=reflecting.propose,
        use_merge=False,  # there is one text: nothing to merge
        num_threads=1,
        seed=seed,
    ).compile(program, trainset=_examples(program, exam.train), valset=_examples(program, exam.validation))


def _bootstrap(program: StrategyProgram, exam: Exam, reflecting: ReflectingLM, seed: int) -> None:
    search = dspy.BootstrapFewShot(
        _score, metric_threshold=1.0, max_bootstrapped_demos=MAX_DEMOS, max_labeled_demos=0, max_errors=1
    )
    validation = _examples(program, exam.validation)
    measure = dspy.Evaluate(devset=validation, metric=_score, num_threads=1, max_errors=1)
    measure(program)
    found = search.compile(program, trainset=_examples(program, exam.train))
    if found.strategy != program.strategy:
        measure(found)


def _mipro(program: StrategyProgram, exam: Exam, reflecting: ReflectingLM, seed: int) -> None:
    train, validation = _examples(program, exam.train), _examples(program, exam.validation)
    left = exam.budget - _least("mipro", len(train), len(validation))
    dspy.MIPROv2(
        _score,
        prompt_model=reflecting,
        task_model=reflecting,  # unused: the program asks its own
        auto=None,
        num_candidates=_MIPRO_CANDIDATES,
        max_bootstrapped_demos=MAX_DEMOS,
        max_labeled_demos=0,
        metric_threshold=1.0,
        num_threads=1,
        max_errors=1,
        seed=seed,
    ).compile(
        program,
        trainset=train,
        valset=validation,
        num_trials=1 + left // len(validation),
        minibatch=False,
    )


OPTIMIZERS: dict[str, Callable[[StrategyProgram, Exam, ReflectingLM, int], None]] = {
    "gepa": _gepa,
    "mipro": _mipro,
    "bootstrap": _bootstrap,
}


def _examples(program: StrategyProgram, tasks: list[Task]) -> list[Any]:
    """Tasks as DSPy's examples: the key, and what the prompt shows, for proposers that look at the data."""
    shown = {task.key: build_request(task.context, program.start)[1] for task in tasks}
    return [dspy.Example(task=key, **texts).with_inputs("task", *texts) for key, texts in shown.items()]


def _score(gold: Any, pred: Any, trace: Any = None) -> float:
    return float(pred.score)


def _with_feedback(gold: Any, pred: Any, trace: Any = None, pred_name: Any = None, pred_trace: Any = None) -> Any:
    """GEPA's metric: the score, and the feedback where it reflects on a predictor."""
    return float(pred.score) if pred_name is None else dspy.Prediction(score=pred.score, feedback=pred.feedback)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """DSPy's optimizers print bars and notes to stdout, which is for results; errors of its log stay."""
    log = logging.getLogger("dspy")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            yield
    finally:
        log.setLevel(level)
