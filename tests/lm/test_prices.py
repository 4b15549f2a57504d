"""What a model's tokens cost."""

from __future__ import annotations

import pytest

from blampert_env.lm.completion import Completion
from blampert_env.lm.models import bundled_models
from blampert_env.lm.prices import Meter, cost_of, price_of


@pytest.mark.slow  # LiteLLM's import takes seconds
def test_prices_are_those_that_litellm_knows() -> None:
    price = price_of("openai/gpt-4o-mini")
    assert price is not None
    assert 0 < price.prompt < price.completion < 1e-4
    assert price_of("anthropic/no-such-model") is None


def test_what_runs_here_has_no_price() -> None:
    assert price_of("embedded/qwen2.5-coder-0.5b") is None
    assert price_of("ollama/llama3.1:8b") is None


@pytest.mark.parametrize("role", ["small", "large"])
def test_what_runs_here_costs_seconds(role: str) -> None:
    cost = cost_of(bundled_models().roles[role])
    assert cost is not None
    assert 0 < cost.prompt < cost.completion  # a prompt is read at once, an answer is written word by word
    assert cost.of(500, 100) == pytest.approx(500 * cost.prompt + 100 * cost.completion)


def test_a_prompt_is_paid_for_once() -> None:
    meter, said = Meter({"m": (1.0, 10.0), "other": (2.0, 0.0)}), Completion("x", 100, 3, "stop")
    first, second = [{"role": "user", "content": "one"}], [{"role": "user", "content": "two"}]
    asked = [("m", first), ("m", first), ("m", second), ("other", first), ("m", first), ("ollama/no-such-model", first)]
    assert [meter.charge(model, prompt, said) for model, prompt in asked] == [130.0, 30.0, 130.0, 200.0, 30.0, 0.0]
    meter.forget()
    assert meter.charge("m", first, said) == 130.0


def test_what_is_not_known_has_no_cost() -> None:
    assert cost_of("ollama/no-such-model") is None


@pytest.mark.slow  # LiteLLM's import takes seconds
def test_dollars_are_turned_into_seconds() -> None:
    price, cost = price_of("openai/gpt-4o-mini"), cost_of("openai/gpt-4o-mini")
    assert price is not None
    assert cost is not None
    assert cost.of(1000, 100) == pytest.approx(price.of(1000, 100) * bundled_models().dollar)
