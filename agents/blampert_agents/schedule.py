"""A fixed schedule: the same strategies in the same order for every target.

The order is learnt as the greedy one of Streeter and Golovin 2008, "An Online Algorithm for Maximizing Submodular
Functions" (for this cost, Munagala et al. 2005, "The Pipelined Set Cover Problem", show that it is at most four times
the best order's): next comes what solves most for its cost of that which those before it did not solve.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blampert_agents.observed import BUDGET, Observed
from blampert_agents.protocol import AgentSpec, Episode, action_index, allowed_actions
from blampert_agents.storage import SavedPolicy, write_json_policy

Tally = tuple[int, int, float]
"""Steps, those that succeeded, and what they cost."""
Tallies = Mapping[tuple[frozenset[int], int], Tally]
"""By what was tried on the target before, and the action."""


class ScheduleAgent:
    """Asks in one order, from its start for each target, and from its start again after its end.

    Its place is read off the observation and not remembered, since an env may turn to another target and back: of the
    allowed actions the one is taken that is due first by how often each was tried on the target in front. What is
    masked is passed over; where nothing of the schedule is allowed, the lowest allowed action is taken. The features
    count to four: an action that was tried more often is due as after four.

    With ``order`` it never changes. Without, it begins as the order of the actions and is learnt: from the first tries
    of an action on a target, succeeding where the reward is greater than ``success_above``, and costing what
    ``budget_left`` falls by (1 each where there is no such feature). What gained nothing after those before it is left
    out, an action that leaves the target comes last. To see other orders, it explores with the probability ``explore``
    (unless deterministic): uniformly among the allowed actions that were tried least on the target.

    Hyperparameters: ``order`` (names or indices; some may come twice), ``explore`` (default 0.3), ``success_above``
    (default 0.0).

    Attributes:
        order: The schedule, as indices.

    Raises:
        ConfigError: The features' names are not given, one that counts tries is not there, or no such action.
    """

    name = "schedule"

    def __init__(self, spec: AgentSpec) -> None:
        self.spec = spec
        self._seen = Observed(spec)
        given = spec.hyperparams.get("order")
        self._learns = given is None
        named = range(spec.n_actions) if given is None else given
        self.order = tuple(action_index(action, spec) for action in named)
        self._explore = float(spec.hyperparams.get("explore", 0.3)) if self._learns else 0.0
        self._success_above = float(spec.hyperparams.get("success_above", 0.0))
        self._budget = self._seen.place(BUDGET) if BUDGET in spec.feature_names else None
        self._lock = threading.Lock()  # between learners; those who read take the order as it is
        self._tallies: dict[tuple[frozenset[int], int], Tally] = {}

    def act(
        self,
        observation: NDArray[np.float32],
        mask: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        deterministic: bool = False,
    ) -> int:
        """The allowed action that is due first, or one to explore."""
        allowed, order = allowed_actions(mask, self.spec.n_actions), self.order
        tries = self._seen.tries(observation)
        if not deterministic and self._explore and rng.random() < self._explore:
            least = tries[allowed] == tries[allowed].min()
            return int(rng.choice(allowed[least]))
        due = [(*_due(order, action, tries[action]), int(action)) for action in allowed if action in order]
        return min(due)[2] if due else int(allowed[0])

    def learn(self, episodes: Sequence[Episode]) -> dict[str, float]:
        """Count what the first tries came to and order anew; gives ``train/place_<action>`` of each in the schedule."""
        if not self._learns:
            return {}
        with self._lock:
            for episode in episodes:
                self._count(episode)
            self.order = self._ordered()
            return {f"train/place_{self.spec.labels[action]}": float(at) for at, action in enumerate(self.order)}

    def save(self, path: Path) -> None:
        """Write JSON; see :class:`~blampert_agents.protocol.Agent`."""
        with self._lock:
            tallies = [[sorted(tried), action, *tally] for (tried, action), tally in self._tallies.items()]
        write_json_policy(path, self.spec, {"tallies": tallies})

    def restore(self, saved: SavedPolicy) -> None:
        """Take over what was counted.

        Raises:
            ValueError: It is damaged.
        """
        for tried, action, steps, solved, cost in saved.state["tallies"]:
            known = {action, *tried} <= {*range(self.spec.n_actions)}
            if not (known and 0 <= solved <= steps and 0 <= cost < math.inf):
                raise ValueError("its tallies are damaged")
            self._tallies[frozenset(tried), action] = (int(steps), int(solved), float(cost))
        if self._learns:
            self.order = self._ordered()

    def _count(self, episode: Episode) -> None:
        for step, action in enumerate(episode.actions.tolist()):
            tried = frozenset(np.flatnonzero(self._seen.tries(episode.observations[step])).tolist())
            tried -= {self._seen.leaves}
            if action in tried or action == self._seen.leaves:
                continue
            steps, solved, spent = self._tallies.get((tried, action), (0, 0, 0.0))
            cost = 1.0
            if self._budget is not None:
                before, after = episode.observations[step : step + 2, self._budget].tolist()
                cost = max(0.0, before - after)
            success = bool(episode.rewards[step] > self._success_above)
            self._tallies[tried, action] = (steps + 1, solved + success, spent + cost)

    def _ordered(self) -> tuple[int, ...]:
        greedy = greedy_order(self._tallies, range(self.spec.n_actions))
        if greedy and self._seen.leaves is not None:
            greedy += (self._seen.leaves,)
        return greedy or tuple(range(self.spec.n_actions))


def greedy_order(tallies: Tallies, actions: Iterable[int]) -> tuple[int, ...]:
    """Next comes the action that solves most for its cost where those before it were tried; ties go to the first.

    One more try that fails is counted with each action, so that a single lucky one does not come first. The order ends
    where nothing that is left has solved anything.

    >>> none, one = frozenset(), frozenset({0})
    >>> greedy_order({(none, 0): (9, 6, 9.0), (one, 1): (3, 3, 30.0), (one, 2): (5, 0, 5.0)}, range(3))
    (0, 1)
    """
    order: list[int] = []
    left = list(actions)
    while left:
        worth = {action: _worth(tallies, frozenset(order), action) for action in left}
        best = max(left, key=worth.__getitem__)
        if not worth[best]:
            break
        order.append(best)
        left.remove(best)
    return tuple(order)


def _worth(tallies: Tallies, before: frozenset[int], action: int) -> float:
    """What an action solves for its cost where all of ``before`` were tried: 0 if nothing."""
    found = [tally for (tried, one), tally in tallies.items() if one == action and before <= tried]
    steps, solved, cost = (sum(values) for values in zip(*found, strict=True)) if found else (0, 0, 0.0)
    return solved / (steps + 1) / max(cost / steps, 1e-9) if solved else 0.0


def _due(order: Sequence[int], action: int, tries: int) -> tuple[int, int]:
    """In which round, and at which place of it, an action comes after so many tries."""
    places = [place for place, one in enumerate(order) if one == action]
    rounds, nth = divmod(int(tries), len(places))
    return rounds, places[nth]
