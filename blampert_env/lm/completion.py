"""What a language model gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from blampert_env.errors import LMError

Messages = list[dict[str, str]]
"""Chat messages, each ``{"role": "system" | "user" | "assistant", "content": str}``."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a language model.

    Attributes:
        text: The new text. Where the messages end with an open assistant message, its continuation without that start.
        prompt_tokens: Tokens of the prompt, as the server counted them.
        completion_tokens: Tokens of the answer, as the server counted them.
        finish_reason: ``"stop"``, or ``"length"`` where ``max_tokens`` or the context cut it.
        cached: True if it came from the sample pool; no LM was called.
        latency_s: Seconds the LM took; 0.0 from the pool.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str
    cached: bool = False
    latency_s: float = 0.0


class Completes(Protocol):
    """What completes chats: :class:`~blampert_env.lm.LanguageModel`, as those see it that it is made of."""

    @property
    def name(self) -> str:
        """What it is called."""

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
        """One answer; see :meth:`blampert_env.lm.LanguageModel.complete`."""


class ContextOverflow(LMError):
    """The prompt does not fit into the model's context; a shorter one would."""


class NotInPool(LMError):
    """The sample pool alone may answer, and has no answer to this prompt."""
