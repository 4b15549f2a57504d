"""How much solving may cost: seconds, tokens or dollars."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from blampert_env.errors import UsageError
from blampert_env.lm.prices import Price

_TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?)(s|m|h)")
_TOKENS = re.compile(r"([0-9]+(?:\.[0-9]+)?)(k|M)?")
_DOLLARS = re.compile(r"\$([0-9]+(?:\.[0-9]+)?)")
_SECONDS, _THOUSANDS = {"s": 1, "m": 60, "h": 3600}, {"": 1, "k": 1_000, "M": 1_000_000}


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may be spent, each above 0; None for no limit."""

    seconds: float | None = None
    tokens: int | None = None
    dollars: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is no limit."""
        return self == Budget()


def parse_budget(text: str) -> Budget:
    """``90s``, ``5m`` or ``1h``; ``200k`` or ``50000`` tokens; ``$1``.

    Raises:
        UsageError: It is none of these, or 0.
    """
    found = Budget()
    if match := _TIME.fullmatch(text):
        found = Budget(seconds=float(match[1]) * _SECONDS[match[2]])
    elif match := _TOKENS.fullmatch(text):
        found = Budget(tokens=int(float(match[1]) * _THOUSANDS[match[2] or ""]))
    elif match := _DOLLARS.fullmatch(text):
        found = Budget(dollars=float(match[1]))
    if not any((found.seconds, found.tokens, found.dollars)):
        raise UsageError(f"--budget {text}: give time (90s, 5m, 1h), tokens (200k) or dollars ($1), more than 0")
    return found


@dataclass
class Spent:
    """What was spent so far.

    Attributes:
        began: When spending began, on ``clock``.
        calls: Of a language model, those answered from the sample pool included.
        prompt_tokens: Of all prompts.
        completion_tokens: Of all answers.
        dollars: What the models' prices make of them, where they have one.
        cost: What they make of them in seconds (:func:`blampert_env.lm.prices.cost_of`), where they are known.
    """

    clock: Callable[[], float] = time.monotonic
    began: float = field(init=False)
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    dollars: float = 0.0
    cost: float = 0.0

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def seconds(self) -> float:
        """Since spending began."""
        return self.clock() - self.began

    @property
    def tokens(self) -> int:
        """Of prompts and answers."""
        return self.prompt_tokens + self.completion_tokens

    def add(self, prompt_tokens: int, completion_tokens: int, price: Price | None, cost: float = 0.0) -> None:
        """One call: its tokens, the price in dollars if there is one, and the cost in seconds."""
        self.calls += 1
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens
        self.cost += cost
        self.dollars += price.of(prompt_tokens, completion_tokens) if price else 0.0

    def exceeds(self, budget: Budget) -> bool:
        """Whether nothing more may be spent."""
        spent = ((self.seconds, budget.seconds), (self.tokens, budget.tokens), (self.dollars, budget.dollars))
        return any(limit is not None and used >= limit for used, limit in spent)
