"""Always the same strategy: the baseline a learned policy is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blampert_agents.protocol import AgentSpec, Episode, action_index, allowed_actions
from blampert_agents.storage import SavedPolicy, write_json_policy


class FixedAgent:
    """Takes one action, or the lowest allowed one where its own is masked.

    The hyperparameter ``action`` (default 0) is an index or, where the action names are known, a name.

    Raises:
        ConfigError: No such action.
    """

    name = "fixed"

    def __init__(self, spec: AgentSpec) -> None:
        self.spec = spec
        self.action = action_index(spec.hyperparams.get("action", 0), spec)

    def act(
        self,
        observation: NDArray[np.float32],
        mask: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        deterministic: bool = False,
    ) -> int:
        """The fixed action, or the lowest allowed one."""
        allowed = allowed_actions(mask, self.spec.n_actions)
        return self.action if mask[self.action] else int(allowed[0])

    def learn(self, episodes: Sequence[Episode]) -> dict[str, float]:
        """Nothing to learn."""
        return {}

    def save(self, path: Path) -> None:
        """Write JSON; see :class:`~blampert_agents.protocol.Agent`."""
        write_json_policy(path, self.spec, {})

    def restore(self, saved: SavedPolicy) -> None:
        """Nothing beyond the spec."""
