"""What a campaign remembers: the queue of targets, what was spent, what was seen of each target and each strategy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from blampert_env.envs.failures import failure_kind
from blampert_env.envs.session import Attempt

Place = tuple[str, str]  # a project's name and a target's id


@dataclass
class OnTarget:
    """What a campaign has seen of one target.

    Attributes:
        tries: Times tried, by strategy.
        spent: What that cost.
        stale: Attempts since one gained tests.
        left: How often it was left.
        failure: Kind of the last failure, "" if there was none.
        answers: All answers for it.
        repeats: The last answer was there before.
    """

    tries: list[int]
    spent: float = 0.0
    stale: int = 0
    left: int = 0
    failure: str = ""
    answers: set[str] = field(default_factory=set)
    repeats: bool = False


@dataclass
class OfStrategy:
    """What a campaign has seen of one strategy: times tried, targets solved, what it cost."""

    tried: int = 0
    solved: int = 0
    cost: float = 0.0


class CampaignProgress:
    """One episode of a campaign.

    Args:
        queue: Its targets, in their order.
        n_strategies: How many ways of asking there are.
        budget: What the answers may cost, > 0.

    Attributes:
        queue: Open targets; the one in front is asked for.
        solved: Those that are solved.
        spent: What the answers have cost.
        on: What was seen of each target.
        of: What was seen of each strategy.
    """

    def __init__(self, queue: Sequence[Place], n_strategies: int, budget: float) -> None:
        self.queue, self.budget = list(queue), budget
        self.solved: set[Place] = set()
        self.spent = 0.0
        self.on = {place: OnTarget([0] * n_strategies) for place in queue}
        self.of = [OfStrategy() for _ in range(n_strategies)]

    @property
    def total(self) -> int:
        """Targets, >= 1."""
        return max(1, len(self.on))

    @property
    def is_over(self) -> bool:
        """Every target is solved, or the budget is spent."""
        return not self.queue or self.spent >= self.budget

    def leave(self) -> None:
        """The target in front goes to the end."""
        self.on[self.queue[0]].left += 1
        self.queue.append(self.queue.pop(0))

    def record(
        self, strategy: int, attempt: Attempt, cost: float, failing: str, passes: Callable[[Place], bool]
    ) -> None:
        """Take in one attempt at the target in front.

        Args:
            strategy: How it was asked for.
            attempt: What came of it.
            cost: Of the answer.
            failing: What the target's tests said, where some failed.
            passes: Whether a target of the same project passes its tests now.
        """
        if attempt.outcome == "masked":  # nothing was asked
            return
        place, kind = self.queue[0], failure_kind(attempt.outcome, attempt.report, failing)
        self.note(strategy, cost, gained=attempt.gained, failure=kind, answer=attempt.source)
        self._sort_out(place[0], passes)
        self.of[strategy].solved += place in self.solved

    def note(self, strategy: int, cost: float, *, gained: bool, failure: str, answer: str) -> None:
        """Take in what came of asking for the target in front, but for what is solved by it.

        Args:
            strategy: How it was asked for.
            cost: Of the answer.
            gained: More tests passed than before.
            failure: Kind of its failure, "" where there is none.
            answer: What tells it from other answers for the target; "" where there was none.
        """
        on, of = self.on[self.queue[0]], self.of[strategy]
        on.tries[strategy] += 1
        on.spent += cost
        on.stale = 0 if gained else on.stale + 1
        on.failure = failure
        on.repeats = bool(answer) and answer in on.answers
        on.answers.add(answer)
        self.spent += cost
        of.tried += 1
        of.cost += cost

    def _sort_out(self, project: str, passes: Callable[[Place], bool]) -> None:
        """Solved targets of a project leave the queue; one that an edit broke again comes back at its end."""
        mine = {place for place in self.on if place[0] == project}
        passing = {place for place in mine if passes(place)}
        self.solved = (self.solved - mine) | passing
        self.queue = [place for place in self.queue if place not in self.solved]
        self.queue += [place for place in self.on if place not in self.solved and place not in self.queue]
