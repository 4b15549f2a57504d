"""Situations that a policy meets, made up to ask it what it does: an imagined episode each, told in words.

The features, the mask and the campaign's memory are the environments' own; imagined is only what came of the attempts.
Who is asked picks each attempt of the way there too, so that what was tried before is what it would have tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blampert_env.coding import Strategy
from blampert_env.envs.campaign_features import observe_campaign
from blampert_env.envs.campaign_progress import CampaignProgress, Place
from blampert_env.envs.features import Seen, encode, target_features
from blampert_env.envs.progress import once_each, sensible
from blampert_env.envs.session import Attempt
from blampert_env.grading import TestReport
from blampert_env.projects import Target

Choose = Callable[[NDArray[np.float32], NDArray[np.bool_]], int]

TESTS = 6
"""Tests of each imagined function."""
ATTEMPTS = 8
"""Attempts of an imagined episode."""
FUNCTIONS = 4
"""Functions of an imagined campaign; an answer costs an eighth of the budget that each has at the start."""


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """A situation.

    Attributes:
        words: What has happened, such as ``after a wrong type``.
        observation: float32 of shape (d,).
        mask: bool of shape (n_actions,); True where allowed.
    """

    words: str
    observation: NDArray[np.float32]
    mask: NDArray[np.bool_]


_STRATEGY: dict[str, tuple[str, ...]] = {
    "the first attempt": (),
    "after some tests were gained": ("improved",),
    "after no test was gained": ("same",),
    "after fewer tests passed": ("worse",),
    "after an answer that is no valid edit": ("rejected",),
    "after the tests took too long": ("timeout",),
    "after the tests crashed": ("crashed",),
    "after three attempts without a gain": ("same",) * 3,
    "at the last attempt, after seven without a gain": ("same",) * (ATTEMPTS - 1),
    "the second of two functions, after the first was solved": ("solved",),
}


@dataclass(slots=True)
class _Episode:
    """An imagined episode: tries and gains by strategy, those on the function in front, and how it stands."""

    strategies: Sequence[Strategy]
    here: list[int]
    tried: list[int]
    gained: list[int]
    last: str = "none"
    share: float = 0.0
    solved: int = 0

    def record(self, action: int, outcome: str) -> None:
        """Let an attempt come to this."""
        gains = outcome in ("improved", "solved")
        self.here[action] += 1
        self.tried[action] += 1
        self.gained[action] += gains
        self.last = "improved" if gains else outcome  # the project is not solved before its last function is
        self.share = 0.5 if gains else self.share
        if outcome == "solved":
            self.solved, self.here = 1, [0] * len(self.here)

    def state(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Observation and mask."""
        tries = sum(self.here)
        facts = {"has_previous": tries > 0, "has_failing": tries > 0}
        seen = Seen(
            pass_rate=self.share,
            open_targets=1 - self.solved / 2,
            budget_left=1 - sum(self.tried) / ATTEMPTS,
            target=_target(self.solved),
            tests=TESTS,
            target_pass_rate=0.0 if self.solved else self.share,
            attempts=tries,
            solved=self.solved,
            last=self.last,
            tries=list(zip(self.here, self.tried, self.gained, strict=True)),
            **facts,
        )
        return encode(seen), sensible(self.strategies, self.here, has_examples=self.solved > 0, **facts)


def strategy_situations(strategies: Sequence[Strategy], choose: Choose) -> list[Situation]:
    """Those of the strategy env: one function (or two) of six tests, none of which passes, and eight attempts.

    Args:
        strategies: Those of the policy, in its order.
        choose: The policy: picks an action by observation and mask.
    """
    found = []
    for words, outcomes in _STRATEGY.items():
        tried, gained, here = ([0] * len(strategies) for _ in range(3))
        episode = _Episode(strategies, here, tried, gained)
        for outcome in outcomes:
            episode.record(choose(*episode.state()), outcome)
        found.append(Situation(words, *episode.state()))
    return found


