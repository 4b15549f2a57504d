"""REx: which program is gone on from, by its rate and its tries, and who is asked to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from blampert_agents import Episode, make_agent
from blampert_env.errors import ConfigError

NAMES = ("complete", "direct", "repair", "repair-tests", "next")
FEATURES = (*(f"{name}:tried_on_target" for name in NAMES[:4]), "target_left", "target_pass_rate")
ALL = np.ones(5, dtype=bool)
NO_NEXT = np.array([True, True, True, True, False])


def make(**hyperparams: Any) -> Any:
    spec: dict[str, Any] = {"hyperparams": hyperparams, "action_names": NAMES, "feature_names": FEATURES}
    return make_agent("rex", spaces.Box(0.0, 1.0, (6,), np.float32), spaces.Discrete(5), seed=0, **spec)


def seen(tries: list[int], rate: float) -> NDArray[np.float32]:
    return np.array([*(tried / 4 for tried in tries), rate], dtype=np.float32)


def shares(agent: Any, observation: NDArray[np.float32], mask: NDArray[np.bool_], draws: int = 2_000) -> Any:
    rng = np.random.default_rng(0)
    return np.bincount([agent.act(observation, mask, rng) for _ in range(draws)], minlength=5) / draws


@pytest.mark.parametrize(
    ("tries", "rate", "best"),
    [
        ([0, 0, 0, 0, 0], 0.5, "repair"),  # it passes half of the tests
        ([0, 0, 0, 0, 0], 0.0, "complete"),  # nothing passes: ties go to a fresh start
        ([1, 0, 0, 0, 0], 0.0, "repair"),
        ([1, 0, 1, 0, 0], 0.0, "next"),
        ([1, 0, 1, 0, 1], 0.0, "complete"),
        ([0, 0, 4, 4, 0], 0.05, "repair"),  # Beta(2, 20 + 8): 2/30 is more than 1/22
        ([0, 0, 4, 4, 0], 0.01, "complete"),
    ],
)
def test_the_largest_mean_where_nothing_is_drawn(tries: list[int], rate: float, best: str) -> None:
    action = make().act(seen(tries, rate), ALL, np.random.default_rng(0), deterministic=True)
    assert NAMES[action] == best


def test_draws_from_the_betas_of_the_paper() -> None:
    rng = np.random.default_rng(1)
    fresh, present = rng.beta(1, 1 + 20 + 4, 100_000), rng.beta(1 + 20 * 0.1, 1 + 20 * 0.9 + 3, 100_000)
    found = shares(make(), seen([2, 2, 1, 2, 0], 0.1), NO_NEXT)
    assert found[:2].sum() == pytest.approx((fresh > present).mean(), abs=0.03)
    assert found[:2] == pytest.approx(found[:2].mean(), abs=0.03), "untrained: uniformly within a program"
    assert found[2:4] == pytest.approx(found[2:4].mean(), abs=0.03)
    assert found[4] == 0
    third = shares(make(), seen([0, 0, 0, 0, 0], 0.0), ALL)
    assert third[4] == pytest.approx(1 / 3, abs=0.03), "the next target is one program more"


def test_what_is_masked_is_no_program() -> None:
    only_fresh = np.array([False, True, False, False, False])
    assert shares(make(), seen([4, 4, 0, 0, 0], 0.9), only_fresh, 50)[1] == 1.0


def test_c_says_how_much_the_rate_counts_against_tries() -> None:
    observation = seen([0, 0, 4, 4, 4], 0.2)
    actions = [make(C=C).act(observation, NO_NEXT, np.random.default_rng(0), deterministic=True) for C in (1, 100)]
    assert [NAMES[action] for action in actions] == ["complete", "repair"]


def test_which_repair_can_be_said() -> None:
    observation = seen([0, 0, 0, 0, 0], 0.9)
    agent = make(repair=["direct"])
    assert NAMES[agent.act(observation, ALL, np.random.default_rng(0), deterministic=True)] == "direct"
    assert shares(make(repair=[]), observation, NO_NEXT, 200)[2:4].sum() > 0.2
    with pytest.raises(ConfigError, match="did you mean 'direct'"):
        make(repair=["dirct"])


def test_learns_who_goes_on_from_a_program() -> None:
    agent, steps = make(), 40
    observations = np.tile(seen([0, 0, 0, 0, 0], 0.5), (steps + 1, 1))
    actions = np.tile([2, 3], steps // 2)
    masks = np.ones((steps + 1, 5), dtype=bool)
    agent.learn([Episode(observations, masks, actions, (actions == 3).astype(np.float32), True, False)])
    assert agent.act(observations[0], ALL, np.random.default_rng(0), deterministic=True) == 3
    found = shares(agent, observations[0], ALL, 500)
    assert found[3] > 0.9, "repair-tests has gained each time"
