"""Failures of real test runs as sentences."""

from __future__ import annotations

import pytest

from blampert_env.coding.facts import executed_facts
from blampert_env.grading import make_grader
from blampert_env.projects import Project

SOURCE = '''class Box:
    def __init__(self, n):
        self.n = n

    def half(self, by=2):
        """Half."""
        # TODO: implement


def total(items, start=0):
    """Sum."""
    # TODO: implement
'''
TESTS = """import pytest
from m import Box, total


@pytest.mark.parametrize("items, expected", [([1, 2], 3)])
def test_given(items, expected):
    assert total(items) == expected


def test_kept():
    result = total([5], start=1)
    assert result == 6


def test_half():
    assert Box(4).half() == 2.0


def test_raises():
    with pytest.raises(TypeError):
        total(3)


def test_in():
    assert 3 in [total([1]), total([1, 1])]


def test_turned():
    assert 7 == total([7])


def test_is():
    if True:
        assert total([]) is None, "a message"
"""
PROJECT = Project.from_files("m", {"m.py": SOURCE, "test_m.py": TESTS})


def facts(name: str, total: str, half: str) -> dict[str, str]:
    """Test to what is said of it, for these bodies."""
    head, tail = SOURCE.split("        # TODO: implement\n")
    source = f"{head}        {half}\n{tail.replace('# TODO: implement', total)}"
    with make_grader(PROJECT) as grader:
        report = grader.grade({"m.py": source}, first=grader.test_ids)
    return {test.split("::")[1]: executed_facts(text, name, "m.py") for test, text in report.failures.items()}


def test_values() -> None:
    found = facts("total", "return start", "return self.n // by + 1")
    assert found == {
        "test_given[items0-3]": "- `total([1, 2])` gives `0`, and it should be `3`.",
        "test_kept": "- `assert result == 6` fails: assert 1 == 6",
        "test_half": "- `assert Box(4).half() == 2.0` fails: assert 3 == 2.0",  # another function's
        "test_raises": "- A call should raise TypeError and does not.",
        "test_in": "- `assert 3 in [total([1]), total([1, 1])]` fails: assert 3 in [0, 0]",
        "test_turned": "- `total([7])` gives `0`, and it should be `7`.",
        "test_is": "- `total([])` gives `0`, and it should be `None`.",
    }
    assert facts("half", "return start", "return self.n // by + 1")["test_half"] == (
        "- `Box(4).half()` gives `3`, and it should be `2.0`."
    )


def test_exceptions() -> None:
    found = facts("total", "return items.value", "return self.m / by")
    assert found["test_turned"] == (
        "- `total([7])` raises AttributeError: 'list' object has no attribute 'value', at `return items.value`."
    )
    assert found["test_half"] == (
        "- The code raises AttributeError: 'Box' object has no attribute 'm', at `return self.m / by`."
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("the edit is refused", "- the edit is refused"),
        ("did not finish within the time limit", "- did not finish within the time limit"),
        ("a.py:1: in f\n    x(\nE   SyntaxError: '(' was never closed", None),
        ("E   assert (1 ==\nE     2)", None),
        (
            "t.py:3: in test\n    elif f(1):\nE   assert 1 == 2\nE    +  where 1 = f(1)",
            "- `f(1)` gives `1`, and it should be `2`.",
        ),
        ("same\n\nsame", "- same"),
    ],
)
def test_whatever_it_is_given(text: str, said: str | None) -> None:
    found = executed_facts(text, "f", "a.py")
    assert said is None or found == said
