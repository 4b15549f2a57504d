"""What an agent is, what it is made from, and what it learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from blampert_env.errors import ConfigError, UsageError, unknown_name

if TYPE_CHECKING:
    from gymnasium import spaces


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """One rollout, complete or cut off. T is its number of steps, d the observation's length.

    Attributes:
        observations: float32 of shape (T + 1, d); the last one is what the last step led to.
        masks: bool of shape (T + 1, n_actions); True where the action was allowed.
        actions: int64 of shape (T,).
        rewards: float32 of shape (T,).
        terminated: The last step ended in a terminal state: nothing would have followed.
        truncated: The episode was cut off. An episode that is neither (interrupted) is learnt from as if truncated.
        is_success: Whether the task was solved at the end.

    Raises:
        ValueError: Shapes that do not fit together, or an action that its mask forbade.
    """

    observations: NDArray[np.float32]
    masks: NDArray[np.bool_]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    terminated: bool
    truncated: bool
    is_success: bool = False

    def __post_init__(self) -> None:
        steps = len(self.actions)
        lengths = (len(self.observations), len(self.masks), len(self.rewards) + 1)
        if lengths != (steps + 1,) * 3:
            raise ValueError(f"episode of {steps} actions: observations, masks, rewards + 1 are {lengths} long")
        if not np.all(self.masks[np.arange(steps), self.actions]):
            raise ValueError("the episode holds an action that its mask forbids")
        if not (np.isfinite(self.rewards).all() and np.isfinite(self.observations).all()):
            raise ValueError("the episode holds a reward or an observation that is not finite")

    @property
    def length(self) -> int:
        """Number of steps T."""
        return len(self.actions)

    @property
    def ret(self) -> float:
        """Undiscounted return: the sum of rewards."""
        return float(np.sum(self.rewards, dtype=np.float64))


class Agent(Protocol):
    """Picks actions and learns from whole episodes. ``act`` may be called from several threads at once.

    Attributes:
        name: The algorithm, as in :data:`blampert_agents.ALGOS`.
        spec: What the agent was made from.
    """

    name: str
    spec: AgentSpec

    def act(
        self,
        observation: NDArray[np.float32],
        mask: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        deterministic: bool = False,
    ) -> int:
        """Pick an action.

        Args:
            observation: float32 of shape (d,).
            mask: bool of shape (n_actions,); True where allowed.
            rng: The only source of chance, so that the same generator gives the same actions. Give each rollout its
                own, and not the env's seed alone: equal seeds give equal streams, and actions that follow the env's.
                Agents that remember (:class:`~blampert_agents.rollouts.PerRollout`) know a rollout by it.
            deterministic: Exploit only: the best known action.

        Returns:
            An action that ``mask`` allows.

        Raises:
            UsageError: Wrong shapes, or a mask that allows nothing.
        """

    def learn(self, episodes: Sequence[Episode]) -> dict[str, float]:
        """Learn from the episodes of one iteration; gives metrics such as ``{"train/loss": 0.1}``."""

    def save(self, path: Path) -> None:
        """Write the agent to one file, whole or not at all; :func:`blampert_agents.load_agent` reads it.

        Raises:
            StorageError: It could not be written; the previous file is intact.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """What an agent holds each action for on one observation. Allowed with the largest mean is what it does greedily.

    Attributes:
        kind: What the means are: ``chance of success``, ``predicted reward``, ``predicted return``,
            ``chance to be picked`` or ``Q value``.
        means: float64 of shape (n_actions,).
        deviations: Standard deviations of the means, as it explores by them, of the same shape; None: it has none.
    """

    kind: str
    means: NDArray[np.float64]
    deviations: NDArray[np.float64] | None = None


