"""Thompson sampling with a linear model apart for every action.

Agrawal and Goyal 2013, "Thompson Sampling for Contextual Bandits with Linear Payoffs", algorithm 1, where the context
of an action is the observation in a block of its own: its B is then one A an action.
"""

from __future__ import annotations

import numpy as np

from blampert_agents.linear import Floats, LinearAgent
from blampert_agents.protocol import AgentSpec


class LinThompsonAgent(LinearAgent):
    """A contextual bandit: it learns an action's reward from the observation and looks no further than that step.

    To explore, coefficients are drawn for each action from N(theta, scale^2 A^-1), and the largest prediction with them
    wins. Deterministic is the largest mean, ties going to the lower action.

    Hyperparameters: ``scale`` (>= 0, default 0.3; v in the paper); ``ridge`` and ``gamma``, which lets it look further,
    as for :class:`~blampert_agents.linear.LinearAgent`.
    """

    name = "lin-thompson"

    def __init__(self, spec: AgentSpec) -> None:
        super().__init__(spec)
        self._scale = float(spec.hyperparams.get("scale", 0.3))

    @property
    def _width(self) -> float:
        return self._scale

    def _explore(self, means: Floats, whitened: Floats, rng: np.random.Generator) -> Floats:
        """The predictions of one draw."""
        # with z standard normal the draw is theta + scale root^T z, and x^T root^T z is z^T whitened
        drawn: Floats = (rng.standard_normal(whitened.shape) * whitened).sum(axis=1)
        return means + self._scale * drawn
