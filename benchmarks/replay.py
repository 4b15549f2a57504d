"""A table of answers as a Gymnasium environment: one task an episode, which arm to ask next, or to stop.

Every answer was drawn once and is the same whenever it is asked for, so the table says exactly what an episode with
these models would have given, at a ten-thousandth of its time. An arm that comes after another may be asked where that
one has failed, as it was then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from blampert_env.envs.failures import KINDS

STOP = "stop"
_FAILING = re.compile(r"(\d+) of (\d+) fail")


@dataclass(frozen=True)
class Table:
    """Recorded answers.

    Attributes:
        answers: By task and arm: ``solved``, ``cost`` in seconds, ``outcome``, ``failure``, as headroom.py writes them.
        tasks: Task to its features.
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
    """Ask for one task, arm by arm, until it is solved, nothing is left to ask, or the policy stops.

    ## Action Space
    ``Discrete(n_arms + 1)``: the arms, and last ``stop``. ``action_masks()`` allows each arm once, and one that comes
    after another only where that one has failed.

    ## Observation Space
    ``Box(0, 1, (n_features,), float32)``, see :attr:`feature_names`: the task's features, which arms were asked, the
    last answer's kind of failure and how many tests failed it, what was spent.

    ## Rewards
    1 for a solved task, less the cost of the answer in shares of ``worth``, the seconds that a solved task is worth.

    ## Starting State
    ``reset(options={"task": name})`` chooses the task; without, the seed draws one of ``tasks``.

    ## Episode End
    Terminated when the task is solved, nothing is left to ask, or on ``stop``.

    ## Arguments
    ``table``, ``tasks`` (names), ``worth`` (seconds, > 0).
    """

    def __init__(self, table: Table, tasks: Sequence[str], worth: float) -> None:
        self.table, self.tasks, self.worth = table, list(tasks), worth
        self.actions = (*table.arms, STOP)
        self._names = sorted(next(iter(table.tasks.values())))
        self.feature_names = (
            *self._names,
            *(f"asked {arm}" for arm in table.arms),
            *(f"last_failure_{kind}" for kind in KINDS),
            "failing_share",  # of all tests, by the last answer
            "failing",  # of 20
            "spent",  # in shares of worth
        )
        self.observation_space = spaces.Box(0.0, 1.0, (len(self.feature_names),), np.float32)
        self.action_space = spaces.Discrete(len(self.actions))  # type: ignore[assignment]
        self.task = self.tasks[0]
        self._begin()

    def _begin(self) -> None:
        self.asked: list[str] = []
        self.spent, self.solved = 0.0, False
        self._last: Mapping[str, Any] | None = None

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
        """Ask once, or stop."""
        assert self.action_masks()[action], f"{self.actions[action]} may not be asked now"
        arm, reward, ends = self.actions[action], 0.0, True
        if arm != STOP:
            self._last = one = self.table.answers[self.task, arm]
            self.asked.append(arm)
            self.spent += one["cost"]
            self.solved = one["solved"]
            reward = float(self.solved) - one["cost"] / self.worth
            ends = self.solved or not self.action_masks()[:-1].any()
        return self._observation(), reward, ends, False, {"task": self.task, "solved": self.solved, "cost": self.spent}

    def action_masks(self) -> NDArray[np.bool_]:
        """bool of shape ``(n_arms + 1,)``; ``stop`` is always allowed."""
        found = [
            arm not in self.asked
            and (self.task, arm) in self.table.answers
            and self.table.after.get(arm, arm) in (arm, *self.asked)
            for arm in self.table.arms
        ]
        return np.array([*found, True], bool)

    def _observation(self) -> NDArray[np.float32]:
        known, last = self.table.tasks[self.task], self._last
        failing = _FAILING.search(last["outcome"]) if last else None
        count, total = (int(failing[1]), int(failing[2])) if failing else (0, 1)
        values = [
            *(known[name] for name in self._names),
            *(arm in self.asked for arm in self.table.arms),
            *(bool(last and last["failure"] == kind) for kind in KINDS),
            count / total,
            count / 20,
            self.spent / self.worth,
        ]
        return np.array([min(1.0, max(0.0, float(value))) for value in values], np.float32)
