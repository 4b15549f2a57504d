"""The strategy env's observation: one float32 vector in [0, 1], the same length for every project.

A name a feature; ``feature_names`` is the documentation and the order. Counts are divided by a scale and clipped, so a
policy learnt on one project reads another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from blampert_env.coding import Strategy
from blampert_env.envs.progress import EpisodeProgress
from blampert_env.envs.session import Attempt
from blampert_env.parsing import parse
from blampert_env.projects import Target

# How the last attempt ended, one-hot; every refusal of an edit counts as "rejected".
LAST_OUTCOMES = ("none", "solved", "improved", "same", "worse", "rejected", "timeout", "crashed")
_ALIASES = {"unchanged": "same"}

# What a target is, before anything is tried.
TARGET_FEATURES = (
    "target_is_method",
    "target_is_async",
    "target_parameters",  # parameters without self, of 8
    "target_docstring",  # characters, of 1,000
    "target_has_examples",  # the docstring shows >>> or an example
)
_BASE = (
    "pass_rate",  # visible tests passed by the current code
    "open_targets",  # share of targets with a failing test
    "budget_left",  # share of the episode's attempts that are left
    *TARGET_FEATURES,
    "target_tests",  # visible tests that mention it, of 10
    "target_pass_rate",  # share of those that pass now
    "target_attempts",  # attempts at this target in this episode, of 8
    "target_has_previous",  # there is an attempt to repair
    "target_has_failing_output",
    "solved_targets",  # verified examples to show, of 8
)
_PER_STRATEGY = (
    "tried_on_target",  # times tried on this target, of 4
    "tried",  # times tried in this episode, of 10
    "gain_rate",  # share of those tries that gained tests
)


def feature_names(strategies: Sequence[Strategy]) -> tuple[str, ...]:
    """Names of the features, in the order of the vector."""
    last = tuple(f"last_{outcome}" for outcome in LAST_OUTCOMES)
    per_strategy = tuple(f"{strategy.name}:{name}" for strategy in strategies for name in _PER_STRATEGY)
    return _BASE + last + per_strategy


@dataclass(frozen=True, slots=True)
class Seen:
    """What an observation is made from.

    Attributes:
        pass_rate: Share of the visible tests that pass.
        open_targets: Share of the targets with a failing test.
        budget_left: Share of the episode's attempts that are left.
        target: The one that is asked for now.
        tests: Visible tests that mention it.
        target_pass_rate: Share of those that pass.
        attempts: Attempts at it.
        has_previous: There is an attempt to repair.
        has_failing: There is something its tests said.
        solved: Targets solved in this episode.
        last: One of :data:`LAST_OUTCOMES`.
        tries: By strategy: times tried on this target, times tried in this episode, how many of these gained tests.
    """

    pass_rate: float
    open_targets: float
    budget_left: float
    target: Target
    tests: int
    target_pass_rate: float
    attempts: int
    has_previous: bool
    has_failing: bool
    solved: int
    last: str
    tries: Sequence[tuple[int, int, int]]


def observe(progress: EpisodeProgress, last: Attempt | None) -> NDArray[np.float32]:
    """The observation vector, as :func:`encode` makes it.

    Args:
        progress: The episode so far.
        last: The last attempt, None after a reset.
    """
    session, key = progress.session, progress.target.id
    tries = zip(progress.strategy_tries_on_target[key], progress.strategy_tries, progress.strategy_gains, strict=True)
    return encode(
        Seen(
            pass_rate=session.report.pass_rate,
            open_targets=len(progress.open_targets) / len(session.project.targets),
            budget_left=1 - len(session.attempts) / session.max_attempts,
            target=progress.target,
            tests=len(progress.tests_of(key)),
            target_pass_rate=progress.passing_share(key),
            attempts=progress.tries_on_target[key],
            has_previous=key in progress.previous,
            has_failing=bool(progress.failing.get(key)),
            solved=len(progress.solved_with),
            last=_last_outcome(last),
            tries=list(tries),
        )
    )


def encode(seen: Seen) -> NDArray[np.float32]:
    """The observation vector.

    Returns:
        float32 array of shape ``(len(feature_names(strategies)),)``, each value in [0, 1]; a fresh array.
    """
    values: list[float] = [
        seen.pass_rate,
        seen.open_targets,
        seen.budget_left,
        *target_features(seen.target),
        seen.tests / 10,
        seen.target_pass_rate,
        seen.attempts / 8,
        seen.has_previous,
        seen.has_failing,
        seen.solved / 8,
    ]
    values += [seen.last == name for name in LAST_OUTCOMES]
    for here, tried, gained in seen.tries:
        values += (here / 4, tried / 10, gained / max(1, tried))
    return np.array([min(1.0, max(0.0, value)) for value in values], np.float32)


@lru_cache(maxsize=1024)
def target_features(target: Target) -> tuple[float, ...]:
    """The features that a target has from the start, :data:`TARGET_FEATURES`; not cut to [0, 1]."""
    docstring = target.docstring or ""
    return (
        target.class_name is not None,
        target.is_async,
        _parameters(target.signature) / 8,
        len(docstring) / 1000,
        ">>>" in docstring or "xample" in docstring,
    )


def _last_outcome(last: Attempt | None) -> str:
    if last is None:
        return "none"
    if last.rejected:
        return "rejected"
    return _ALIASES.get(last.outcome, last.outcome)


def _parameters(signature: str) -> int:
    """Parameters in a one-line signature, ``self`` and ``cls`` left out."""
    import ast

    function = parse(f"{signature}: ...").body[0]
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    spec = function.args
    names = [arg.arg for arg in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg) if arg]
    return sum(name not in ("self", "cls") for name in names)
