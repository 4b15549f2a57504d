"""The language model that the other rooms see: sample pool, circuit breaker, retries, client, in this order."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from blampert_env.errors import LMError, LMUnavailable, UsageError
from blampert_env.lm.circuit import CircuitBreaker, CircuitState
from blampert_env.lm.clients import Client, TransientError
from blampert_env.lm.completion import Completion, Messages, NotInPool
from blampert_env.lm.pool import PoolStats, SamplePool, slot_of, slot_seed
from blampert_env.lm.request import Request, request

if TYPE_CHECKING:
    from blampert_env.lm.dspy_lm import PooledLM

logger = logging.getLogger("blampert.lm")

RETRIES = 2
REMOTE_SLOTS = 4
_PAUSE_S = 0.25


class LanguageModel:
    """A frozen language model. Cheap to make, picklable, safe from several threads; connects at the first call.

    Args:
        name: Resolved name, such as ``"embedded/qwen2.5-coder-0.5b"``.
        client: How to reach it.
        pool: Where samples are kept; None asks the LM every time.
        supports_prefill: Whether it goes on from an assistant message that ends the prompt.
        breaker: The circuit breaker; a fresh one by default.
        seed: Shifts the sampling seeds of all slots; pools of different seeds do not mix.
        others: Gives another model by its role or name; None if this is the only one.
        pool_only: Nobody is asked: what the pool does not have is an error.
    """

    def __init__(
        self,
        name: str,
        client: Client,
        *,
        pool: SamplePool | None = None,
        supports_prefill: bool = False,
        breaker: CircuitBreaker | None = None,
        seed: int = 0,
        others: Callable[[str], LanguageModel] | None = None,
        pool_only: bool = False,
    ) -> None:
        self.name = name
        self.client = client
        self.pool = pool
        self.supports_prefill = supports_prefill
        self.breaker = breaker or CircuitBreaker()
        self.seed = seed
        self._others, self.pool_only = others, pool_only
        self._calls = 0
        self._lock = threading.Lock()

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
        """One answer.

        Args:
            messages: Chat messages. A last one by the assistant starts the answer, where ``supports_prefill``.
            temperature: >= 0; at 0 every draw is the same.
            max_tokens: Longest answer in tokens, >= 1.
            stop: Strings that end the answer; they are not part of it.
            draw: Which sample, >= 0; with a pool of K samples, ``draw`` and ``draw + K`` are the same one.
            top_p: Nucleus, in (0, 1].

        Raises:
            UsageError: An argument cannot be right.
            LMUnavailable: Nothing answers, or the circuit is open.
            ContextOverflow: The prompt is too long for the model.
            LMError: The model refused the request.
            StorageError: The pool cannot be read or written.
            NotInPool: The pool alone may answer, and has no answer.
        """
        decoding: dict[str, Any] = {"temperature": temperature, "max_tokens": max_tokens, "top_p": top_p}
        decoding["stop"] = tuple(stop)
        asked = self.request(messages, **decoding)
        if draw < 0:
            raise UsageError(f"draw must be at least 0, not {draw}")
        key = asked.key
        slot = slot_of(draw, self.pool.samples, temperature) if self.pool is not None else draw

        def ask() -> Completion:
            if self.pool_only:
                where = f"the sample pool {self.pool.path}" if self.pool else "no sample pool"
                raise NotInPool(
                    f"{where} has no answer of {self.name} to this prompt ({key[:12]}, sample {slot}), and pool_only "
                    "asks nobody: use the pool that was recorded for it"
                )
            return self._ask(messages, **decoding, seed=slot_seed(key, slot, self.seed))

        return self.pool.sample(key, slot, ask, lambda: asked.about) if self.pool is not None else ask()

    def request(
        self, messages: Messages, *, temperature: float, max_tokens: int, stop: Sequence[str] = (), top_p: float = 1.0
    ) -> Request:
        """What :meth:`complete` asks, with the key of its samples in the pool; nobody is asked.

        Raises:
            UsageError: An argument cannot be right.
        """
        _check(messages, temperature, max_tokens, top_p)
        if not self.supports_prefill and messages[-1]["role"] == "assistant":
            raise UsageError(f"{self.name} does not go on from an assistant message; end with a user message")
        identity = self.client.identity() + (f"#{self.seed}" if self.seed else "")
        decoding: dict[str, Any] = {"temperature": temperature, "max_tokens": max_tokens, "top_p": top_p}
        return request(identity, messages, **decoding, stop=stop, name=self.name)

    def other(self, name: str) -> LanguageModel:
        """The model that has a role (``small``, ``large``) or a name; this one for "".

        Raises:
            UsageError: The name means nothing, or this model was not made by :func:`blampert_env.lm.resolve`.
            LMUnavailable: It is not there.
        """
        if name in ("", self.name):
            return self
        if self._others is None:
            raise UsageError(f"a strategy asks {name!r}, and only {self.name} was given: use blampert_env.lm.resolve")
        return self._others(name)

    def connect(self) -> None:
        """Fetch weights and start a server now rather than in the first call, where the model needs it.

        Raises:
            LMError: As :meth:`complete`; weights that are missing or damaged are named.
        """
        connect = getattr(self.client, "connect", None)
        if connect is not None and not self.pool_only:
            connect()

    def dspy_lm(
        self, *, temperature: float = 0.0, max_tokens: int = 512, stop: Sequence[str] = (), draw: int = 0
    ) -> PooledLM:
        """A light ``dspy.LM`` for one or a few calls: DSPy modules ask through the same pool and breaker.

        Its ``completions`` list holds a :class:`Completion` for each answer, oldest first. Errors are those of
        :meth:`complete`. Make one for each rollout; a ``rollout_id`` that DSPy passes is added to ``draw``.
        """
        from blampert_env.lm.dspy_lm import PooledLM

        return PooledLM(self, temperature=temperature, max_tokens=max_tokens, stop=tuple(stop), draw=draw)

    @property
    def slots(self) -> int:
        """Requests that its server answers at once; for a server that does not say, :data:`REMOTE_SLOTS`."""
        slots = getattr(self.client, "slots", None)
        return REMOTE_SLOTS if slots is None else int(slots())

    @property
    def circuit(self) -> CircuitState:
        """The breaker's state now."""
        return self.breaker.state

    @property
    def calls(self) -> int:
        """Requests that reached the LM from this process, retries included."""
        return self._calls

    @property
    def stats(self) -> PoolStats:
        """Pool hits and misses of this process; without a pool, every call is a miss."""
        return self.pool.stats if self.pool is not None else PoolStats(0, self._calls)

    def close(self) -> None:
        """Close the pool's file; a later call opens it again."""
        if self.pool is not None:
            self.pool.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def __getstate__(self) -> dict[str, Any]:
        """Without the lock; a copy counts its own calls."""
        return {**{name: value for name, value in self.__dict__.items() if name != "_lock"}, "_calls": 0}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore, with a lock of its own."""
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def _ask(self, messages: Messages, **decoding: Any) -> Completion:
        """A real call: refused while the circuit is open, tried again where that may help."""
        if not self.breaker.allow():
            wait = self.breaker.state.next_retry_s
            raise LMUnavailable(
                f"{self.name} failed {self.breaker.state.failures} times in a row; "
                f"its circuit is open, next try in {wait:.1f} s"
            )
        jitter = random.Random(decoding["seed"])
        for attempt in range(RETRIES + 1):
            with self._lock:
                self._calls += 1
            try:
                completion = self.client.chat(messages, **decoding)
            except TransientError as error:
                if attempt == RETRIES:
                    self.breaker.failure()
                    raise LMUnavailable(f"{error} (tried {RETRIES + 1} times)") from error
                logger.info("%s; trying again", error)
                time.sleep(_PAUSE_S * 2**attempt * (1.0 + jitter.random()))
            except LMUnavailable:
                self.breaker.failure()
                raise
            except LMError:
                self.breaker.success()  # it answered; the request was wrong
                raise
            except BaseException:
                self.breaker.failure()
                raise
            else:
                self.breaker.success()
                return completion
        raise AssertionError("unreachable")


def _check(messages: Messages, temperature: float, max_tokens: int, top_p: float) -> None:
    if not messages:
        raise UsageError("no messages: give at least one")
    for index, message in enumerate(messages):
        if set(message) != {"role", "content"} or not isinstance(message["content"], str):
            raise UsageError(f"messages[{index}] must be {{'role': ..., 'content': text}}, not {message!r:.80}")
    if not 0 <= temperature <= 2:
        raise UsageError(f"temperature must be in [0, 2], not {temperature}")
    if max_tokens < 1:
        raise UsageError(f"max_tokens must be at least 1, not {max_tokens}")
    if not 0 < top_p <= 1:
        raise UsageError(f"top_p must be in (0, 1], not {top_p}")
