"""A fake language model for unit tests. Nothing that Blampert reports or claims comes from it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from blampert_env.lm.clients import Client
from blampert_env.lm.completion import Completion, Messages
from blampert_env.lm.language_model import LanguageModel

Script = Callable[[Messages], str] | Callable[[Messages, int], str] | Sequence[str]


class ScriptedLM(LanguageModel):
    """Answers from a script. FOR UNIT TESTS ONLY: it is no language model and its answers are no samples.

    Same interface as :class:`LanguageModel`; picklable where the script is. ``name`` is ``"scripted"``. No pool.

    Args:
        script: ``f(messages) -> text``, ``f(messages, draw) -> text``, or texts given in turn, over and over.

    Attributes:
        requests: The messages of every call so far; a pickled copy starts without.
    """

    def __init__(self, script: Script) -> None:
        super().__init__("scripted", _NoClient(), supports_prefill=True)
        self.script = script
        self.requests: list[Messages] = []
        self._answer = _answerer(script)

    def complete(
        self,
        messages: Messages,
        *,
        temperature: float,
        max_tokens: int,
        stop: Sequence[str] = (),
        draw: int = 0,
        top_p: float = 1.0,
    ) -> Completion:
        """The script's next text, cut at ``stop`` as a real one would be; tokens are counted as words."""
        with self._lock:
            turn = len(self.requests)
            self.requests.append(messages)
            self._calls += 1
        text = self._answer(messages, draw, turn)
        text = text[: min((at for at in map(text.find, stop) if at >= 0), default=len(text))]
        words = text.split()
        reason = "length" if len(words) > max_tokens else "stop"
        if reason == "length":
            text = " ".join(words[:max_tokens])
        prompt = sum(len(message["content"].split()) for message in messages)
        return Completion(text, prompt, min(len(words), max_tokens), reason)

    def __getstate__(self) -> dict[str, Any]:
        """The script; what was asked stays behind."""
        return {**super().__getstate__(), "requests": [], "_answer": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore."""
        super().__setstate__(state)
        self._answer = _answerer(self.script)


def _answerer(script: Script) -> Callable[[Messages, int, int], str]:
    """The script as a function of messages, draw and turn."""
    if not callable(script):
        return lambda messages, draw, turn: script[turn % len(script)]
    answer: Callable[..., str] = script
    if len(inspect.signature(script).parameters) == 1:
        return lambda messages, draw, turn: answer(messages)
    return lambda messages, draw, turn: answer(messages, draw)


class _NoClient(Client):
    """There is nothing behind a script."""

    def identity(self) -> str:
        return "scripted"

    def chat(
        self, messages: Messages, *, temperature: float, max_tokens: int, stop: Sequence[str], top_p: float, seed: int
    ) -> Completion:
        raise AssertionError("a ScriptedLM asks nobody")
