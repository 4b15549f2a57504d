"""DSPy's way into the sample pool: a ``dspy.LM`` whose engine is a language model of ours. Imports DSPy."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator
from typing import Any

import dspy
from dspy.lm15 import Message, Request, Response, TextPart, Usage

from blampert_env.errors import BlampertError, LMError
from blampert_env.lm.completion import Completes, Completion, Messages

# Draws of the call under way: one for each answer it asks for (n > 1), from a base that its rollout_id shifts.
_draws: contextvars.ContextVar[Iterator[int]] = contextvars.ContextVar("blampert_draws")


class PooledLM(dspy.LM):  # type: ignore[misc]  # dspy is untyped
    """What :meth:`blampert_env.lm.LanguageModel.dspy_lm` gives.

    DSPy's own cache and retries are off: the pool is the cache (DSPy's key ignores the address of the server) and the
    circuit breaker counts attempts.

    Attributes:
        completions: What the LM answered through this object (and its copies), oldest first. ``finish_reason`` is true
            here; DSPy is told "stop" for a cut answer too, as it would log a warning for each.
        calls: The messages of each of these, and the answer.
    """

    def __init__(
        self, language_model: Completes, *, temperature: float, max_tokens: int, stop: tuple[str, ...], draw: int
    ) -> None:
        self.calls: list[tuple[Messages, Completion]] = []
        self.draw = draw
        engine = PoolEngine(language_model, self.calls)
        super().__init__(
            # not "provider/model": DSPy has rules of its own for names it knows
            f"blampert/{language_model.name.replace('/', ':')}",
            temperature=temperature,
            max_tokens=max_tokens,
            cache=False,
            num_retries=0,
            engine=engine,
            async_engine=AsyncPoolEngine(engine),
            **({"stop": list(stop)} if stop else {}),
        )

    @property
    def completions(self) -> list[Completion]:
        """See the class."""
        return [completion for _, completion in self.calls]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the LM as DSPy does; Blampert's errors come out as they are, not wrapped in DSPy's."""
        token = _draws.set(self._draws_of(kwargs))
        try:
            return super().__call__(*args, **kwargs)
        except dspy.LMError as error:
            raise _ours(error) from error
        finally:
            _draws.reset(token)

    async def acall(self, *args: Any, **kwargs: Any) -> Any:
        """The same, awaited; the request runs in a thread."""
        token = _draws.set(self._draws_of(kwargs))
        try:
            return await super().acall(*args, **kwargs)
        except dspy.LMError as error:
            raise _ours(error) from error
        finally:
            _draws.reset(token)

    def _draws_of(self, kwargs: dict[str, Any]) -> Iterator[int]:
        first = self.draw + int(kwargs.get("rollout_id") or self.kwargs.get("rollout_id") or 0)
        return iter(range(first, first + 1_000_000))


class PoolEngine:
    """DSPy's custom-engine contract (``dspy.clients.engines.base``) over a language model."""

    def __init__(self, language_model: Completes, calls: list[tuple[Messages, Completion]]) -> None:
        self.language_model = language_model
        self.calls = calls

    def complete(self, request: Request) -> Response:
        """One request, one answer."""
        config = request.config
        messages = _messages(request)
        completion = self.language_model.complete(
            messages,
            temperature=0.0 if config.temperature is None else config.temperature,
            max_tokens=config.max_tokens or 512,
            stop=config.stop,
            draw=next(_draws.get()),
            top_p=1.0 if config.top_p is None else config.top_p,
        )
        self.calls.append((messages, completion))
        return Response(
            id=None,
            model=request.model,
            message=Message.assistant([TextPart(completion.text)]),
            finish_reason="stop",
            usage=Usage(input_tokens=completion.prompt_tokens, output_tokens=completion.completion_tokens),
        )

    def close(self) -> None:
        """Nothing to close: the language model is borrowed."""


class AsyncPoolEngine:
    """The same, in a thread."""

    def __init__(self, engine: PoolEngine) -> None:
        self.engine = engine

    async def complete(self, request: Request) -> Response:
        """One request, one answer."""
        return await asyncio.to_thread(self.engine.complete, request)

    async def aclose(self) -> None:
        """Nothing to close."""


def _messages(request: Request) -> Messages:
    """Chat messages of a canonical request; text only."""
    messages = []
    if request.system is not None:
        parts = [request.system] if isinstance(request.system, str) else [_text(part) for part in request.system]
        messages.append({"role": "system", "content": "".join(parts)})
    for message in request.messages:
        role = "system" if message.role == "developer" else message.role
        messages.append({"role": role, "content": "".join(_text(part) for part in message.parts)})
    return messages


def _text(part: Any) -> str:
    if not isinstance(part, TextPart):
        raise LMError(f"Blampert's language models take text only, not {type(part).__name__}")
    return str(part.text)


def _ours(error: dspy.LMError) -> Exception:
    """Blampert's error behind DSPy's, if it is the cause."""
    return error.__cause__ if isinstance(error.__cause__, BlampertError) else error
