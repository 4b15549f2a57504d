"""What a model's tokens cost: in dollars where somebody asks some, and, as one number for all models, in seconds.

Dollars are LiteLLM's own table, read from its package. Seconds are those of a machine with two cores, as
``configs/models.yaml`` has them for the embedded models: measured once, so that the same episode costs
the same wherever it is played.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from blampert_env.lm.completion import Completion, Messages
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


class Meter:
    """What calls cost in seconds, one after the other: a prompt that was read before costs its answer only.

    Servers keep what they have read, so that another sample of the same prompt takes no longer than its answer.

    Args:
        prices: A model's name to what a token of its prompt, and of its answer, costs; these go before the known ones.
    """

    def __init__(self, prices: Mapping[str, tuple[float, float]] | None = None) -> None:
        self.prices = dict(prices or {})
        self._read: set[tuple[str, str]] = set()

    def price(self, model: str) -> Price | None:
        """Of a model, in seconds; None where it is not known."""
        return Price(*self.prices[model]) if model in self.prices else cost_of(model)

    def forget(self) -> None:
        """Begin anew: nothing was read."""
        self._read.clear()

    def charge(self, model: str, prompt: Messages, said: Completion) -> float:
        """What a call costs; 0.0 where no price is known. The prompt is known from then on."""
        price, key = self.price(model), (model, json.dumps(prompt))
        known = key in self._read
        self._read.add(key)
        return 0.0 if price is None else price.of(0 if known else said.prompt_tokens, said.completion_tokens)


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
