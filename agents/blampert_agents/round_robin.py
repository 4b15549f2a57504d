"""Each strategy in turn: the baseline that needs no choice at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blampert_agents.protocol import AgentSpec, Episode, allowed_actions
from blampert_agents.rollouts import PerRollout
from blampert_agents.storage import SavedPolicy, write_json_policy


class RoundRobinAgent:
    """Goes through the actions in order, skipping masked ones.

    One turn counter for all threads would make the actions depend on which thread is faster, so each rollout has its
    own: a rollout is known by the generator it hands in. A new generator starts at the lowest allowed action.
    """

    name = "round-robin"

    def __init__(self, spec: AgentSpec) -> None:
        self.spec = spec
        self._turns: PerRollout[int] = PerRollout()

    def act(
        self,
        observation: NDArray[np.float32],
        mask: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        deterministic: bool = False,
    ) -> int:
        """The next allowed action after this rollout's last one, cyclically."""
        allowed = allowed_actions(mask, self.spec.n_actions)
        turn = self._turns.get(rng, 0)
        action = int(allowed[np.searchsorted(allowed, turn) % allowed.size])
        self._turns.keep(rng, (action + 1) % self.spec.n_actions)
        return action

    def learn(self, episodes: Sequence[Episode]) -> dict[str, float]:
        """Nothing to learn."""
        return {}

    def save(self, path: Path) -> None:
        """Write JSON; turns are not saved, since their rollouts end with the process."""
        write_json_policy(path, self.spec, {})

    def restore(self, saved: SavedPolicy) -> None:
        """Nothing beyond the spec."""
