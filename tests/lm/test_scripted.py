from __future__ import annotations

import pickle

import pytest

from blampert_env.lm import LanguageModel, ScriptedLM

MESSAGES = [{"role": "user", "content": "one two three"}]


def shout(messages: list[dict[str, str]]) -> str:
    return messages[-1]["content"].upper()


def by_draw(messages: list[dict[str, str]], draw: int) -> str:
    return f"draw {draw}"


def test_texts_in_turn():
    lm = ScriptedLM(["a", "b"])
    assert [lm.complete(MESSAGES, temperature=0, max_tokens=5).text for _ in range(3)] == ["a", "b", "a"]
    assert lm.requests == [MESSAGES] * 3
    assert lm.calls == 3


@pytest.mark.parametrize(("script", "text"), [(shout, "ONE TWO THREE"), (by_draw, "draw 3")])
def test_functions_and_pickling(script: object, text: str):
    lm = ScriptedLM(script)  # type: ignore[arg-type]
    for copy in (lm, pickle.loads(pickle.dumps(lm))):
        completion = copy.complete(MESSAGES, temperature=1, max_tokens=9, draw=3)
        assert completion.text == text
        assert completion.prompt_tokens == 3


def test_stop_and_length_cut_as_a_real_one_would():
    lm = ScriptedLM(["a b STOP c"])
    assert lm.complete(MESSAGES, temperature=0, max_tokens=9, stop=["STOP", "zzz"]).text == "a b "
    cut = lm.complete(MESSAGES, temperature=0, max_tokens=1)
    assert (cut.text, cut.completion_tokens, cut.finish_reason) == ("a", 1, "length")


def test_it_is_a_language_model_by_another_name():
    lm = ScriptedLM(["x"])
    assert isinstance(lm, LanguageModel)
    assert lm.name == "scripted"
    assert lm.circuit.as_dict() == {"open": False, "next_retry_sec": 0.0}
    assert lm.supports_prefill
