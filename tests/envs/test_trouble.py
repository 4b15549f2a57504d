from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import gymnasium as gym
import pytest

from blampert_env import register_project
from blampert_env.envs.trouble import trouble, unconfirmed
from blampert_env.grading import make_grader
from blampert_env.projects import Project

Make = Callable[..., Path]
STUB = 'def double(x):\n    """Return twice x."""\n    # TODO: implement\n    {}\n'
GOOD = "from tiny import double\n\n\ndef test_double():\n    assert double(2) == 4\n"
COINS = "import os\n\n\n" + "".join(f"def test_coin_{i}():\n    assert os.urandom(1)[0] % 2\n\n\n" for i in range(20))


def files(**more: str) -> dict[str, str]:
    solved = {"solution/tiny.py": STUB.format("return 2 * x")}
    return {"tiny.py": STUB.format("return None"), "test_tiny.py": GOOD, **solved, **more}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param(
            {"test_lost.py": "import no_such_thing\n"}, "test_lost.py cannot be imported (Module", id="broken"
        ),
        pytest.param({"test_coins.py": COINS}, "tests are flaky, such as test_coins.py::test_coin", id="flaky"),
        pytest.param(
            {"solution/tiny.py": STUB.format("return x")},
            "its own solution does not pass 1 of 1 tests, such as test_tiny.py::test_double",
            id="solution",
        ),
    ],
)
def test_what_would_do_right_code_no_justice(make_project: Make, more: dict[str, str], said: str) -> None:
    with make_grader(Project.load(make_project(**files(**more)))) as grader:
        found = trouble(grader)
        assert said in found
        assert bool(found) is bool(said)
        assert found.count("\n") == 0


def test_a_solution_that_twins_vouch_for(make_project: Make) -> None:
    with make_grader(Project.load(make_project(**files()))) as grader:
        assert unconfirmed(grader) == ""


def test_tests_that_nothing_vouches_for(make_project: Make) -> None:
    # a doctest has no twin
    docs = STUB.replace("twice x.", "twice x.\n\n    >>> double(2)\n    4\n    ")
    only_docs = {
        "tiny.py": docs.format("return None"),
        "solution/tiny.py": docs.format("return 2 * x"),
        "pytest.ini": "[pytest]\naddopts = --doctest-modules\n",
    }
    with make_grader(Project.load(make_project(**only_docs))) as grader:
        assert unconfirmed(grader) == "no passing test can be confirmed"


def test_registering_runs_nothing_and_making_says_it_once(make_project: Make, caplog: pytest.LogCaptureFixture) -> None:
    folder = make_project("troubled", **files(**{"test_lost.py": "import no_such_thing\n"}))
    with caplog.at_level(logging.WARNING, logger="blampert_env.envs.trouble"):
        identity = register_project(folder)
        assert caplog.messages == []
        for _ in range(2):
            gym.make(identity, actions="edit").close()
    assert len(caplog.messages) == 1
    assert "test_lost.py cannot be imported" in caplog.messages[0]
    assert f"blampert project check {folder}" in caplog.messages[0]
