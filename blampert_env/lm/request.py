"""What is asked of a model, and the key under which its answers are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blampert_env.lm.completion import Messages


@dataclass(frozen=True, slots=True)
class Request:
    """What decides the distribution of an answer.

    Attributes:
        identity: Of the model and its weights.
        messages: The prompt.
        decoding: ``temperature``, ``max_tokens``, ``stop``, ``top_p``.
        name: What the model is called; decides nothing.
    """

    identity: str
    messages: Messages
    decoding: Mapping[str, Any]
    name: str = ""

    @property
    def key(self) -> str:
        """SHA-256 (hex) of all of it."""
        return _sha256({"model": self.identity, "messages": self._said, **self.decoding})

    @property
    def about(self) -> str:
        """All of it but the prompt, of which the SHA-256 stands there; as JSON."""
        kept = {"model": self.name, "identity": self.identity, "prompt_sha256": _sha256(self._said)}
        return json.dumps({**kept, "decoding": self.decoding}, sort_keys=True)

    @property
    def _said(self) -> list[list[str]]:
        return [[message["role"], message["content"]] for message in self.messages]


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def request(
    identity: str,
    messages: Messages,
    *,
    temperature: float,
    max_tokens: int,
    stop: Sequence[str] = (),
    top_p: float = 1.0,
    name: str = "",
) -> Request:
    """A request to a model; numbers are made what they are compared as."""
    decoding = {"temperature": float(temperature), "max_tokens": int(max_tokens)}
    return Request(identity, messages, {**decoding, "stop": list(stop), "top_p": float(top_p)}, name)
