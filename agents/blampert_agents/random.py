"""Uniformly random: the baseline every other agent must beat."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blampert_agents.protocol import AgentSpec, Episode, allowed_actions
from blampert_agents.storage import SavedPolicy, write_json_policy


class RandomAgent:
    """Draws uniformly among the allowed actions, also when asked to be deterministic (it knows no better action)."""

    name = "random"

    def __init__(self, spec: AgentSpec) -> None:
        self.spec = spec

    def act(
        self,
        observation: NDArray[np.float32],
        mask: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        deterministic: bool = False,
    ) -> int:
        """A uniformly drawn allowed action."""
        return int(rng.choice(allowed_actions(mask, self.spec.n_actions)))

    def learn(self, episodes: Sequence[Episode]) -> dict[str, float]:
        """Nothing to learn."""
        return {}

    def save(self, path: Path) -> None:
        """Write JSON; see :class:`~blampert_agents.protocol.Agent`."""
        write_json_policy(path, self.spec, {})

    def restore(self, saved: SavedPolicy) -> None:
        """Nothing to restore."""
