"""What a schedule of arms comes to, and the oracle."""

from __future__ import annotations

import pytest
from schedules import Answers, Known, Score


def known(solved: bool, cost: float) -> Known:
    return Known(solved, cost, right=solved)


TASKS = ["one", "two", "never"]
# "mend" is asked where "dear" failed
KNOWN = Answers(
    {
        ("one", "cheap"): known(True, 1.0),
        ("one", "dear"): known(True, 5.0),
        ("two", "cheap"): known(False, 1.0),
        ("two", "dear"): known(False, 5.0),
        ("two", "mend"): known(True, 3.0),
        ("never", "cheap"): known(False, 1.0),
        ("never", "dear"): known(False, 5.0),
        ("never", "mend"): known(False, 3.0),
    },
    after={"mend": "dear"},
)
ARMS = ["cheap", "dear", "mend"]


@pytest.mark.parametrize(
    ("schedule", "score"),
    [
        (("cheap",), Score(1, 1, 3.0, 1.0)),
        (("cheap", "dear"), Score(1, 1, 1 + 6 + 6, 5 / 3)),
        (("dear", "mend"), Score(2, 2, 5 + 8 + 8, 5 / 3)),
        (("cheap", "dear", "mend"), Score(2, 2, 1 + 9 + 9, 7 / 3)),
    ],
)
def test_a_schedule_stops_where_it_solves(schedule: tuple[str, ...], score: Score) -> None:
    assert KNOWN.score(schedule, TASKS) == score


def test_an_arm_that_mends_comes_behind_what_it_mends() -> None:
    found = set(KNOWN.schedules(ARMS, 3))
    assert ("dear", "mend") in found
    assert ("dear", "cheap", "mend") in found
    assert not {one for one in found if "mend" in one and "dear" not in one[: one.index("mend")]}


def test_the_best_solves_the_most_and_costs_the_least() -> None:
    assert KNOWN.best(list(KNOWN.schedules(ARMS, 3)), TASKS) == ("cheap", "dear", "mend")
    assert KNOWN.best(list(KNOWN.schedules(ARMS, 1)), TASKS) == ("cheap",)


def test_a_schedule_is_scored_on_tasks_that_did_not_choose_it() -> None:
    schedules = list(KNOWN.schedules(ARMS, 2))
    assert KNOWN.crossed(schedules, [["one"], ["two"]]) == Score(1, 1, 5.0 + 1.0, 1.0)


def test_the_oracle_leaves_what_nothing_solves() -> None:
    assert KNOWN.oracle(ARMS, TASKS) == Score(2, 2, 1.0 + 8.0, 1.5)
    assert KNOWN.oracle(ARMS, ["never"]).per_solved == float("inf")


def test_an_arm_that_was_not_asked_costs_nothing() -> None:
    assert KNOWN.score(("mend",), ["one"]) == Score(0, 0, 0.0, 0.0)


def test_what_is_solved_and_wrong_ends_a_schedule_and_counts_for_nothing() -> None:
    answers = {("one", "cheap"): Known(True, 1.0, right=False), ("one", "dear"): Known(True, 5.0, right=True)}
    score = Answers(answers, {}).score(("cheap", "dear"), ["one"])
    assert score == Score(1, 0, 1.0, 1.0)
    assert score.per_solved == float("inf")
    assert Answers(answers, {}).oracle(["cheap", "dear"], ["one"]) == Score(1, 1, 5.0, 1.0)


def test_where_a_solved_task_is_worth_little_the_dear_arm_is_not_asked() -> None:
    schedules = list(KNOWN.schedules(ARMS, 3))
    assert KNOWN.best(schedules, TASKS, worth=100.0) == KNOWN.best(schedules, TASKS)
    assert KNOWN.best(schedules, TASKS, worth=4.0) == ("cheap",)
