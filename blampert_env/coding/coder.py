"""The Coder: a context and a strategy in, an edit out, by way of DSPy and the LM."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from blampert_env.coding.context import MAX_FAILING_CHARS, MAX_PART_CHARS, CodingContext, clip
from blampert_env.coding.facts import executed_facts
from blampert_env.coding.relevant import relevant
from blampert_env.coding.source import body_indent, function_head, shown_stub, without_docstring
from blampert_env.coding.strategies import Ask, Strategy
from blampert_env.editing import Edit

if TYPE_CHECKING:
    from blampert_env.coding.adapter import FencedCodeAdapter
    from blampert_env.lm import Completion, LanguageModel, Messages
    from blampert_env.lm.dspy_lm import PooledLM

# The closing fence ends the answer: half of a small model's tokens are chatter after it. At most four (OpenAI's limit).
STOP_AFTER_BLOCK = ("\n```\n",)
STOP_IN_PREFILLED = ("\n```", "\nif __name__", "\nprint(", "\nassert ")
# who has seen the file goes on with the rest of it; after a blank line, as one that begins anew has none before its def
STOP_AFTER_FUNCTION = ("\n```", "\n\ndef ", "\n\nclass ", "\n\n@")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one LM call gave.

    Attributes:
        edit: The edit, or None where the reply held no code.
        completion: The LM's reply with its token counts.
        prompt: The messages it was asked with; a last one by the assistant is the start of the answer.
        seconds: What asking took: the LM, and DSPy around it.
        model: Name of the LM that was asked.
    """

    edit: Edit | None
    completion: Completion
    prompt: Messages
    seconds: float = 0.0
    model: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What one LM call asks: ``with dspy.context(lm=dspy_lm(draw), adapter=adapter)`` a ``dspy.Predict`` of the rest.

    Attributes:
        lm: Who is asked.
        signature: The DSPy signature, with the strategy's instructions.
        inputs: Its inputs; those that the strategy does not show are empty.
        demos: Solved functions that are shown before.
        adapter: Writes the prompt and reads the reply.
        decoding: ``temperature``, ``max_tokens`` and ``stop``, for :meth:`blampert_env.lm.LanguageModel.complete`.
    """

    lm: LanguageModel
    signature: Any
    inputs: dict[str, str]
    demos: list[dict[str, str]]
    adapter: FencedCodeAdapter
    decoding: Mapping[str, Any]

    @property
    def messages(self) -> Messages:
        """The prompt, to the letter; a last one by the assistant is the start of the answer."""
        messages: Messages = self.adapter.format(self.signature, self.demos, self.inputs)
        return messages

    def dspy_lm(self, draw: int) -> PooledLM:
        """The model as DSPy has it, for that sample."""
        return self.lm.dspy_lm(**self.decoding, draw=draw)


class Coder:
    """Asks an LM for one target's code.

    Args:
        lm: The language model, from :func:`blampert_env.lm.resolve`; knows those that strategies name.
    """

    def __init__(self, lm: LanguageModel) -> None:
        self.lm = lm

    def propose(self, context: CodingContext, strategy: Strategy, draw: int = 0) -> Proposal:
        """Ask once.

        Args:
            context: What the prompt may show; only what ``strategy.show`` names enters it.
            strategy: How to ask.
            draw: Which sample to take from the pool of this prompt, >= 0.

        Raises:
            ContextOverflow: The prompt does not fit into the model's context.
            LMUnavailable: Nothing answers, or the circuit breaker is open.
            UsageError: The strategy names a model that is none.
        """
        import dspy
        from dspy.utils.exceptions import AdapterParseError

        started = time.perf_counter()
        question = self.question(context, strategy)
        lm, code = question.dspy_lm(draw), None
        # a reply without code is an outcome (edit=None), not an error
        with dspy.context(lm=lm, adapter=question.adapter), suppress(AdapterParseError):
            code = dspy.Predict(question.signature)(demos=question.demos, **question.inputs).code
        edit = Edit(context.target.id, code) if code is not None else None
        prompt, completion = lm.calls[-1]
        return Proposal(edit, completion, prompt, time.perf_counter() - started, question.lm.name)

    def question(self, context: CodingContext, strategy: Strategy) -> Question:
        """What :meth:`propose` asks, so that others can ask the same; nobody is asked.

        Raises:
            LMUnavailable: The model that the strategy names is not there.
            UsageError: The strategy names a model that is none.
        """
        from blampert_env.coding.adapter import FencedCodeAdapter

        signature, inputs = build_request(context, strategy)
        lm = self.lm.other(strategy.model)
        # an LM that cannot go on from an open answer is asked the same without it
        prefill = answer_start(context, strategy) if strategy.prefill and lm.supports_prefill else ""
        demos, adapter = _demos(context, strategy, inputs), FencedCodeAdapter(prefill)
        return Question(lm, signature, inputs, demos, adapter, _decoding(strategy, prefill))


def build_request(context: CodingContext, strategy: Strategy) -> tuple[Any, dict[str, str]]:
    """The DSPy signature and its inputs; inputs the strategy does not show are empty."""
    show, target = strategy.show, context.target
    siblings = relevant(target, context.files, context.tests, MAX_PART_CHARS) if "siblings" in show else ""
    tests = clip(context.tests) if "tests" in show else ""
    if strategy.ask == "repair":
        facts = executed_facts(context.failing, target.name, target.path) if "facts" in show else ""
        return signature_of(strategy.ask, strategy.instructions), {
            "previous": clip(context.previous),
            "docstring": clip(target.docstring or "") if "docstring" in show else "",
            "siblings": siblings,
            "tests": tests,
            "failing": clip(context.failing, MAX_FAILING_CHARS) if "failing" in show else "",
            "facts": clip(facts, MAX_FAILING_CHARS),
        }
    source = target.source
    stub = shown_stub(source) if "docstring" in show else without_docstring(source)
    inputs = {"stub": clip(stub), "siblings": siblings, "tests": tests}
    return signature_of(strategy.ask, strategy.instructions), inputs


@lru_cache(maxsize=256)  # DSPy makes a class of each; an optimizer tries many
def signature_of(ask: Ask, instructions: str = "") -> Any:
    """The DSPy signature of a way of asking; its own first sentence where there are no ``instructions``."""
    from blampert_env.coding import signatures

    kinds: dict[str, Any] = {
        "direct": signatures.WriteFunction,
        "minimal": signatures.WriteFunctionMinimal,
        "plan": signatures.PlanFunction,
        "repair": signatures.RepairFunction,
    }
    return kinds[ask].with_instructions(instructions) if instructions else kinds[ask]


def answer_start(context: CodingContext, strategy: Strategy) -> str:
    """The prefilled start: an open fence, the ``def`` line, the docstring if it is shown, and the start of a plan."""
    source = context.target.source
    head = function_head(source, docstring="docstring" in strategy.show)
    if strategy.ask == "plan":
        indent = body_indent(source)
        head += f"{indent}# Steps:\n{indent}# 1."
    return f"```python\n{head}"


def _decoding(strategy: Strategy, prefill: str) -> dict[str, Any]:
    """How the answer is sampled, and where it ends."""
    begun = STOP_AFTER_FUNCTION if "siblings" in strategy.show else STOP_IN_PREFILLED
    stop = begun if prefill else STOP_AFTER_BLOCK
    return {"temperature": strategy.temperature, "max_tokens": strategy.max_tokens, "stop": stop}


def _demos(context: CodingContext, strategy: Strategy, inputs: dict[str, str]) -> list[dict[str, str]]:
    """The strategy's own, but for one of the function that is asked for; the last two verified examples if shown."""
    demos = [dict(demo) for demo in strategy.demos if demo["stub"] != inputs.get("stub")]
    if "examples" in strategy.show:
        demos += [{"stub": clip(shown_stub(stub)), "code": clip(code)} for stub, code in context.examples[-2:]]
    return demos
