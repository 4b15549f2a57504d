"""A table of answers as a Gymnasium environment: one task an episode, which arm to ask next, or to leave it.

Every answer was drawn once and is the same whenever it is asked for, so the table says exactly what an episode with
these models would have given, at a ten-thousandth of its time. It is a campaign with one target: what is observed is
what ``Blampert-Campaign-v0`` says of the target in front, made by the same functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from blampert_env.coding import Strategy
from blampert_env.envs.campaign import COST_A_TARGET
from blampert_env.envs.campaign_features import NEXT, campaign_features, observe_campaign, target_view
from blampert_env.envs.campaign_progress import CampaignProgress
from blampert_env.envs.features import TARGET_FEATURES


@dataclass(frozen=True)
class Table:
    """Recorded answers.

    Attributes:
        answers: By task and arm, as headroom.py writes them: fields of :class:`asking.Answer`.
        tasks: Task to what is known of it, see :func:`asking.facts`.
        arms: In the order in which they were asked.
        after: An arm to the one that must have failed before.
    """

    answers: Mapping[tuple[str, str], Mapping[str, Any]]
    tasks: Mapping[str, Mapping[str, float]]
    arms: tuple[str, ...]
    after: Mapping[str, str]

    @classmethod
    def of(cls, figures: Mapping[str, Any]) -> Table:
        """The table in a results file of headroom.py."""
        answers = {(one["task"], one["arm"]): one for one in figures["answers"]}
        return cls(answers, figures["tasks"], tuple(dict.fromkeys(arm for _, arm in answers)), figures["after"])

    @property
    def repositories(self) -> dict[str, list[str]]:
        """Repository to its tasks."""
        found: dict[str, list[str]] = {}
        for (task, _), one in self.answers.items():
            found.setdefault(one["repository"], [])
            if task not in found[one["repository"]]:
                found[one["repository"]].append(task)
        return found


class ReplayEnv(gym.Env[NDArray[np.float32], int]):
    """Ask for one task, arm by arm, until it is solved, nothing is left to ask, or the policy leaves it.

    ## Action Space
    ``Discrete(n_arms + 1)``: the arms, and last ``next``. ``action_masks()`` allows each arm once, one that comes after
    another only where that one has failed, and ``next`` once something was asked: as ``blampert solve`` does.

    ## Observation Space
    ``Box(0, 1, (n_features,), float32)``, see :attr:`feature_names`: those of
    :func:`blampert_env.envs.campaign_features.target_view`.

    ## Rewards
    1 for a solved task, less the cost of the answer in shares of ``worth``, the seconds that a solved task is worth.

    ## Starting State
    ``reset(options={"task": name})`` chooses the task; without, the seed draws one of ``tasks``.

    ## Episode End
    Terminated when the task is solved, nothing is left to ask, or on ``next``.

    ## Arguments
    ``table``, ``tasks`` (names), ``worth`` (seconds, > 0).
    """

    def __init__(self, table: Table, tasks: Sequence[str], worth: float) -> None:
        self.table, self.tasks, self.worth = table, list(tasks), worth
        self.actions = (*table.arms, NEXT)
        strategies = [Strategy(arm) for arm in table.arms]  # their names are the features'
        self.feature_names = target_view(strategies)
        whole = campaign_features(strategies)
        self._seen = [whole.index(name) for name in self.feature_names]
        self.observation_space = spaces.Box(0.0, 1.0, (len(self.feature_names),), np.float32)
        self.action_space = spaces.Discrete(len(self.actions))  # type: ignore[assignment]
        self.task = self.tasks[0]
        self._begin()

    def _begin(self) -> None:
        known = self.table.tasks[self.task]
        self.progress = CampaignProgress([("", self.task)], len(self.table.arms), COST_A_TARGET)
        self.asked: list[str] = []
        self.solved = self.right = False
        self._passed, self._own = known["passed"], known["own"]

    @property
    def spent(self) -> float:
        """Seconds, at the models' prices."""
        return self.progress.spent

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """A new task, of which nothing was asked."""
        super().reset(seed=seed)
        drawn = self.tasks[int(self.np_random.integers(len(self.tasks)))]
        self.task = (options or {}).get("task", drawn)
        self._begin()
        return self._observation(), {"task": self.task}

    def step(self, action: int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Ask once, or leave it; a masked action does nothing."""
        arm, reward, ends = self.actions[action], 0.0, True
        if not self.action_masks()[action]:
            ends = False
        elif arm != NEXT:
            one = self.table.answers[self.task, arm]
            self._take(int(action), one)
            reward = float(self.solved) - one["cost"] / self.worth
            ends = self.solved or not self.action_masks()[:-1].any()
        info = {"task": self.task, "solved": self.solved, "right": self.right, "cost": self.spent}
        return self._observation(), reward, ends, False, info

    def _take(self, action: int, one: Mapping[str, Any]) -> None:
        """An answer: what passes no fewer tests is kept, as the environments do."""
        passed = one["passed"]
        gained = passed is not None and passed > self._passed
        self.asked.append(self.actions[action])
        self.progress.note(action, one["cost"], gained=gained, failure=one["failure"], answer=one["code"])
        self.solved, self.right = one["solved"], one["held_out"]
        if passed is not None and passed >= self._passed:
            self._passed, self._own = passed, one["own"]

    def action_masks(self) -> NDArray[np.bool_]:
        """bool of shape ``(n_arms + 1,)``, at least one True."""
        found = [
            arm not in self.asked
            and (self.task, arm) in self.table.answers
            and self.table.after.get(arm, arm) in (arm, *self.asked)
            for arm in self.table.arms
        ]
        return np.array([*found, bool(self.asked)], bool)

    def _observation(self) -> NDArray[np.float32]:
        known = self.table.tasks[self.task]
        own = [float(known[name]) for name in TARGET_FEATURES]
        whole = observe_campaign(self.progress, own, tests=int(known["tests"]), pass_rate=self._own)
        return whole[self._seen]
