"""RecurrentPPO of sb3-contrib as an agent: PPO whose policy remembers its rollout by an LSTM."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from blampert_agents.protocol import AgentSpec, checked_observation
from blampert_agents.rollouts import PerRollout
from blampert_agents.sb3 import SB3Agent


class RecurrentPPOAgent(SB3Agent):
    """PPO with an LSTM before its networks, so that it may act on what the observation no longer shows.

    The LSTM's state is one of each rollout in progress, which is known by the generator that it hands in: a new
    generator starts from zeros, as every episode does when it is learnt from. It moves on with each ``act``. States are
    not saved, since their rollouts end with the process. Masks as for PPO (:mod:`blampert_agents.sb3_updates`).
    """

    def __init__(self, spec: AgentSpec) -> None:
        super().__init__(spec)
        self._states: PerRollout[Any] = PerRollout()

    def _scores(self, observation: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
        """Log-probabilities of the unmasked policy, shape (n_actions,); the rollout's state moves on."""
        import torch

        batch = torch.as_tensor(checked_observation(observation, self.spec)).unsqueeze(0)
        zero = torch.zeros(self.model.policy.lstm_hidden_state_shape)
        states = self._states.get(rng, (zero, zero))
        with self._lock, torch.no_grad():
            found, states = self.model.policy.get_distribution(batch, states, torch.zeros(1))
            scores = np.asarray(found.distribution.logits[0], dtype=np.float64)
        self._states.keep(rng, states)
        return scores
