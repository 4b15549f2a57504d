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
class Score:
    """What a way of choosing came to over some tasks.

    Attributes:
        solved: Tasks.
        cost: Of all tasks together.
        calls: Mean, a task.
    """

    solved: int
    cost: float
    calls: float

    @property
    def per_solved(self) -> float:
        """Cost of a solved task, infinite where none is."""
        return self.cost / self.solved if self.solved else float("inf")


@dataclass(frozen=True)
class Answers:
    """Which arm solves which task, and what it costs.

    Attributes:
        found: Task and arm to whether it solves the task, and its cost; nothing where it was not asked, as a second arm
            whose first one solved the task, or gave nothing to mend.
        after: An arm that mends what another one gave, to that other one.
    """

    found: Mapping[tuple[str, str], tuple[bool, float]]
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
        solved, cost, calls = 0, 0.0, 0
        for task in tasks:
            for arm in schedule:
                if (task, arm) not in self.found:
                    continue
                solves, price = self.found[task, arm]
                cost, calls = cost + price, calls + 1
                if solves:
                    solved += 1
                    break
        return Score(solved, cost, calls / max(1, len(tasks)))

    def best(self, schedules: Sequence[Schedule], tasks: Sequence[str]) -> Schedule:
        """The one that solves the most, and costs the least among those."""
        scored = {one: self.score(one, tasks) for one in schedules}
        return min(schedules, key=lambda one: (-scored[one].solved, scored[one].cost))

    def crossed(self, schedules: Sequence[Schedule], groups: Sequence[Sequence[str]]) -> Score:
        """The best schedule, chosen on all groups of tasks but one and scored on that one, for each group in turn."""
        scores = []
        for held in groups:
            others = [task for group in groups if group is not held for task in group]
            scores.append((self.score(self.best(schedules, others), held), len(held)))
        count = sum(size for _, size in scores)
        calls = sum(score.calls * size for score, size in scores) / max(1, count)
        return Score(sum(score.solved for score, _ in scores), sum(score.cost for score, _ in scores), calls)

    def _way(self, arm: str) -> Schedule:
        """An arm with all that it comes after."""
        return (*self._way(self.after[arm]), arm) if arm in self.after else (arm,)

    def oracle(self, arms: Sequence[str], tasks: Sequence[str]) -> Score:
        """The cheapest arm that solves each task, with those it comes after; nothing is spent where none solves."""
        ways = [self._way(arm) for arm in arms]
        solved, cost, calls = 0, 0.0, []
        for task in tasks:
            costs = [(score.cost, len(way)) for way in ways if (score := self.score(way, [task])).solved]
            if costs:
                cheapest, size = min(costs)
                solved, cost = solved + 1, cost + cheapest
                calls.append(size)
        return Score(solved, cost, mean(calls) if calls else 0.0)