# what came of each attempt, and the share of the budget that was spent elsewhere before
_CAMPAIGN: dict[str, tuple[tuple[str, ...], float]] = {
    "the first attempt": ((), 0.0),
    "after a function was solved": (("solved",), 0.0),
    "after an answer that is no Python": (("syntax",), 0.0),
    "after a missing name": (("name",), 0.0),
    "after a wrong type": (("type",), 0.0),
    "after a wrong value": (("assertion",), 0.0),
    "after the tests took too long": (("time",), 0.0),
    "after the tests crashed": (("other",), 0.0),
    "after the same wrong answer twice": (("assertion", "repeated"), 0.0),
    "after three wrong values": (("assertion",) * 3, 0.0),
    "after six wrong values": (("assertion",) * 6, 0.0),
    "after a wrong value, a twentieth of the budget left": (("assertion",), 0.95),
}
_SAID = {
    "name": "E   NameError: name 'total' is not defined",
    "type": "E   TypeError: unsupported operand type(s) for +: 'int' and 'str'",
    "assertion": "E   assert 1 == 2",
}
_WHOLE = TestReport({}, {}, 0.0, None, "ok")
_ENDED = {"time": TestReport({}, {}, 0.0, "timeout", "timeout"), "other": TestReport({}, {}, 0.0, "SIGSEGV", "crashed")}


def campaign_situations(strategies: Sequence[Strategy], choose: Choose, *, once: bool = False) -> list[Situation]:
    """Those of the campaign: four functions with six tests each, none of which passes, 32 answers' worth of budget.

    Args:
        strategies: Those of the policy, in its order; the action after them is "next".
        choose: The policy. On the way to a situation it may not leave the function; in it, it may.
        once: As ``blampert solve`` plays: each strategy once a function, a sample after the greedy answer, and "next"
            after an answer. Situations with more attempts than that allows are left out.
    """
    found = []
    for words, (outcomes, spent) in _CAMPAIGN.items():
        progress = CampaignProgress([_place(number) for number in range(FUNCTIONS)], len(strategies), float(FUNCTIONS))
        progress.spent = spent * progress.budget
        for number, outcome in enumerate(outcomes):
            observation, mask = _campaign_state(strategies, progress, once)
            stays = mask & (np.arange(len(mask)) < len(strategies))
            if not stays.any():
                break
            _record(progress, choose(observation, stays), outcome, number)
        else:
            found.append(Situation(words, *_campaign_state(strategies, progress, once)))
    return found


def _record(progress: CampaignProgress, action: int, outcome: str, number: int) -> None:
    """Let an attempt at the function in front come to this."""
    place = progress.queue[0]
    solved = progress.solved | ({place} if outcome == "solved" else set())
    kind = "assertion" if outcome == "repeated" else outcome
    attempt = Attempt(
        target=place[1],
        source=f"answer {0 if outcome == 'repeated' else number}",
        outcome="syntax_error" if kind == "syntax" else "same",
        message="",
        accepted=outcome == "solved",
        rejected=kind == "syntax",
        report=None if kind == "syntax" else _ENDED.get(kind, _WHOLE),
        passed_before=0,
        passed_after=TESTS * (outcome == "solved"),
    )
    progress.record(action, attempt, 1 / 8, _SAID.get(kind, ""), solved.__contains__)


def _campaign_state(
    strategies: Sequence[Strategy], progress: CampaignProgress, once: bool
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    front = progress.queue[0]
    on, target = progress.on[front], _target(int(front[1].rpartition("_")[2]))
    tried = sum(on.tries) > 0
    facts = {"has_previous": tried, "has_failing": tried, "has_examples": bool(progress.solved)}
    if once:
        mask = np.append(once_each(strategies, sensible(strategies, on.tries, **facts), on.tries), tried)
    else:
        mask = np.append(sensible(strategies, on.tries, **facts), len(progress.queue) > 1)
    return observe_campaign(progress, target_features(target), tests=TESTS, pass_rate=0.0), mask


def _place(number: int) -> Place:
    return "imagined", _target(number).id


def _target(number: int) -> Target:
    """A function of two parameters, with a docstring of 300 characters that shows an example."""
    signature = f"def function_{number}(a: int, b: int) -> int"
    docstring = ">>> " + "x" * 296
    return Target("imagined.py", f"function_{number}", "todo", 1, 3, signature, docstring, "")
