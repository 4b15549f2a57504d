from __future__ import annotations

from typing import Any

import pytest

from blampert_env.coding import Coder, CodingContext, Strategy, load_strategies
from blampert_env.lm.completion import Completion
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.projects import Project, find_project


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
