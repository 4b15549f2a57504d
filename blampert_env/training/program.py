"""What DSPy's optimizers work on: a strategy as a program, and the model that proposes instructions. Imports DSPy.

What an optimizer changes in the program's predictor, instructions and demos, is what a
:class:`~blampert_env.coding.Strategy` has, and the program asks through :meth:`Coder.question`: the strategy asks
afterwards what the program asked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dspy
from dspy.teleprompt.gepa import InstructionProposer
from dspy.utils.exceptions import AdapterParseError

from blampert_env.coding import Strategy
from blampert_env.coding.coder import signature_of
from blampert_env.coding.strategies import DEMO_TEXTS
from blampert_env.errors import BlampertError
from blampert_env.lm import ContextOverflow, LanguageModel
from blampert_env.lm.dspy_lm import PooledLM
from blampert_env.training.exam import Ended, Exam, Task, grade

_REFLECTION_TOKENS = 1_000
_MAX_INSTRUCTION_CHARS = 1_000
_ADVICE = (
    "The instruction will stand before every function that is to be written, not only before these: say what holds for "
    "functions in general, name none of these, and be brief."
)


class StrategyProgram(dspy.Module):  # type: ignore[misc]  # dspy is untyped
    """A strategy as a DSPy program.

    Args:
        strategy: What it begins as; optimizers change instructions and demos of ``predict``.
        exam: Counts, grades and remembers.
    """

    def __init__(self, strategy: Strategy, exam: Exam) -> None:
        super().__init__()
        self.start, self.exam = strategy, exam
        self.predict = dspy.Predict(signature_of(strategy.ask, strategy.instructions))
        self.predict.demos = [dspy.Example(**demo) for demo in strategy.demos]

    @property
    def strategy(self) -> Strategy:
        """The strategy that asks as the program does now."""
        instructions = self.predict.signature.instructions
        if instructions == signature_of(self.start.ask).instructions:
            instructions = ""
        demos = [{name: str(demo.get(name) or "") for name in DEMO_TEXTS} for demo in self.predict.demos]
        texts = tuple({name: text for name, text in demo.items() if text} for demo in demos)
        return replace(self.start, instructions=instructions, demos=texts)

    def forward(self, task: str, **shown: str) -> Any:
        """Ask for one task and grade the answer: a prediction with ``code``, ``score`` and ``feedback``.

        Raises:
            Ended: The budget is spent, nothing better is possible, or something failed that is not the answer's doing.
        """
        asked = self.exam.begin(task)
        try:
            code, said = self._ask(asked)
            score, feedback = grade(asked, code)
        except Exception as error:
            raise Ended("failed", error) from error
        self.exam.record(self.strategy, asked, score)
        return dspy.Prediction(code=said, score=score, feedback=feedback)

    def _ask(self, task: Task) -> tuple[str | None, str]:
        """The code of the answer, None without any, and what to show of the answer."""
        question = self.exam.coder.question(task.context, self.strategy)
        try:
            with dspy.context(lm=question.dspy_lm(self.exam.draw), adapter=question.adapter):
                code = str(self.predict(demos=question.demos, **question.inputs).code)
        except AdapterParseError as error:
            # as DSPy does for answers that it can read; GEPA reflects on what is in the trace
            dspy.settings.trace.append((self.predict, question.inputs, dspy.Prediction(code=error.lm_response)))
            return None, str(error.lm_response)
        except ContextOverflow:
            return None, "(no answer: the prompt does not fit into the model's context)"
        return code, code


class ReflectingLM(PooledLM):
    """The model that proposes instructions: another sample in every call, and no failure that DSPy may pass over.

    Attributes:
        unread: Answers that held no instruction.
    """

    def __init__(self, language_model: LanguageModel, seed: int) -> None:
        super().__init__(language_model, temperature=1.0, max_tokens=_REFLECTION_TOKENS, stop=(), draw=seed)
        self.name, self.unread = language_model.name, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As any ``dspy.LM``."""
        self.draw += 1
        try:
            return super().__call__(*args, **kwargs)
        except ContextOverflow:
            raise
        except BlampertError as error:
            raise Ended("failed", error) from error

    def propose(
        self, candidate: dict[str, str], reflective_dataset: dict[str, list[Any]], components_to_update: list[str]
    ) -> dict[str, str]:
        """GEPA's own proposal of a new text for each component, from fewer examples where not as many fit."""
        proposer = InstructionProposer(additional_instructions=_ADVICE, max_chars=_MAX_INSTRUCTION_CHARS)
        count = max(map(len, reflective_dataset.values()))
        while True:
            examples = {name: seen[:count] for name, seen in reflective_dataset.items()}
            try:
                return dict(proposer(candidate, examples, components_to_update))
            except ContextOverflow as error:
                count -= 1
                if not count:
                    raise Ended("failed", error) from error
            except (AdapterParseError, ValueError):
                self.unread += 1
                raise  # GEPA tries once more, then goes on without
