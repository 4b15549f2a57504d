"""What the linear contextual bandits share: ridge regression of a step's worth on its observation, apart by action.

Li et al. 2010, "A Contextual-Bandit Approach to Personalized News Article Recommendation", algorithm 1: A, b, theta.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from blampert_agents.protocol import AgentSpec, Episode, Values, allowed_actions, checked_observation
from blampert_agents.storage import SavedPolicy, write_json_policy

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LinearModels:
    """One ridge regression an action. It is replaced and never written to, so any thread may read it without a lock.

    D is the observation's length and one more, for the constant. All arrays are float64.

    Attributes:
        A: Ridge times the identity, plus the sum of x x^T over the steps of each action; shape (n_actions, D, D).
        b: Sum of x times value; shape (n_actions, D).
        theta: Coefficients, A^-1 b; shape (n_actions, D).
        root: Inverse Cholesky factor of A, so that root^T root = A^-1; shape (n_actions, D, D).
    """

    A: Floats
    b: Floats
    theta: Floats
    root: Floats

    @classmethod
    def new(cls, n_actions: int, n_features: int, ridge: float) -> Self:
        """Models that have seen nothing and predict 0; ``n_features`` is without the constant."""
        size = n_features + 1
        return cls.of(np.tile(ridge * np.eye(size), (n_actions, 1, 1)), np.zeros((n_actions, size)))

    @classmethod
    def of(cls, A: Floats, b: Floats) -> Self:
        """The models of these sums.

        Raises:
            ValueError: They are not finite, or an A is not symmetric and positive definite.
        """
        if not (np.isfinite(A).all() and np.isfinite(b).all()):
            raise ValueError("its models are damaged: not finite")
        if not np.allclose(A, A.swapaxes(1, 2), rtol=1e-9, atol=0.0):
            raise ValueError("its models are damaged: not symmetric")
        try:
            root = np.linalg.inv(np.linalg.cholesky(A))
        except np.linalg.LinAlgError as error:
            raise ValueError("its models are damaged: not positive definite") from error
        theta = root.swapaxes(1, 2) @ (root @ b[:, :, None])
        return cls(A, b, theta[:, :, 0], root)

    def updated(self, x: Floats, actions: NDArray[np.int64], values: Floats) -> Self:
        """The models after N more steps: ``x`` of shape (N, D), ``actions`` and ``values`` of shape (N,)."""
        A, b = self.A.copy(), self.b.copy()
        for action in np.unique(actions):
            taken = actions == action
            rows = x[taken]
            A[action] += rows.T @ rows
            b[action] += rows.T @ values[taken]
        return self.of(A, b)

    def means(self, x: Floats) -> Floats:
        """Predicted values: shape (n_actions,) for ``x`` of shape (D,), (N, n_actions) for (N, D)."""
        # summed a row at a time: BLAS may round equal rows differently, and equal models must tie
        means: Floats = (self.theta * x[..., None, :]).sum(axis=-1)
        return means

    def whitened(self, x: Floats) -> Floats:
        """``root x`` of shape (n_actions, D): its squared length is x^T A^-1 x, the variance of the mean."""
        return self.root @ x


class LinearAgent(ABC):
    """A contextual bandit with a linear model an action; how it explores is the subclass's.

    What an action is worth is learnt from the observation it was taken on. With ``gamma`` 0 (default) that is the
    reward of its step, and nothing after it is looked at. Otherwise it is the discounted return from that step to the
    end of the episode as it was played (Monte Carlo, with the actions that followed then, a cut-off counting as an
    end): what an early stop or a spent budget is worth shows only there.

    Hyperparameters: ``ridge`` (>= 1e-6, default 1.0: the weight of "all coefficients are 0"), ``gamma`` (0 to 1).
    """

    name: str

    def __init__(self, spec: AgentSpec) -> None:
        self.spec = spec
        self._gamma = float(spec.hyperparams.get("gamma", 0.0))
        self._lock = threading.Lock()  # between learners; those who read take the models as they are
        self._ridge = float(spec.hyperparams.get("ridge", 1.0))
        self.models = LinearModels.new(spec.n_actions, spec.observation_space.shape[0], self._ridge)

    def act(
        self,
        observation: NDArray[np.float32],
        mask: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        deterministic: bool = False,
    ) -> int:
        """The allowed action with the largest score, ties drawn; deterministic: the largest mean, ties to the lower."""
        allowed = allowed_actions(mask, self.spec.n_actions)
        models, x = self.models, with_constant(checked_observation(observation, self.spec))
        means = models.means(x)
        if deterministic:
            return int(allowed[np.argmax(means[allowed])])
        scores = self._explore(means, models.whitened(x), rng)[allowed]
        return int(rng.choice(allowed[scores == scores.max()]))

    def values(self, observation: NDArray[np.float32], mask: NDArray[np.bool_]) -> Values:
        """Predictions, and their standard deviations as it explores by them (with noise of variance 1 in a reward)."""
        allowed_actions(mask, self.spec.n_actions)
        models, x = self.models, with_constant(checked_observation(observation, self.spec))
        deviations = self._width * np.sqrt((models.whitened(x) ** 2).sum(axis=1))
        return Values("predicted return" if self._gamma else "predicted reward", models.means(x), deviations)

    def weights(self) -> Floats:
        """How much of the predictions each feature moves: its coefficient times its standard deviation.

        The deviation is over all observations that were acted on and learnt from, whose sums are in ``A``.

        Returns:
            float64 of shape (n_actions, d); zeros before anything was learnt.
        """
        models, size = self.models, self.models.A.shape[1]
        seen = (models.A - self._ridge * np.eye(size)).sum(
            axis=0
        )  # the sum of x x^T, whose last feature is the constant
        count = max(seen[-1, -1], 1.0)
        variances = np.diagonal(seen)[:-1] / count - (seen[-1, :-1] / count) ** 2
        weights: Floats = models.theta[:, :-1] * np.sqrt(np.maximum(variances, 0.0))
        return weights

    @property
    @abstractmethod
    def _width(self) -> float:
        """How many standard deviations of a mean it explores by."""

    @abstractmethod
    def _explore(self, means: Floats, whitened: Floats, rng: np.random.Generator) -> Floats:
        """Scores to explore by, shape (n_actions,), from the means and :meth:`LinearModels.whitened`."""

    def learn(self, episodes: Sequence[Episode]) -> dict[str, float]:
        """Add the steps to the regressions.

        Gives ``train/error``, the mean squared error of the predictions before, and ``train/value_<action>``, the mean
        prediction after, over all observations that were acted on; nothing if there were none.
        """
        if not any(episode.length for episode in episodes):
            return {}
        x = with_constant(np.concatenate([episode.observations[:-1] for episode in episodes]))
        actions = np.concatenate([episode.actions for episode in episodes])
        values = np.concatenate([returns(episode.rewards, self._gamma) for episode in episodes])
        with self._lock:
            before = self.models
            self.models = after = before.updated(x, actions, values)
        predicted = before.means(x)[np.arange(len(actions)), actions]
        metrics = {"train/error": float(np.mean((predicted - values) ** 2))}
        means = after.means(x).mean(axis=0)
        return metrics | {
            f"train/value_{name}": float(mean) for name, mean in zip(self.spec.labels, means, strict=True)
        }

    def save(self, path: Path) -> None:
        """Write JSON; see :class:`~blampert_agents.protocol.Agent`."""
        models = self.models
        write_json_policy(path, self.spec, {"A": models.A.tolist(), "b": models.b.tolist()})

    def restore(self, saved: SavedPolicy) -> None:
        """Take over the regressions.

        Raises:
            ValueError: They are damaged.
        """
        A, b = (np.asarray(saved.state[name], dtype=np.float64) for name in ("A", "b"))
        if (A.shape, b.shape) != (self.models.A.shape, self.models.b.shape):
            raise ValueError("its models are damaged: wrong shapes")
        self.models = LinearModels.of(A, b)


def with_constant(observations: NDArray[np.float32]) -> Floats:
    """The observations, of shape (..., d), with a 1 appended: float64 of shape (..., d + 1)."""
    ones = np.ones((*observations.shape[:-1], 1))
    return np.concatenate([observations, ones], axis=-1, dtype=np.float64)


def returns(rewards: NDArray[np.float32], gamma: float) -> Floats:
    """The discounted return from each step on: float64 of shape (T,), as the rewards; with ``gamma`` 0 the rewards."""
    values = rewards.astype(np.float64)
    for step in range(len(values) - 2, -1, -1):
        values[step] += gamma * values[step + 1]
    return values
