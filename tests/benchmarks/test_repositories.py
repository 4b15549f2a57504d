"""The table: what is lost is counted, and what is not reached is said."""

from __future__ import annotations

import pytest
from repositories import row, totals
from repository import Figures


def figures(**changes: object) -> Figures:
    found = Figures(
        "thing", tests=1000, plain_passed=990, plain_runs_s=[1.0, 2.0, 9.0], passed=990, opening_first_s=5.0,
        opening_again_s=0.5, evaluations_s=[0.1, 0.2, 0.3], doors={"plain": 900, "twins": 100},
        judged={"stub": {"a": True}, "mutant": {"b": True, "c": True}},
    )  # fmt: skip
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def reached(found: list[Figures]) -> list[str]:
    return [line[-1] for line in totals(found)]


def test_all_met() -> None:
    assert set(reached([figures()])) == {"met"}
    assert row(figures())[2:] == [
        "990 / 990", "100.00 %", "1/1", "2/2", "2.00 s", "5.00 / 0.50 s", "200 ms", "0.10 / 0.15",
        "plain 90 %, twins 10 %",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        (0, {"wrong": ["test_a", "test_b"]}),
        (2, {"judged": {"stub": {"a": False}, "mutant": {"b": True}}}),
        (3, {"judged": {"stub": {"a": True}, "mutant": {"b": True, "c": False}}}),
        (4, {"plain_runs_s": [0.9]}),
        (5, {"evaluations_s": [0.1, 0.1, 2.1]}),
        (6, {"opening_first_s": 9.5}),
        (7, {"opening_again_s": 1.5}),
    ],
)
def test_one_not_met(line: int, changes: dict[str, object]) -> None:
    assert [number for number, word in enumerate(reached([figures(**changes)])) if word == "NOT met"] == [line]


def test_what_cannot_be_opened_loses_all_its_tests() -> None:
    refused = figures(why="cannot be opened", evaluations_s=[])
    assert totals([refused, figures()])[0][1] == "1,000 of 2,000 tests (50.00 %)"
    assert totals([refused, figures()])[1][1] == "thing"
    assert row(refused)[-1] == "cannot be opened"
    assert set(reached([refused])) == {"NOT met"}


def test_one_that_broke_off_half_way_loses_all_its_tests() -> None:
    assert totals([figures(why="gone"), figures()])[0][1] == "1,000 of 2,000 tests (50.00 %)"
