"""Solving a project: what is kept, what it cost, how it ends. The LM is scripted."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.envs import StrategyEnv
from blampert_env.errors import LMUnavailable
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.projects import Project
from blampert_env.training.budget import Budget
from blampert_env.training.solving import Solution, in_turn, solve

SOURCE = '''def one(x):
    """Return x plus one."""
    # TODO: implement


def two(x):
    """Return x plus two."""
    # TODO: implement


def three(x):
    """Return x plus three."""
    # TODO: implement
'''
TESTS = """from m import one, three, two


def test_one():
    assert one(1) == 2


def test_two():
    assert two(1) == 3


def test_two_of_none():
    assert two(None) is None


def test_three():
    assert three(1) == 4
"""
RIGHT = {"one": "return x + 1", "two": "return None if x is None else x + 2", "three": "return x + 3"}


def project(**files: str) -> Project:
    return Project.from_files("m", {"m.py": SOURCE, "test_m.py": TESTS} | files)


def answers(**bodies: str | list[str]) -> ScriptedLM:
    """Gives each function's bodies in turn, the last of them for ever."""
    turns = {
        name: itertools.chain(body[:-1], itertools.repeat(body[-1]))
        if isinstance(body, list)
        else itertools.repeat(body)
        for name, body in bodies.items()
    }

    def answer(messages: list[dict[str, str]]) -> str:
        text = messages[-1]["content"]
        name = next(name for name in ("one", "two", "three") if f"def {name}(" in text)
        return f"```python\ndef {name}(x):\n    {next(turns[name])}\n```"

    return ScriptedLM(answer)


def solved(lm: ScriptedLM, budget: Budget | None = None, attempts: int = 12, which: Project | None = None) -> Solution:
    env = StrategyEnv(which or project(), lm=lm, max_attempts=attempts)
    try:
        return solve(env, in_turn(env), budget=budget or Budget())
    finally:
        env.close()


def test_all_is_written() -> None:
    found = solved(answers(**RIGHT))
    assert (found.solved, found.ended) == (True, "solved")
    assert [(one.before, one.after, one.total, one.attempts) for one in found.targets] == [
        (0, 1, 1, 1), (1, 2, 2, 1), (0, 1, 1, 1),
    ]  # fmt: skip
    assert all(one.strategy == "complete" for one in found.targets)
    assert found.spent.calls == 3
    assert found.spent.tokens == sum(one.tokens for one in found.targets) > 0
    assert found.diff.count("\n+    return") == 3


def test_what_gains_nothing_is_not_kept() -> None:
    found = solved(answers(one=RIGHT["one"], two="return x", three=RIGHT["three"]))
    assert (found.solved, found.ended, found.report.passed) == (False, "attempts", 3)
    assert "def two" in found.files["m.py"]
    assert "return x\n" not in found.files["m.py"], "the untouched body stays"
    assert {one.target: one.strategy != "" for one in found.targets} == {
        "m.py::one": True,
        "m.py::two": False,
        "m.py::three": True,
    }


def test_what_passed_before_passes_still() -> None:
    """Two tests gained and one lost is more, and worse."""
    tests = TESTS + "\n\ndef test_more():\n    assert two(2) == 4\n"
    found = solved(answers(one="return 0", two="return x + 2", three="return 0"), which=project(**{"test_m.py": tests}))
    assert found.report == found.before
    assert found.diff == ""


def test_each_way_of_asking_comes_before_any_comes_again() -> None:
    lm = answers(one=["return 0", "return 1", RIGHT["one"]], two=RIGHT["two"], three=RIGHT["three"])
    found = solved(lm)
    one = found.targets[0]
    assert (one.attempts, one.strategy) == (3, "complete-sample")


@pytest.mark.parametrize(
    ("budget", "calls"), [(Budget(tokens=1), 1), (Budget(seconds=1e-9), 0), (Budget(tokens=10**9), 12)]
)
def test_a_budget_ends_it(budget: Budget, calls: int) -> None:
    found = solved(answers(one="return 0", two="return 0", three="return 0"), budget)
    assert found.spent.calls == calls
    assert found.ended == ("attempts" if calls == 12 else "budget")


def test_ctrl_c_keeps_what_was_solved() -> None:
    def answer(messages: list[dict[str, str]]) -> str:
        if any("def two" in message["content"].split("```python")[-1] for message in messages[-1:]):
            raise KeyboardInterrupt
        return "```python\ndef one(x):\n    return x + 1\n```"

    found = solved(ScriptedLM(answer))
    assert (found.ended, found.report.passed) == ("interrupted", 2)
    assert "return x + 1" in found.diff


def test_what_was_solved_is_kept_when_the_model_fails() -> None:
    def answer(messages: list[dict[str, str]]) -> str:
        if "def two" in messages[-1]["content"].split("```python")[-1]:
            raise LMUnavailable("nothing answers at http://127.0.0.1:9")
        return "```python\ndef one(x):\n    return x + 1\n```"

    found = solved(ScriptedLM(answer))
    assert (found.ended, found.report.passed) == ("failed", 2)
    assert found.trouble == "nothing answers at http://127.0.0.1:9"
    assert "return x + 1" in found.diff


def test_a_model_that_never_answers_is_an_error() -> None:
    def answer(messages: list[dict[str, str]]) -> str:
        raise LMUnavailable("nothing answers")

    with pytest.raises(LMUnavailable, match="nothing answers"):
        solved(ScriptedLM(answer))


def test_the_same_seed_gives_the_same_files(make_project: Callable[..., Path]) -> None:
    first, second = (solved(answers(**RIGHT)) for _ in range(2))
    assert first.files == second.files
