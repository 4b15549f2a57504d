"""What could be gained by choosing how to ask: fixed schedules of arms, and the oracle, from one table of answers.

A schedule is a list of arms that is asked from its start until one solves the task. It is chosen on the tasks of some
repositories and scored on those of the others, in turn, since the best of many on the tasks that chose it flatters. The
oracle knows for each task the cheapest way that solves it, and leaves the others alone: what no policy can reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from statistics import mean

Schedule = tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """What one answer came to.

    Attributes:
        solved: Every visible test passes, so nothing more is asked.
        cost: Of the answer.
        right: Held-out tests pass too, where there are any.
    """

    solved: bool
    cost: float
    right: bool


@dataclass(frozen=True)
class Score:
    """What a way of choosing came to over some tasks.

    Attributes:
        solved: Tasks of which every visible test passes.
        right: Those of which held-out tests pass too.
        cost: Of all tasks together.
        calls: Mean, a task.
    """

    solved: int
    right: int
    cost: float
    calls: float

    @property
    def per_solved(self) -> float:
        """Cost of a task that is solved and right, infinite where none is."""
        return self.cost / self.right if self.right else float("inf")


@dataclass(frozen=True)
class Answers:
    """Which arm solves which task, and what it costs.

    Attributes:
        found: Task and arm to what came of it; nothing where it was not asked, as a second arm whose first one solved
            the task, or gave nothing to mend.
        after: An arm that mends what another one gave, to that other one.
    """

    found: Mapping[tuple[str, str], Known]
    after: Mapping[str, str]

    def schedules(self, arms: Sequence[str], longest: int) -> Iterator[Schedule]:
        """All of so many arms at the most, each once; a second one somewhere behind its first."""
        for size in range(1, longest + 1):
            for chosen in permutations(arms, size):
                places = {arm: place for place, arm in enumerate(chosen)}
                if all(places.get(self.after.get(arm, arm), size) <= place for arm, place in places.items()):
                    yield chosen

    def score(self, schedule: Schedule, tasks: Sequence[str]) -> Score:
        """A schedule on some tasks."""
        solved, right, cost, calls = 0, 0, 0.0, 0
        for task in tasks:
            for arm in schedule:
                if (task, arm) not in self.found:
                    continue
                known = self.found[task, arm]
                cost, calls = cost + known.cost, calls + 1
                if known.solved:
                    solved, right = solved + 1, right + known.right
                    break
        return Score(solved, right, cost, calls / max(1, len(tasks)))

    def best(self, schedules: Sequence[Schedule], tasks: Sequence[str], worth: float = float("inf")) -> Schedule:
        """The one that brings the most, where a solved task is worth so much; else the most, and the cheapest of these.

        What is solved counts, not what is right: nobody who chooses sees held-out tests.
        """
        scored = {one: self.score(one, tasks) for one in schedules}
        if worth == float("inf"):
            return min(schedules, key=lambda one: (-scored[one].solved, scored[one].cost))
        return min(schedules, key=lambda one: scored[one].cost - worth * scored[one].solved)

    def crossed(self, schedules: Sequence[Schedule], groups: Sequence[Sequence[str]]) -> Score:
        """The best schedule, chosen on all groups of tasks but one and scored on that one, for each group in turn."""
        scores = []
        for held in groups:
            others = [task for group in groups if group is not held for task in group]
            scores.append((self.score(self.best(schedules, others), held), len(held)))
        count = sum(size for _, size in scores)
        calls = sum(score.calls * size for score, size in scores) / max(1, count)
        solved, right = sum(score.solved for score, _ in scores), sum(score.right for score, _ in scores)
        return Score(solved, right, sum(score.cost for score, _ in scores), calls)

    def _way(self, arm: str) -> Schedule:
        """An arm with all that it comes after."""
        return (*self._way(self.after[arm]), arm) if arm in self.after else (arm,)

    def oracle(self, arms: Sequence[str], tasks: Sequence[str]) -> Score:
        """The cheapest arm that solves each task, with those it comes after; nothing is spent where none solves."""
        ways = [self._way(arm) for arm in arms]
        solved, cost, calls = 0, 0.0, []
        for task in tasks:
            costs = [(score.cost, len(way)) for way in ways if (score := self.score(way, [task])).right]
            if costs:
                cheapest, size = min(costs)
                solved, cost = solved + 1, cost + cheapest
                calls.append(size)
        return Score(solved, solved, cost, mean(calls) if calls else 0.0)
