"""Imagined situations: what the environments' own features and masks make of what happened."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from blampert_env.coding import load_strategies
from blampert_env.envs.campaign_features import campaign_features
from blampert_env.envs.features import feature_names
from blampert_env.envs.situations import ATTEMPTS, Situation, campaign_situations, strategy_situations

STRATEGIES = load_strategies()
NAMES = [strategy.name for strategy in STRATEGIES]
STRATEGY_NAMES, CAMPAIGN_NAMES = feature_names(STRATEGIES), campaign_features(STRATEGIES)


def first(observation: NDArray[np.float32], mask: NDArray[np.bool_]) -> int:
    return int(np.flatnonzero(mask)[0])


def last(observation: NDArray[np.float32], mask: NDArray[np.bool_]) -> int:
    return int(np.flatnonzero(mask)[-1])


def by_words(found: list[Situation], names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    return {it.words: dict(zip(names, it.observation.tolist(), strict=True)) for it in found}


@pytest.mark.parametrize("choose", [first, last])
@pytest.mark.parametrize(
    ("make", "names", "actions"),
    [
        (strategy_situations, STRATEGY_NAMES, len(NAMES)),
        (campaign_situations, CAMPAIGN_NAMES, len(NAMES) + 1),
    ],
)
def test_each_is_an_observation_of_its_env(make, names, actions, choose) -> None:  # type: ignore[no-untyped-def]
    found = make(STRATEGIES, choose)
    assert len({it.words for it in found}) == len({it.observation.tobytes() for it in found}) == len(found)
    for it in found:
        assert it.observation.shape == (len(names),)
        assert it.observation.dtype == np.float32
        assert ((it.observation >= 0) & (it.observation <= 1)).all()
        assert it.mask.shape == (actions,)
        assert it.mask.any()


@pytest.mark.parametrize(
    ("words", "feature"),
    [
        ("the first attempt", "last_none"),
        ("after some tests were gained", "last_improved"),
        ("after no test was gained", "last_same"),
        ("after fewer tests passed", "last_worse"),
        ("after an answer that is no valid edit", "last_rejected"),
        ("after the tests took too long", "last_timeout"),
        ("after the tests crashed", "last_crashed"),
    ],
)
def test_the_strategy_env_sees_how_the_last_attempt_ended(words: str, feature: str) -> None:
    seen = by_words(strategy_situations(STRATEGIES, first), STRATEGY_NAMES)[words]
    assert [name for name in STRATEGY_NAMES if name.startswith("last_") and seen[name]] == [feature]
    assert seen["budget_left"] == pytest.approx(1.0 if feature == "last_none" else 1 - 1 / ATTEMPTS)


@pytest.mark.parametrize(
    ("words", "feature"),
    [
        ("the first attempt", None),
        ("after a function was solved", None),
        ("after an answer that is no Python", "last_failure_syntax"),
        ("after a missing name", "last_failure_name"),
        ("after a wrong type", "last_failure_type"),
        ("after a wrong value", "last_failure_assertion"),
        ("after the tests took too long", "last_failure_time"),
        ("after the tests crashed", "last_failure_other"),
    ],
)
def test_the_campaign_sees_how_the_last_attempt_failed(words: str, feature: str | None) -> None:
    seen = by_words(campaign_situations(STRATEGIES, first), CAMPAIGN_NAMES)[words]
    failed = [name for name in CAMPAIGN_NAMES if name.startswith("last_failure_") and seen[name]]
    assert failed == ([feature] if feature else [])


def test_what_was_tried_is_what_was_picked_on_the_way() -> None:
    words = "at the last attempt, after seven without a gain"
    situations = {it.words: it for it in strategy_situations(STRATEGIES, last)}
    seen = by_words(list(situations.values()), STRATEGY_NAMES)[words]
    assert seen["minimal:tried"] == 0
    assert seen["plan:tried"] == pytest.approx(0.1)  # the last that shows no attempt, once
    assert seen["repair-tests:tried"] == pytest.approx(0.6)
    assert seen["budget_left"] == pytest.approx(1 / ATTEMPTS)


def test_masks_follow_what_there_is_to_show() -> None:
    masks = {it.words: dict(zip(NAMES, it.mask, strict=True)) for it in strategy_situations(STRATEGIES, first)}
    assert not masks["the first attempt"]["repair"]
    assert masks["after no test was gained"]["repair"]
    assert not masks["after no test was gained"]["complete"]  # greedy: it would say the same again
    assert not masks["after no test was gained"]["examples"]
    assert masks["the second of two functions, after the first was solved"]["examples"]


def test_a_campaign_counts_repeats_budget_and_targets() -> None:
    seen = by_words(campaign_situations(STRATEGIES, first), CAMPAIGN_NAMES)
    assert seen["after the same wrong answer twice"]["answer_repeats"] == 1
    assert seen["after three wrong values"]["answer_repeats"] == 0
    assert seen["after six wrong values"]["target_stale"] == pytest.approx(6 / 8)
    assert seen["after a wrong value, a twentieth of the budget left"]["budget_left"] < 0.05
    assert seen["after a function was solved"]["targets_left"] == pytest.approx(0.75)


def test_on_the_way_a_campaign_is_not_left() -> None:
    seen = by_words(campaign_situations(STRATEGIES, last), CAMPAIGN_NAMES)
    assert all(it["target_left"] == 0 for it in seen.values())
    assert seen["after three wrong values"]["target_attempts"] == pytest.approx(3 / 8)
