"""Budgets: how they are written, and when they are spent."""

from __future__ import annotations

import pytest

from blampert_env.errors import UsageError
from blampert_env.lm.prices import Price
from blampert_env.training.budget import Budget, Spent, parse_budget


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("90s", Budget(seconds=90)),
        ("5m", Budget(seconds=300)),
        ("1.5h", Budget(seconds=5400)),
        ("200k", Budget(tokens=200_000)),
        ("1M", Budget(tokens=1_000_000)),
        ("500", Budget(tokens=500)),
        ("$1", Budget(dollars=1)),
        ("$0.25", Budget(dollars=0.25)),
    ],
)
def test_what_is_a_budget(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget
    assert not budget.is_open
    assert Budget().is_open


NONE = ("", "0", "0m", "$0", "-5m", "5 m", "5min", "k", "$", "1e3", "nan", "0.2k5", "$1k", "\u0663m")


@pytest.mark.parametrize("text", NONE)
def test_what_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="give time"):
        parse_budget(text)


def test_each_kind_is_spent_by_itself() -> None:
    now = [100.0]
    spent = Spent(clock=lambda: now[0])
    budgets = {"time": Budget(seconds=10), "tokens": Budget(tokens=30), "dollars": Budget(dollars=0.5)}
    assert not any(spent.exceeds(budget) for budget in (*budgets.values(), Budget()))
    spent.add(10, 20, None)
    assert [name for name, budget in budgets.items() if spent.exceeds(budget)] == ["tokens"]
    spent.add(1, 1, Price(0.1, 0.4))
    assert [name for name, budget in budgets.items() if spent.exceeds(budget)] == ["tokens", "dollars"]
    now[0] += 10
    assert all(spent.exceeds(budget) for budget in budgets.values())
    assert (spent.calls, spent.tokens, spent.dollars, spent.seconds) == (2, 32, 0.5, 10)
    assert not spent.exceeds(Budget())
