"""Any model that LiteLLM knows."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from blampert_env.errors import LMError, LMUnavailable
from blampert_env.lm.clients import TransientError, without_prefill
from blampert_env.lm.completion import Completion, ContextOverflow, Messages


@dataclass
class LiteLLMClient:
    """Any name LiteLLM knows (``anthropic/claude-…``); its keys come from the environment.

    Args:
        name: LiteLLM's model name.
        timeout_s: Longest wait for one answer, in seconds.
    """

    name: str
    timeout_s: float = 300.0

    def identity(self) -> str:
        """LiteLLM's name."""
        return f"litellm:{self.name}"

    def chat(
        self, messages: Messages, *, temperature: float, max_tokens: int, stop: Sequence[str], top_p: float, seed: int
    ) -> Completion:
        """One ``litellm.completion``; settings the provider does not have (mostly ``seed``) are left out."""
        litellm = load_litellm()
        start = time.perf_counter()
        settings: dict[str, Any] = {"top_p": top_p} if top_p != 1.0 else {}
        try:
            reply = litellm.completion(
                model=self.name,
                messages=messages,
                temperature=temperature,
                max_tokens=max_tokens,
                stop=list(stop) or None,
                seed=seed,
                drop_params=True,
                num_retries=0,
                max_retries=0,
                timeout=self.timeout_s,
                **settings,
            )
        except Exception as error:  # LiteLLM's errors share no base; each is translated, none swallowed
            raise _translated(litellm, self.name, error) from error
        choice = reply.choices[0]
        return Completion(
            without_prefill(choice.message.content or "", messages),
            int(reply.usage.prompt_tokens),
            int(reply.usage.completion_tokens),
            choice.finish_reason or "stop",
            False,
            time.perf_counter() - start,
        )


def load_litellm() -> Any:
    """Import LiteLLM without its download of a price list."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "true")
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    return litellm


def _translated(litellm: Any, name: str, error: Exception) -> LMError:
    line = f"{name}: {' '.join(str(error).split())[:300]}"
    if isinstance(error, litellm.ContextWindowExceededError):
        return ContextOverflow(line)
    if isinstance(error, litellm.AuthenticationError):
        return LMUnavailable(f"{line}; set the provider's API key in the environment")
    status = getattr(error, "status_code", None)
    passing = (litellm.APIConnectionError, litellm.Timeout, litellm.RateLimitError)
    if isinstance(error, passing) or (isinstance(status, int) and (status in (408, 429) or status >= 500)):
        return TransientError(line)
    return LMError(line)
