"""What counts as judged alike."""

from __future__ import annotations

import pytest
from comparison import matched, truth, wrong


@pytest.mark.parametrize(
    ("plain", "judged", "expected"),
    [
        ("passed", "passed", []),
        ("skipped", "skipped", []),
        ("failed", "error", []),
        ("failed", "missing", []),
        ("failed", None, []),
        (None, "error", []),
        ("passed", None, ["test_a"]),
        ("passed", "failed", ["test_a"]),
        ("failed", "passed", ["test_a"]),
        ("skipped", "passed", ["test_a"]),
        ("skipped", "failed", ["test_a"]),
        ("passed", "skipped", ["test_a"]),
    ],
)
def test_one_test(plain: str | None, judged: str | None, expected: list[str]) -> None:
    def run(outcome: str | None) -> dict[str, str]:
        return {"test_a": outcome} if outcome else {}

    assert wrong(["test_a"], run(plain), run(judged)) == expected


def test_ids_that_vary_are_matched_by_position() -> None:
    tests = ["test_a[1]", "test_a[12:00]", "test_a[12:00:01]", "test_b[12:00]"]
    found = {"test_a[1]": "failed", "test_a[12:07]": "passed", "test_a[12:07:01]": "skipped", "test_c[12:00]": "passed"}
    assert list(matched(tests, found).values()) == ["failed", "passed", "skipped", "failed"]


def test_a_test_that_is_known_by_name_is_not_matched_by_position() -> None:
    assert matched(["test_a[1]", "test_a[2]"], {"test_a[2]": "passed"}) == {
        "test_a[1]": "failed",
        "test_a[2]": "passed",
    }


def test_truth_is_what_all_runs_say() -> None:
    first = {"test_a": "passed", "test_b": "passed", "test_c": "skipped", "test_d": "failed"}
    second = {"test_a": "passed", "test_b": "failed", "test_c": "skipped", "test_d": "error"}
    assert truth([first, second]) == {"test_a": "passed", "test_c": "skipped", "test_d": "failed"}
