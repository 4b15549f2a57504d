"""The campaign env's observation: one float32 vector in [0, 1], the same length for every list of targets.

A name a feature; ``campaign_features`` is the documentation and the order. Counts are divided by a scale and clipped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from blampert_env.coding import Strategy
from blampert_env.envs.campaign_progress import CampaignProgress, OnTarget
from blampert_env.envs.failures import KINDS
from blampert_env.envs.features import TARGET_FEATURES

NEXT = "next"
"""Name of the action behind the strategies: leave the target."""

_BASE = (
    "budget_left",  # share of the episode's budget
    "targets_left",  # share of the episode's targets that are open
    "share_a_target",  # budget left for each open target, against what there was for each at the start, of 4
    *TARGET_FEATURES,
    "target_tests",  # visible tests that mention it, of 10
    "target_pass_rate",  # share of those that pass now
    "target_attempts",  # of 8
    "target_spent",  # cost of these attempts, in shares of the budget for each target at the start, of 4
    "target_stale",  # attempts since one gained tests, of 8
    "target_left",  # how often it was left before, of 4
    "answer_repeats",  # the last answer for it was one that it had before
)
_OF_TARGET = _BASE.index(TARGET_FEATURES[0])
_PER_STRATEGY = (
    "tried_on_target",  # times tried on this target, of 4
    "tried",  # times tried in this campaign, of 20
    "solve_rate",  # share of those tries that solved their target
    "cost",  # mean cost of a call so far, in shares of the budget for each target at the start
)
_FAILURES = tuple(f"last_failure_{kind}" for kind in KINDS)


def campaign_features(strategies: Sequence[Strategy]) -> tuple[str, ...]:
    """Names of the features, in the order of the vector."""
    return _BASE + _FAILURES + tuple(f"{strategy.name}:{name}" for strategy in strategies for name in _PER_STRATEGY)


def target_view(strategies: Sequence[Strategy]) -> tuple[str, ...]:
    """Those that tell of the target in front alone: how the campaign goes on elsewhere does not change them."""
    tried = tuple(f"{strategy.name}:tried_on_target" for strategy in strategies)
    return _BASE[_OF_TARGET:] + _FAILURES + tried


def observe_campaign(
    progress: CampaignProgress, own: Sequence[float], *, tests: int, pass_rate: float
) -> NDArray[np.float32]:
    """The observation vector.

    Args:
        progress: The episode so far.
        own: Of the target in front, :func:`~blampert_env.envs.features.target_features`; zeros where none is left.
        tests: Visible tests that mention it.
        pass_rate: Share of them that pass now.

    Returns:
        float32 array of shape ``(len(campaign_features(strategies)),)``, each value in [0, 1]; a fresh array.
    """
    left, total, open_targets = progress.budget - progress.spent, progress.total, len(progress.queue)
    fair = progress.budget / total  # budget for each target at the start
    on = progress.on[progress.queue[0]] if progress.queue else OnTarget([0] * len(progress.of))
    values: list[float] = [left / progress.budget, open_targets / total, left / max(1, open_targets) / fair / 4, *own]
    values += [tests / 10, pass_rate, sum(on.tries) / 8, on.spent / fair / 4, on.stale / 8, on.left / 4, on.repeats]
    values += [on.failure == kind for kind in KINDS]
    for here, one in zip(on.tries, progress.of, strict=True):
        tried = max(1, one.tried)
        values += (here / 4, one.tried / 20, one.solved / tried, one.cost / tried / fair)
    return np.array([min(1.0, max(0.0, value)) for value in values], np.float32)
