"""LinUCB with a linear model apart for every action.

Li et al. 2010, "A Contextual-Bandit Approach to Personalized News Article Recommendation", algorithm 1.
"""

from __future__ import annotations

import numpy as np

from blampert_agents.linear import Floats, LinearAgent
from blampert_agents.protocol import AgentSpec


class LinUCBAgent(LinearAgent):
    """A contextual bandit: it learns an action's reward from the observation and looks no further than that step.

    To explore, the action with the largest upper confidence bound wins: its mean plus ``alpha`` standard deviations,
    ties drawn. Deterministic is the largest mean, ties going to the lower action.

    Hyperparameters: ``alpha`` (>= 0, default 1.0); ``ridge`` and ``gamma``, which lets it look further, as for
    :class:`~blampert_agents.linear.LinearAgent`.
    """

    name = "linucb"

    def __init__(self, spec: AgentSpec) -> None:
        super().__init__(spec)
        self._alpha = float(spec.hyperparams.get("alpha", 1.0))

    @property
    def _width(self) -> float:
        return self._alpha

    def _explore(self, means: Floats, whitened: Floats, rng: np.random.Generator) -> Floats:
        """The upper bounds."""
        deviations: Floats = np.sqrt((whitened**2).sum(axis=1))
        return means + self._alpha * deviations
