"""What a model's tokens cost, where that is known: LiteLLM's own table, read from its package."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars a token.

    Attributes:
        prompt: Of the prompt, >= 0.
        completion: Of the answer, >= 0.
    """

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Dollars of one call."""
        return self.prompt * prompt_tokens + self.completion * completion_tokens


def price_of(name: str) -> Price | None:
    """The price of a model by its resolved name; None where nobody asks one, or none is known."""
    if name.startswith(("embedded/", "ollama/")):
        return None
    from blampert_env.lm.litellm_client import load_litellm

    table = load_litellm().model_cost
    entry = table.get(name) or table.get(name.partition("/")[2]) or {}
    prompt, completion = entry.get("input_cost_per_token"), entry.get("output_cost_per_token")
    return Price(float(prompt), float(completion)) if prompt is not None and completion is not None else None
