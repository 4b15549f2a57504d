"""Thompson sampling over Beta-Bernoulli arms.

Thompson 1933; as algorithm 3.2 of Russo et al. 2018, "A Tutorial on Thompson Sampling".
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blampert_agents.protocol import AgentSpec, Episode, Values, allowed_actions
from blampert_agents.storage import SavedPolicy, write_json_policy


class ThompsonAgent:
    """One Beta posterior an action, over the chance that a step with it is a success.

    A step is a success if its reward is greater than ``success_above`` (default 0.0): a clear gain. The observation is
    ignored, so this is the best that can be learnt without looking at the state. To explore, one number is drawn from
    each posterior and the largest wins; deterministic is the largest posterior mean, ties going to the lower action.

    Hyperparameters: ``prior_alpha``, ``prior_beta`` (> 0, default 1.0: uniform), ``success_above``.
    """

    name = "thompson"

    def __init__(self, spec: AgentSpec) -> None:
        self.spec = spec
        self._success_above = float(spec.hyperparams.get("success_above", 0.0))
        self._lock = threading.Lock()
        self.alpha = np.full(spec.n_actions, float(spec.hyperparams.get("prior_alpha", 1.0)))  # (n_actions,)
        self.beta = np.full(spec.n_actions, float(spec.hyperparams.get("prior_beta", 1.0)))  # (n_actions,)

    def act(
        self,
        observation: NDArray[np.float32],
        mask: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        deterministic: bool = False,
    ) -> int:
        """The allowed action with the largest draw, or the largest mean."""
        allowed = allowed_actions(mask, self.spec.n_actions)
        with self._lock:
            alpha, beta = self.alpha.copy(), self.beta.copy()
        scores = alpha / (alpha + beta) if deterministic else rng.beta(alpha, beta)
        return int(allowed[np.argmax(scores[allowed])])

    def values(self, observation: NDArray[np.float32], mask: NDArray[np.bool_]) -> Values:
        """Mean and standard deviation of each posterior."""
        allowed_actions(mask, self.spec.n_actions)
        with self._lock:
            alpha, beta = self.alpha.copy(), self.beta.copy()
        total = alpha + beta
        return Values("chance of success", alpha / total, np.sqrt(alpha * beta / (total + 1)) / total)

    def learn(self, episodes: Sequence[Episode]) -> dict[str, float]:
        """Count each step's success or failure; gives the posterior means as ``train/success_<action>``."""
        with self._lock:
            for episode in episodes:
                success = episode.rewards > self._success_above
                np.add.at(self.alpha, episode.actions[success], 1.0)
                np.add.at(self.beta, episode.actions[~success], 1.0)
            means = self.alpha / (self.alpha + self.beta)
        return {f"train/success_{name}": float(mean) for name, mean in zip(self.spec.labels, means, strict=True)}

    def save(self, path: Path) -> None:
        """Write JSON; see :class:`~blampert_agents.protocol.Agent`."""
        with self._lock:
            state = {"alpha": self.alpha.tolist(), "beta": self.beta.tolist()}
        write_json_policy(path, self.spec, state)

    def restore(self, saved: SavedPolicy) -> None:
        """Take over the posteriors."""
        alpha, beta = (np.asarray(saved.state[name], dtype=np.float64) for name in ("alpha", "beta"))
        for values in (alpha, beta):
            if values.shape != (self.spec.n_actions,) or not (np.isfinite(values).all() and (values > 0).all()):
                raise ValueError("its posteriors are damaged")
        self.alpha, self.beta = alpha, beta
