"""Named, weighted reward terms.

Each term is a pure function of one :class:`StepFacts`; ``configs/rewards.yaml`` says which terms count and how much.
Rewards speak of the code and of what it cost to get it, never of which tool wrote it. Held-out tests are no part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from blampert_env.errors import ConfigError, unknown_name
from blampert_env.resources import data_dir, load_yaml


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What one step did, as far as rewards may know.

    Attributes:
        passed_before: Visible tests passed by the current code before the step.
        passed_after: The same after it (after the edit was kept or dropped).
        passed_untouched: Visible tests the untouched project passes.
        total: Visible tests in all, >= 1.
        rejected: The edit was refused, or there was none.
        completion_tokens: Tokens the LM wrote for this step; 0 where no LM is involved.
        cost: Of the LM's call, in seconds (:mod:`blampert_env.lm.prices`); 0.0 where there was none.
        quality: Score of the edit's source in [0, 1] (:mod:`blampert_env.quality`); measured only where a term counts
            that needs it and the edit gained tests, else None.
    """

    passed_before: int
    passed_after: int
    passed_untouched: int
    total: int
    rejected: bool
    completion_tokens: int = 0
    cost: float = 0.0
    quality: float | None = None


def progress(facts: StepFacts) -> float:
    """Tests gained, as a share of those that the untouched project fails; in [-1, 1], at most 1 over an episode."""
    return (facts.passed_after - facts.passed_before) / max(1, facts.total - facts.passed_untouched)


def solved(facts: StepFacts) -> float:
    """1 on the step on which the last failing test passes, else 0."""
    return float(facts.passed_before < facts.passed_after == facts.total)


def rejected(facts: StepFacts) -> float:
    """1 if the edit was refused or missing, else 0."""
    return float(facts.rejected)


def attempt(facts: StepFacts) -> float:
    """1 a step."""
    return 1.0


def tokens(facts: StepFacts) -> float:
    """Completion tokens, in hundreds."""
    return facts.completion_tokens / 100


def cost(facts: StepFacts) -> float:
    """Cost of the LM's call, in tens of seconds: what :func:`tokens` is for a run that asks several models."""
    return facts.cost / 10


def code_quality(facts: StepFacts) -> float:
    """Tests gained, each worth as much as the code that gained it is good; tests lost count in full. In [-1, 1].

    Like ``progress`` it pays for nothing else, so that rewriting working code over and over earns nothing.

    Raises:
        ConfigError: Tests were gained and the quality was not measured.
    """
    gained = progress(facts)
    if gained <= 0.0:
        return gained
    if facts.quality is None:
        raise ConfigError("rewards: code_quality needs StepFacts.quality; see blampert_env.quality")
    return gained * facts.quality


TERMS: dict[str, Callable[[StepFacts], float]] = {
    term.__name__: term for term in (progress, solved, rejected, attempt, tokens, cost, code_quality)
}


@dataclass(frozen=True, slots=True)
class RewardSpec:
    """Weights by term name.

    Attributes:
        weights: Term name to weight; terms that are absent do not count.
    """

    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        for name, weight in self.weights.items():
            if name not in TERMS:
                raise ConfigError(f"rewards: {unknown_name('term', name, TERMS)}")
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
                raise ConfigError(f"rewards: the weight of {name!r} must be a finite number, not {weight!r}")

    @property
    def needs_quality(self) -> bool:
        """Whether a term counts that needs :attr:`StepFacts.quality`, which takes some 20 ms to measure."""
        return bool(self.weights.get("code_quality"))

    @property
    def needs_cost(self) -> bool:
        """Whether a term counts that needs the price of every model that is asked."""
        return bool(self.weights.get("cost"))

    def terms(self, facts: StepFacts) -> dict[str, float]:
        """Each term's weighted value; the reward is their sum."""
        return {name: weight * TERMS[name](facts) if weight else 0.0 for name, weight in self.weights.items()}


def load_rewards(profile: str | Mapping[str, float] = "default", path: str | Path | None = None) -> RewardSpec:
    """Read a profile of ``configs/rewards.yaml``, or take a mapping of weights as it is.

    Raises:
        ConfigError: Unknown profile or term, or a weight that is no finite number.
    """
    if isinstance(profile, Mapping):
        return RewardSpec(dict(profile))
    file = Path(path) if path is not None else data_dir("configs") / "rewards.yaml"
    profiles = load_yaml(file)
    if not isinstance(profiles, Mapping):
        raise ConfigError(f"{file}: expected a mapping of profiles")
    if profile not in profiles:
        raise ConfigError(f"{file}: {unknown_name('reward profile', profile, map(str, profiles))}")
    if not isinstance(profiles[profile], Mapping):
        raise ConfigError(f"{file}: profile {profile!r} must map terms to weights")
    return RewardSpec(dict(profiles[profile]))