@runtime_checkable
class ValuingAgent(Protocol):
    """An agent that can say what it holds actions for: an optional part of :class:`Agent`, to explain it by."""

    def values(self, observation: NDArray[np.float32], mask: NDArray[np.bool_]) -> Values:
        """What it holds each action for; arguments and errors are those of :meth:`Agent.act`."""


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """What an agent is made from; saved with it, so that a file can be checked against an environment.

    Attributes:
        algo: Name of the algorithm.
        observation_space: A one-dimensional ``Box``.
        action_space: A ``Discrete`` starting at 0.
        seed: Seed of the initial weights and of learning, >= 0.
        hyperparams: Checked hyperparameters, JSON-ready.
        action_names: Names of the strategies, or empty.
        feature_names: Names of the observation's features, or empty.

    Raises:
        UsageError: Spaces or a seed that no agent can work with.
    """

    algo: str
    observation_space: spaces.Box
    action_space: spaces.Discrete
    seed: int = 0
    hyperparams: Mapping[str, Any] = field(default_factory=dict)
    action_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        from gymnasium import spaces

        box, discrete = self.observation_space, self.action_space
        if not isinstance(box, spaces.Box) or len(box.shape) != 1:
            raise UsageError(f"agents need a one-dimensional Box of observations, got {box}; use the strategy env")
        if not isinstance(discrete, spaces.Discrete) or discrete.start != 0:
            raise UsageError(f"agents need a Discrete action space that starts at 0, got {discrete}")
        if self.action_names and len(self.action_names) != discrete.n:
            raise UsageError(f"{len(self.action_names)} action names for {discrete.n} actions")
        if self.feature_names and (len(self.feature_names),) != box.shape:
            raise UsageError(f"{len(self.feature_names)} feature names for observations of shape {box.shape}")
        if self.seed < 0:
            raise UsageError(f"seed {self.seed}: use 0 or more")

    @property
    def labels(self) -> tuple[str, ...]:
        """What the actions are called in metrics: their names, or their numbers."""
        return self.action_names or tuple(str(action) for action in range(self.n_actions))

    @property
    def n_actions(self) -> int:
        """Number of actions."""
        return int(self.action_space.n)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {
            "algo": self.algo,
            "observation_low": [float(value) for value in self.observation_space.low],
            "observation_high": [float(value) for value in self.observation_space.high],
            "n_actions": self.n_actions,
            "action_names": list(self.action_names),
            "feature_names": list(self.feature_names),
            "seed": self.seed,
            "hyperparams": dict(self.hyperparams),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The spec that :meth:`to_dict` gave."""
        from gymnasium import spaces

        low, high = (np.asarray(data[f"observation_{end}"], dtype=np.float32) for end in ("low", "high"))
        return cls(
            algo=data["algo"],
            observation_space=spaces.Box(low, high, dtype=np.float32),
            action_space=spaces.Discrete(data["n_actions"]),
            seed=data["seed"],
            hyperparams=data["hyperparams"],
            action_names=tuple(data["action_names"]),
            feature_names=tuple(data.get("feature_names", ())),  # files of before have none
        )


def allowed_actions(mask: NDArray[np.bool_], n_actions: int) -> NDArray[np.int64]:
    """The allowed actions, ascending.

    Raises:
        UsageError: The mask has another length, or allows nothing.
    """
    mask = np.asarray(mask, dtype=bool)
    if mask.shape != (n_actions,):
        raise UsageError(f"the action mask has shape {mask.shape}, the agent knows {n_actions} actions")
    allowed = np.flatnonzero(mask)
    if not allowed.size:
        raise UsageError("the action mask allows no action: end the episode instead")
    return allowed


def action_index(action: int | str, spec: AgentSpec) -> int:
    """The index of an action that is given by index or, where the action names are known, by name.

    Raises:
        ConfigError: No such action.
    """
    if isinstance(action, str) and action not in spec.action_names and action.isdecimal():
        action = int(action)  # a command line knows only text
    if isinstance(action, str):
        if action not in spec.action_names:
            raise ConfigError(unknown_name(f"action of {spec.algo}", action, spec.action_names))
        return spec.action_names.index(action)
    if not 0 <= action < spec.n_actions:
        raise ConfigError(f"action {action} of {spec.algo}: use 0 to {spec.n_actions - 1}")
    return action


def checked_observation(observation: NDArray[np.float32], spec: AgentSpec) -> NDArray[np.float32]:
    """The observation as float32 of shape (d,).

    Raises:
        UsageError: It has another shape.
    """
    if np.shape(observation) != spec.observation_space.shape:
        expected = spec.observation_space.shape
        raise UsageError(f"the observation has shape {np.shape(observation)}, the policy expects {expected}")
    return np.asarray(observation, dtype=np.float32)
