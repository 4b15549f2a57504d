"""What a training run is told, in one value; it is written to the run folder and read back by ``--resume``."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_VERSIONED = (
    "blampert",
    "gymnasium",
    "stable-baselines3",
    "sb3-contrib",
    "dspy",
    "torch",
    "numpy",
    "pytest",
    "litellm",
)


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of a run.

    Attributes:
        projects: Names of bundled projects, or folders; at least one.
        algo: One of ``blampert_agents.ALGOS``.
        iterations: An iteration is one episode on each project, then a policy update; >= 1.
        n_timesteps: Stop after about so many steps instead of by iterations; None: by iterations.
        seed: Seeds projects' order, LM samples and policy; >= 0.
        model: LM name for :func:`blampert_env.lm.resolve`.
        n_envs: Episodes played at once, >= 1.
        max_attempts: Steps in an episode; None: 2 a target.
        rewards: Profile of ``configs/rewards.yaml``.
        strategies: Strategy YAML file; None: the bundled one.
        isolation: Of the grader.
        timeout_s: Seconds that a project's tests may take; None: ten times what the untouched project's take.
        hyperparams: Overrides of the algorithm's hyperparameters.
        eval_episodes: Greedy episodes on each project at the end, >= 0.
        trained_agent: Policy file that the run started from.
    """

    projects: tuple[str, ...]
    algo: str = "thompson"
    iterations: int = 5
    n_timesteps: int | None = None
    seed: int = 0
    model: str = "auto"
    n_envs: int = 1
    max_attempts: int | None = None
    rewards: str = "default"
    strategies: str | None = None
    isolation: str = "default"
    timeout_s: float | None = None
    hyperparams: Mapping[str, Any] = field(default_factory=dict)
    eval_episodes: int = 1
    trained_agent: str | None = None

    def planned_steps(self, max_attempts: int) -> int:
        """Steps to expect, >= 1, for schedules that run over them: as asked for, else the longest run there can be."""
        return self.n_timesteps or max(1, self.iterations * len(self.projects) * max_attempts)

    def to_json(self) -> dict[str, Any]:
        """Every setting as a JSON value."""
        return asdict(self) | {"projects": list(self.projects), "hyperparams": dict(self.hyperparams)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TrainConfig:
        """Settings as :meth:`to_json` wrote them."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        return cls(**(known | {"projects": tuple(data["projects"])}))


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the packages a result depends on; "missing" for one that is not installed."""
    versions = {"python": platform.python_version()}
    for name in _VERSIONED:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "missing"
    return versions
