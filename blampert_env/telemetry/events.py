"""The events of a run: one :class:`StepEvent` a step, one :class:`EpisodeEvent` an episode.

Events are plain frozen values. They turn NumPy scalars into Python's own and refuse what a store could not keep
(a NaN reward, a seed over 63 bits), so that every sink may trust what it gets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self

from blampert_env.errors import UsageError

SCHEMA_VERSION = 4
"""Version of the events' fields; it grows when a field is added, renamed or means something else."""


class Event:
    """What the two kinds of event share: cleaning their values, and the way to and from a plain mapping."""

    __slots__ = ()
    kind: ClassVar[str] = "event"

    def __post_init__(self) -> None:
        """Turn every field into exactly the type it is annotated with."""
        for spec in fields(self):  # type: ignore[arg-type]
            clean = _CLEANERS[str(spec.type)]
            try:
                object.__setattr__(self, spec.name, clean(getattr(self, spec.name)))
            except (TypeError, ValueError, OverflowError) as error:
                raise ValueError(f"{type(self).__name__}.{spec.name}: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, as JSON-ready values."""
        values = {spec.name: getattr(self, spec.name) for spec in fields(self)}  # type: ignore[arg-type]
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The event that :meth:`to_dict` gave.

        Raises:
            UsageError: A newer schema, an unknown or missing field, or a value of the wrong type; one line.
        """
        version = data.get("schema_version", SCHEMA_VERSION)
        if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
            raise UsageError(
                f"{cls.__name__} of schema {version!r}: this Blampert reads 1 to {SCHEMA_VERSION}; upgrade it"
            )
        known = {spec.name for spec in fields(cls)}  # type: ignore[arg-type]
        if unknown := sorted(set(data) - known):
            raise UsageError(f"{cls.__name__} has no field {unknown[0]!r}; the record is not of this kind")
        try:
            return cls(**data)
        except TypeError as error:
            raise UsageError(f"{cls.__name__} cannot be read: {str(error).split('()')[-1].strip()}") from error
        except ValueError as error:
            raise UsageError(f"{error}; the record is damaged") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvent(Event):
    """One step of one environment: a strategy asked, an edit made, the tests run.

    Attributes:
        run_id: The run this step belongs to.
        env_id: Gymnasium id, such as ``"Blampert-Calculator-v0"``.
        project: Project name, such as ``"calculator"``.
        episode: Number of the episode in the run, from 0.
        iteration: Number of the training iteration, from 0.
        worker: Number of the worker (thread, env) that ran it, from 0.
        step: Number of the step in its episode, from 0.
        seed: The episode's reset seed, under 2**63.
        target: Target id, such as ``"calculator.py::Calculator.add"``.
        strategy: Name of the strategy that was picked.
        outcome: ``info["outcome"]``: ``"passed"``, ``"syntax_error"``, ...
        reward: Reward of the step, finite.
        reward_terms: Weighted reward terms by name; they add up to ``reward``.
        tests_passed: Visible tests that pass after the step.
        tests_total: Visible tests there are.
        accepted: Whether the edit was kept.
        lm_calls: LM calls of this step, pool hits included.
        prompt_tokens: Prompt tokens over these calls.
        completion_tokens: Completion tokens over these calls.
        cached: Whether every call was answered from the sample pool.
        lm_latency_s: Seconds spent waiting for the LM.
        grade_s: Seconds spent grading.
        env_overhead_s: Seconds of the step spent on neither.
        diff: Unified diff of the step, ``""`` if nothing changed.
        source: The edit's source text.
        model: Resolved name of the LM.
        terminated: Whether the episode ended in a terminal state.
        truncated: Whether it was cut off.
        wall_time: Unix time at which the step ended, in seconds.
        test_output: What the tests that failed said, cut to a few thousand characters (since schema 2).
        prompt: The messages the LM was asked with, as JSON (since schema 3); "" if it was not asked. A store gives
            them back on request only: they are long.
        reply: What it answered, without the start of the answer that the prompt may end with (since schema 3).
        cost: What these calls cost at the models' prices, in seconds, pool hits included (since schema 4); 0 where no
            price is known.
    """

    kind: ClassVar[str] = "step"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    env_id: str
    project: str
    episode: int
    iteration: int
    worker: int
    step: int
    seed: int
    target: str
    strategy: str
    outcome: str
    reward: float
    reward_terms: Mapping[str, float] = field(hash=False)
    tests_passed: int
    tests_total: int
    accepted: bool
    lm_calls: int
    prompt_tokens: int
    completion_tokens: int
    cached: bool
    lm_latency_s: float
    grade_s: float
    env_overhead_s: float
    diff: str
    source: str
    model: str
    terminated: bool
    truncated: bool
    wall_time: float
    test_output: str = ""
    prompt: str = ""
    reply: str = ""
    cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeEvent(Event):
    """One finished episode.

    Attributes:
        ret: Undiscounted return.
        length: Number of steps.
        is_success: Whether every visible test passes at the end.
        tests_before: Visible tests that passed after the reset.
        tests_after: Visible tests that pass at the end.
        tests_total: Visible tests there are.
        duration_s: Seconds from reset to end.

    The other fields are as in :class:`StepEvent`, summed over the episode where they count something.
    """

    kind: ClassVar[str] = "episode"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    env_id: str
    project: str
    episode: int
    iteration: int
    worker: int
    seed: int
    ret: float
    length: int
    is_success: bool
    tests_before: int
    tests_after: int
    tests_total: int
    lm_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    duration_s: float = 0.0
    terminated: bool = False
    truncated: bool = False
    wall_time: float = 0.0


def _clean_int(value: Any) -> int:
    if isinstance(value, (str, float)) or value != int(value):
        raise TypeError(f"expected a whole number, got {value!r}")
    if not -(2**63) <= (number := int(value)) < 2**63:
        raise OverflowError(f"{number} does not fit 64 bits")
    return number


def _clean_float(value: Any) -> float:
    if isinstance(value, str):
        raise TypeError(f"expected a number, got {value!r}")
    if not math.isfinite(number := float(value)):
        raise ValueError(f"expected a finite number, got {number}")
    return number


def _clean_bool(value: Any) -> bool:
    if type(value).__name__ not in ("bool", "bool_"):  # NumPy's bool is called "bool" since 2.0
        raise TypeError(f"expected true or false, got {value!r}")
    return bool(value)


def _clean_str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value.encode("utf-8", "backslashreplace").decode("utf-8")  # an LM may send a lone surrogate


def _clean_terms(value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected a mapping, got {value!r}")
    return {_clean_str(name): _clean_float(number) for name, number in value.items()}


_CLEANERS = {
    "int": _clean_int,
    "float": _clean_float,
    "bool": _clean_bool,
    "str": _clean_str,
    "Mapping[str, float]": _clean_terms,
}
