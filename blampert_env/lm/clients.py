"""How one request reaches a server: OpenAI-compatible HTTP, for the embedded model as for Ollama and the like."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from blampert_env.errors import LMError, LMUnavailable
from blampert_env.lm.completion import Completion, ContextOverflow, Messages

if TYPE_CHECKING:
    import httpx

    from blampert_env.lm.embedded import Endpoint
    from blampert_env.lm.models import ModelSpec

CONNECT_TIMEOUT_S = 5.0


class TransientError(LMError):
    """A failure that may pass: no connection, a time-out, 408, 429 or 5xx. The only kind that is tried again."""


class Client(Protocol):
    """One way to reach one model. Picklable; connects at the first call."""

    def identity(self) -> str:
        """Names the model and its weights: part of the pool's key."""
        ...

    def chat(
        self, messages: Messages, *, temperature: float, max_tokens: int, stop: Sequence[str], top_p: float, seed: int
    ) -> Completion:
        """One request, no retries.

        Raises:
            TransientError: May work if tried again.
            LMError: Will not.
        """
        ...


@dataclass
class OpenAIClient:
    """An OpenAI-compatible server.

    Args:
        name: Full name, for messages and the pool's key: ``"ollama/llama3.1:8b"``.
        model: Name the server knows.
        base_url: Up to and including ``/v1``.
        api_key: Bearer token, or "".
        timeout_s: Longest wait for one answer, in seconds.
        hint: What to do when the server is gone.
        weights: Digest of the weights where the server tells, else "".
    """

    name: str
    model: str
    base_url: str
    api_key: str = field(default="", repr=False)
    timeout_s: float = 300.0
    hint: str = "check that the server runs"
    weights: str = ""
    _http: _Http = field(default_factory=lambda: _Http(), repr=False, compare=False)

    def identity(self) -> str:
        """The name and the weights; where those are not known the address, as servers may mean different ones."""
        return f"{self.name}@{self.weights or self.base_url}"

    def chat(
        self, messages: Messages, *, temperature: float, max_tokens: int, stop: Sequence[str], top_p: float, seed: int
    ) -> Completion:
        """One ``POST /chat/completions``."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            "temperature": temperature,
            "max_tokens": max_tokens,
            "top_p": top_p,
            "seed": seed,
        }
        if stop:
            body["stop"] = list(stop)
        data, seconds = self._post("/chat/completions", body)
        try:
            choice = data["choices"][0]
            text, reason = choice["message"]["content"] or "", choice["finish_reason"] or "stop"
            usage = data["usage"]
            prompt_tokens, completion_tokens = int(usage["prompt_tokens"]), int(usage["completion_tokens"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise LMError(f"{self.name} at {self.base_url} sent no chat completion: {str(data)[:200]!r}") from error
        return Completion(without_prefill(text, messages), prompt_tokens, completion_tokens, reason, False, seconds)

    def _post(self, path: str, body: dict[str, Any]) -> tuple[Any, float]:
        import httpx

        start = time.perf_counter()
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        timeout = httpx.Timeout(self.timeout_s, connect=CONNECT_TIMEOUT_S)
        try:
            reply = self._http.client().post(self.base_url + path, json=body, headers=headers, timeout=timeout)
        except httpx.TimeoutException as error:
            raise TransientError(
                f"{self.name} did not answer within {self.timeout_s:g} s at {self.base_url}"
            ) from error
        except httpx.InvalidURL as error:
            raise LMError(f"{self.base_url!r} is not a URL ({error}); set OPENAI_API_BASE") from error
        except httpx.HTTPError as error:
            raise TransientError(f"{self.name} is not reachable at {self.base_url} ({error}): {self.hint}") from error
        if reply.status_code != 200:
            raise self._refusal(reply)
        try:
            return reply.json(), time.perf_counter() - start
        except ValueError as error:
            raise LMError(f"{self.name} at {self.base_url} sent no JSON: {reply.text[:100]!r}") from error

    def _refusal(self, reply: httpx.Response) -> LMError:
        """The error for a reply that is not 200."""
        try:
            error = reply.json()["error"]
            said = error if isinstance(error, str) else f"{error.get('message')} {error.get('type') or ''}"
        except (ValueError, KeyError, TypeError, AttributeError):
            said = reply.text
        said = " ".join(said.split())[:300] or reply.reason_phrase
        line = f"{self.name} at {self.base_url} answered {reply.status_code}: {said}"
        if reply.status_code in (408, 425, 429) or reply.status_code >= 500:
            return TransientError(line)
        if reply.status_code in (401, 403):
            return LMUnavailable(f"{line}; check the API key")
        if any(mark in said.lower() for mark in ("context_size", "context length", "context_length", "context size")):
            return ContextOverflow(line)
        return LMError(line)


class _Http:
    """A connection pool of this process; a pickled or forked copy opens its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = -1
        self._client: httpx.Client | None = None

    def client(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._client is None or self._pid != os.getpid():
                limits = httpx.Limits(max_keepalive_connections=8, keepalive_expiry=30.0)
                self._client, self._pid = httpx.Client(limits=limits, follow_redirects=True), os.getpid()
                # also in a forked child: closing its copies of the sockets does not end the parent's connections
                weakref.finalize(self, self._client.close)
            return self._client

    def __reduce__(self) -> tuple[type[_Http], tuple[()]]:
        return _Http, ()


@dataclass
class EmbeddedClient:
    """The embedded model: fetches the weights and starts (or joins) the shared server at the first call.

    Args:
        spec: The model, or None for ``path``.
        path: A GGUF file of the user's instead.
        timeout_s: Longest wait for one answer, in seconds.
    """

    spec: ModelSpec
    path: Path | None = None
    timeout_s: float = 600.0
    _http: _Http = field(default_factory=lambda: _Http(), repr=False, compare=False)
    _endpoint: Endpoint | None = field(default=None, repr=False, compare=False)
    _sha256: str = field(default="", repr=False, compare=False)

    def identity(self) -> str:
        """``gguf:<sha256 of the weights>``: known without them for the models of models.yaml."""
        if self.path is None:
            return f"gguf:{self.spec.sha256}"
        if not self._sha256:
            from blampert_env.lm.weights import fingerprint

            self._sha256 = fingerprint(self.path)
        return f"gguf:{self._sha256}"

    def chat(
        self, messages: Messages, *, temperature: float, max_tokens: int, stop: Sequence[str], top_p: float, seed: int
    ) -> Completion:
        """One request; where the server has gone, the next call starts another."""
        endpoint = self.connect()
        client = OpenAIClient(
            f"embedded/{self.spec.name}",
            self.spec.name,
            f"{endpoint.url}/v1",
            endpoint.key,
            self.timeout_s,
            "its process has ended; the next call starts another",
            _http=self._http,
        )
        try:
            return client.chat(
                messages, temperature=temperature, max_tokens=max_tokens, stop=stop, top_p=top_p, seed=seed
            )
        except LMError as error:
            if not isinstance(error, ContextOverflow):
                self._endpoint = None
            raise

    def slots(self) -> int:
        """Requests that the server answers at once."""
        from blampert_env.lm import embedded

        return embedded.slots()

    def connect(self) -> Endpoint:
        """The server: joined or started, the weights fetched first, where that has not happened yet."""
        if self._endpoint is None:
            from blampert_env.lm import embedded, weights

            path = self.path or weights.ensure(self.spec)
            self._endpoint = embedded.connect(path, model=self.spec.name, context=self.spec.context)
        return self._endpoint


def without_prefill(text: str, messages: Messages) -> str:
    """Only the new text: llama.cpp repeats an open assistant message before its continuation, others do not."""
    last = messages[-1]
    return text.removeprefix(last["content"]) if last["role"] == "assistant" else text
