from __future__ import annotations

import asyncio
import threading
import warnings
from pathlib import Path
from typing import Any

import dspy
import pytest
from dspy.lm15 import Config, Message, Request

from blampert_env.errors import LMUnavailable
from blampert_env.lm import Completion, ContextOverflow, LanguageModel, SamplePool, ScriptedLM
from blampert_env.lm.clients import TransientError


class Counter:
    """A client that answers with a count; an LM error where it is given one."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[dict[str, Any]] = []
        self.error = error

    def identity(self) -> str:
        return "counter"

    def chat(self, messages: list[dict[str, str]], **decoding: Any) -> Completion:
        if self.error:
            raise self.error
        self.calls.append({"messages": messages, **decoding})
        text = f"[[ ## answer ## ]]\n{len(self.calls)}\n\n[[ ## completed ## ]]"
        return Completion(text, 20 + len(self.calls), 5, "length", False, 0.1)


class Ask(dspy.Signature):
    """Answer the question."""

    question: str = dspy.InputField()
    answer: str = dspy.OutputField()


def predict(lm: dspy.LM, **kwargs: Any) -> Any:
    with dspy.context(lm=lm, adapter=dspy.ChatAdapter()):
        return dspy.Predict(Ask)(question="why?", **kwargs)


@pytest.fixture
def lm(tmp_path: Path) -> LanguageModel:
    return LanguageModel("counter", Counter(), pool=SamplePool(tmp_path / "samples.sqlite3", 4))


def calls(lm: LanguageModel) -> list[dict[str, Any]]:
    assert isinstance(lm.client, Counter)
    return lm.client.calls


def test_a_module_asks_through_the_pool(lm: LanguageModel):
    first, again = (
        lm.dspy_lm(temperature=0.7, max_tokens=9, stop=["x"]),
        lm.dspy_lm(temperature=0.7, max_tokens=9, stop=["x"]),
    )
    assert predict(first).answer == predict(again).answer == "1"
    assert [completion.cached for completion in first.completions + again.completions] == [False, True]
    assert first.completions[0].prompt_tokens == 21
    assert first.completions[0].finish_reason == "length"
    (call,) = calls(lm)
    assert (call["temperature"], call["max_tokens"], call["stop"]) == (0.7, 9, ("x",))
    assert [message["role"] for message in call["messages"]] == ["system", "user"]
    assert lm.stats.hits == 1


def test_nothing_is_kept_in_dspys_own_cache(lm: LanguageModel):
    assert predict(lm.dspy_lm(temperature=0.7, draw=0)).answer == "1"
    lm.pool = None
    assert predict(lm.dspy_lm(temperature=0.7, draw=0)).answer == "2"


def test_draws_give_other_samples(lm: LanguageModel):
    answers = [predict(lm.dspy_lm(temperature=0.7, draw=draw)).answer for draw in range(8)]
    assert answers == ["1", "2", "3", "4"] * 2


def test_rollouts_and_several_answers_of_one_call_are_other_draws(lm: LanguageModel):
    one = lm.dspy_lm(temperature=0.7)
    assert predict(one, config={"n": 3}).completions.answer == ["1", "2", "3"]
    assert predict(one, config={"rollout_id": 1}).answer == "2"
    assert predict(one.copy(rollout_id=2)).answer == "3"
    assert len(one.completions) == 5, "a copy reports to the same list"


def test_a_module_may_change_the_decoding(lm: LanguageModel):
    predict(lm.dspy_lm(temperature=0.7), config={"temperature": 0.2, "top_p": 0.9, "max_tokens": 77})
    assert (calls(lm)[0]["temperature"], calls(lm)[0]["top_p"], calls(lm)[0]["max_tokens"]) == (0.2, 0.9, 77)


def test_an_open_assistant_message_arrives_as_it_is():
    lm = ScriptedLM(lambda messages: "x")
    one = lm.dspy_lm()
    prefill = "```python\ndef f(x):\n"
    one(Request(model=one.model, messages=(Message.user("go"), Message.assistant(prefill)), config=Config()))
    assert lm.requests == [[{"role": "user", "content": "go"}, {"role": "assistant", "content": prefill}]]


@pytest.mark.parametrize(
    ("error", "kind"), [(TransientError("it is gone"), LMUnavailable), (ContextOverflow("too long"), ContextOverflow)]
)
def test_errors_come_out_as_they_are(error: Exception, kind: type[Exception], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("blampert_env.lm.language_model._PAUSE_S", 0.001)
    lm = LanguageModel("counter", Counter(error))
    with pytest.raises(kind, match=str(error)) as caught:
        predict(lm.dspy_lm())
    assert type(caught.value) is kind
    with pytest.raises(kind):
        asyncio.run(lm.dspy_lm().acall("hello"))


def test_awaited_calls_and_reports(lm: LanguageModel):
    one = lm.dspy_lm(temperature=0.5)
    with dspy.context(lm=one, adapter=dspy.ChatAdapter()):
        assert asyncio.run(dspy.Predict(Ask).acall(question="why?")).answer == "1"
    assert len(one.completions) == 1


def test_threads_have_their_own_completions(lm: LanguageModel):
    got: dict[int, list[str]] = {}

    def work(number: int) -> None:
        one = lm.dspy_lm(temperature=0.7, draw=number)
        predict(one)
        got[number] = [completion.text for completion in one.completions]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(texts) for texts in got.values()) == [1, 1, 1, 1]
    assert len({texts[0] for texts in got.values()}) == 4


@pytest.mark.parametrize("name", ["openai/gpt-5", "openai/o3", "anthropic/claude-sonnet-4-5"])
def test_dspys_rules_for_names_it_knows_do_not_apply(name: str, tmp_path: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert predict(LanguageModel(name, Counter()).dspy_lm(temperature=0.3, max_tokens=100)).answer == "1"
