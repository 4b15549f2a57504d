"""What a model's tokens cost: in dollars where somebody asks some, and, as one number for all models, in seconds.

Dollars are LiteLLM's own table, read from its package. Seconds are those of a machine with two cores, as
``configs/models.yaml`` has them for the embedded models: measured once, so that the same episode costs
the same wherever it is played.
"""

from __future__ import annotations

from dataclasses import dataclass

from blampert_env.lm.models import bundled_models


@dataclass(frozen=True, slots=True)
class Price:
    """Of a token, in dollars or in seconds.

    Attributes:
        prompt: Of the prompt, >= 0.
        completion: Of the answer, >= 0.
    """

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Of one call."""
        return self.prompt * prompt_tokens + self.completion * completion_tokens


def cost_of(name: str) -> Price | None:
    """What a model costs by its resolved name, in seconds; None where that is not known."""
    config = bundled_models()
    if name in config.seconds:
        return Price(*config.seconds[name])
    dollars = price_of(name)
    return Price(dollars.prompt * config.dollar, dollars.completion * config.dollar) if dollars else None


def price_of(name: str) -> Price | None:
    """The price of a model by its resolved name, in dollars; None where nobody asks one, or none is known."""
    if name.startswith(("embedded/", "ollama/")):
        return None
    from blampert_env.lm.litellm_client import load_litellm

    table = load_litellm().model_cost
    entry = table.get(name) or table.get(name.partition("/")[2]) or {}
    prompt, completion = entry.get("input_cost_per_token"), entry.get("output_cost_per_token")
    return Price(float(prompt), float(completion)) if prompt is not None and completion is not None else None
