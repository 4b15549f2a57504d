"""What is asked, and what a strategy's own words and demos do to the prompt."""

from __future__ import annotations

from typing import Any

import pytest

from blampert_env.coding import Coder, CodingContext, Strategy, load_strategies
from blampert_env.lm.completion import Completion
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.projects import Project, find_project

PROJECT = Project.load(find_project("math_operations"))
FIRST, SECOND = PROJECT.targets[:2]
ANSWER = "```python\ndef factorial(n):\n    return 1\n```"


def prompts(strategy: Strategy) -> list[dict[str, str]]:
    lm = ScriptedLM([ANSWER])
    Coder(lm).propose(CodingContext(FIRST, PROJECT.sources), strategy)
    return lm.requests[0]


@pytest.mark.parametrize("prefill", [False, True])
def test_instructions_stand_in_the_place_of_the_first_sentence(prefill: bool) -> None:
    usual = prompts(Strategy("usual", prefill=prefill))
    told = prompts(Strategy("told", prefill=prefill, instructions="Mind 0.\nAnd 1."))
    assert told[0]["content"] == usual[0]["content"].replace("Complete this Python function.", "Mind 0.\nAnd 1.")
    assert told[1:] == usual[1:]


def test_demos_come_first_but_for_one_of_the_function_itself() -> None:
    demos = tuple({"stub": target.source, "code": f"def {target.name}(): ..."} for target in (FIRST, SECOND))
    asked = Strategy("shown", show=frozenset({"docstring"}), demos=demos)
    messages = prompts(asked)
    shown = Coder(ScriptedLM([ANSWER])).question(CodingContext(FIRST, PROJECT.sources), asked).inputs["stub"]
    own = tuple({**demo, "stub": shown} if demo == demos[0] else demo for demo in demos)
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2 + ["user"]
    messages = prompts(Strategy("shown", demos=own))
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert SECOND.source.strip() in messages[0]["content"]
    assert messages[1]["content"] == f"```python\ndef {SECOND.name}(): ...\n```"


def test_strategies_with_demos_can_be_keys() -> None:
    first = Strategy("a", demos=({"stub": "s", "code": "c"},))
    assert {first: 1}[Strategy("a", demos=({"stub": "s", "code": "c"},))] == 1
    assert first != Strategy("a")


class Listening(ScriptedLM):
    """Keeps how each answer was to be sampled."""

    def __init__(self, *, supports_prefill: bool) -> None:
        super().__init__(["```python\ndef add(self, a, b):\n    return a\n```"])
        self.supports_prefill = supports_prefill
        self.decodings: list[dict[str, Any]] = []

    def complete(self, messages: Any, **decoding: Any) -> Completion:
        self.decodings.append(decoding)
        return super().complete(messages, **decoding)


@pytest.mark.parametrize("supports_prefill", [True, False])
@pytest.mark.parametrize("strategy", load_strategies(), ids=lambda strategy: strategy.name)
def test_a_question_is_what_a_proposal_asks(strategy: Strategy, supports_prefill: bool) -> None:
    project = Project.load(find_project("calculator"))
    target = project.targets[0]
    context = CodingContext(
        target, project.sources, project.tests_for(target), "it fails", "def add(self, a, b):\n    return 0\n",
        ((project.targets[1].source, "def subtract(self, a, b):\n    return a - b\n"),),
    )  # fmt: skip
    lm = Listening(supports_prefill=supports_prefill)
    question = Coder(lm).question(context, strategy)
    assert lm.calls == 0
    proposal = Coder(lm).propose(context, strategy, draw=5)
    assert lm.requests == [question.messages] == [proposal.prompt]
    asked = lm.request(question.messages, **question.decoding)
    (decoding,) = lm.decodings
    assert decoding.pop("draw") == 5
    assert asked == lm.request(proposal.prompt, **decoding), "the same place in the pool"
