"""What an agent reads of an observation by the names of its features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blampert_agents.protocol import AgentSpec, checked_observation
from blampert_env.errors import ConfigError

SCALE = 4
"""What the envs divide the tries of a target by; from there on, counts look alike."""
PASS_RATE = "target_pass_rate"
BUDGET = "budget_left"
_TRIED, _LEFT = ":tried_on_target", "target_left"


class Observed:
    """Finds the features of the target in front, alike in the strategy env's observation and the campaign's.

    Args:
        spec: With the names of actions and features.

    Attributes:
        leaves: The action that asks nothing and leaves the target, None where there is none: the last one, if it has no
            feature ``<action>:tried_on_target`` and ``target_left`` says how often a target was left.

    Raises:
        ConfigError: The names are not given, or a feature that counts tries is not there.
    """

    def __init__(self, spec: AgentSpec) -> None:
        self._spec = spec
        if not spec.feature_names:
            raise ConfigError(f"{spec.algo} reads features by name: give feature_names, the env's, and action_names")
        names = [f"{label}{_TRIED}" for label in spec.labels]
        self.leaves: int | None = None
        if names[-1] not in spec.feature_names and _LEFT in spec.feature_names:
            self.leaves, names[-1] = spec.n_actions - 1, _LEFT
        self._tried = np.array([self.place(name) for name in names])

    def place(self, name: str) -> int:
        """Where a feature is.

        Raises:
            ConfigError: It is not there.
        """
        if name not in self._spec.feature_names:
            raise ConfigError(f"{self._spec.algo} needs the feature {name!r}, which this env does not have")
        return self._spec.feature_names.index(name)

    def tries(self, observation: NDArray[np.float32]) -> NDArray[np.int64]:
        """How often each action was taken on the target in front, up to :data:`SCALE`: int64 of shape (n_actions,).

        Raises:
            UsageError: The observation has another shape.
        """
        tried = checked_observation(observation, self._spec)[self._tried]
        counts: NDArray[np.int64] = np.rint(SCALE * tried).astype(np.int64)
        return counts
