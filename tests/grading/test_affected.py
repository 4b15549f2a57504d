"""Only what can change is run: what reaches an edit, and what tells how it is written without a call."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.grading import Grader, make_grader
from blampert_env.projects import Project

Make = Callable[..., Project]
SOURCE = '''def one(x):
    """Old."""
    # TODO: implement
    raise NotImplementedError


def two(x):
    # TODO: implement
    raise NotImplementedError
'''
ONE_IS_RIGHT = SOURCE.replace("    # TODO: implement\n    raise NotImplementedError", "    return x + 1", 1)


def ran(grader: Grader, source: str) -> set[str]:
    """Names of the tests that a candidate was run with."""
    report = grader.grade({"tiny.py": source})
    return {test.partition("::")[2] for test, door in report.doors.items() if door != "known"}


@pytest.mark.parametrize(
    ("test", "is_run"),
    [
        ("import tiny\ndef test_it(): assert 'last distance trace inspect __doc__'", False),
        ("import tiny\ndef test_it(): assert tiny.one.__code__.co_names is not None", True),
        ("def test_it(): assert 'x + 1' in open('tiny.py').read()", True),
        ("import os\ndef test_it(): assert os.stat('tiny.py')", False),
        ("import linecache\ndef test_it(): assert linecache.getline('tiny.py', 3)", True),
        ("import sys\ndef test_it():\n    sys.modules.pop('tiny', 0)\n    import tiny", False),
        ("import threading, tiny\ndef test_it():\n    thread = threading.Thread(target=tiny.two, args=[1])\n"
         "    thread.start(); thread.join()", False),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_what_tells_how_a_function_is_written(project_of: Make, test: str, is_run: bool) -> None:
    grader = make_grader(project_of(test, SOURCE))
    assert ran(grader, ONE_IS_RIGHT) == ({"test_it"} if is_run else set())


def test_what_one_test_has_read_the_next_reads_again(project_of: Make) -> None:
    tests = "import linecache\n" + "".join(
        f"def test_{name}(): assert linecache.getline('tiny.py', 3)\n" for name in "ab"
    )
    assert ran(make_grader(project_of(tests, SOURCE)), ONE_IS_RIGHT) == {"test_a", "test_b"}


@pytest.mark.parametrize(
    "test",
    [
        "import tiny\ndef test_it(): assert tiny.one.__doc__ == 'New.'",
        "import inspect, tiny\ndef test_it(): assert inspect.isgeneratorfunction(tiny.one)",
    ],
)
def test_what_is_told_without_a_call_is_the_candidate_s(project_of: Make, test: str) -> None:
    grader = make_grader(project_of(test, SOURCE))
    assert not grader.baseline.all_passed
    assert grader.grade({"tiny.py": ONE_IS_RIGHT.replace("Old.", "New.").replace("return", "yield")}).all_passed


CLASS = """class Base:
    def value(self):
        return 1


class Derived(Base):
    def value(self):
        # TODO: implement
        raise NotImplementedError
"""


def with_solution(folder: Path, source: str, right: str, tests: str) -> Project:
    """A project on disk whose reference is known."""
    for path, text in {"tiny.py": source, "solution/tiny.py": right, "test_tiny.py": tests}.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    return Project.load(folder)


def test_methods_that_gain_or_lose_super(tmp_path: Path) -> None:
    body = "        # TODO: implement\n        raise NotImplementedError"
    right = CLASS.replace(body, "        return super().value() + 1")
    tests = (
        "import tiny\ndef test_it(): assert tiny.Derived().value() == 2\ndef test_base(): assert tiny.Base().value()\n"
    )
    grader = make_grader(with_solution(tmp_path, CLASS, right, tests))
    assert grader.facts.base == "reference"
    for code, passes in {"super().value() + 1": True, "Base.value(self) + 1": True, "super().value()": False}.items():
        report = grader.grade({"tiny.py": CLASS.replace(body, f"        return {code}")})
        assert [report.outcomes[f"test_tiny.py::{test}"] for test in ("test_it", "test_base")] == [
            "passed" if passes else "failed",
            "passed",
        ]
        assert report.doors["test_tiny.py::test_base"] == "known"


def test_a_test_that_waits_is_failed_by_itself(tmp_path: Path) -> None:
    source = "import threading\n\n\ndef one(event):\n    # TODO: implement\n    raise NotImplementedError\n"
    right = source.replace("    # TODO: implement\n    raise NotImplementedError", "    event.set()")
    tests = (
        "import threading, tiny\ndef test_it():\n    event = threading.Event()\n    try: tiny.one(event)\n"
        "    except NotImplementedError: pass\n    assert event.wait(50)\ndef test_after(): pass\n"
    )
    grader = make_grader(with_solution(tmp_path, source, right, tests))
    began = time.monotonic()
    outcomes = dict(grader.baseline.outcomes)
    assert time.monotonic() - began < 30
    assert outcomes == {"test_tiny.py::test_it": "failed", "test_tiny.py::test_after": "passed"}
    assert grader.baseline.killed is None


def test_tests_are_divided_by_how_long_they_take(project_of: Make) -> None:
    slow = "import time, tiny\n" + "".join(
        f"def test_{n}():\n    time.sleep({0.24 if n == 0 else 0.08})\n    assert tiny.one({n}) == {n + 1}\n"
        for n in range(4)
    )
    grader = make_grader(project_of(slow, SOURCE), timeout_s=20)
    runner, ids = grader._doors().runner, grader.test_ids
    groups = runner._groups(ids, 2)
    assert [test for group in groups for test in group] == list(ids)
    assert [len(group) for group in groups] == [1, 3]
    assert runner._groups(ids, 1) == [ids]
    assert grader.grade({"tiny.py": ONE_IS_RIGHT}).all_passed
    assert set(grader.grade({"tiny.py": ONE_IS_RIGHT.replace("+ 1", "+ 2")}).outcomes.values()) == {"failed"}


COUNTED = """import tiny
SEEN = []
def test_first():
    SEEN.append(tiny.one(1))
    assert SEEN == [2]
def test_second(): assert SEEN == [2]
def test_two(): assert tiny.two(1) == 3
"""


def test_tests_that_depend_on_their_file_s_order_are_run_with_it(project_of: Make) -> None:
    more = "import tiny\ndef test_other(): assert tiny.three() == 3\n"
    source = ONE_IS_RIGHT + "\n\ndef three():\n    return 3\n"
    grader = make_grader(project_of(COUNTED, source, **{"test_more.py": more}))
    assert (grader.facts.ordered, grader.facts.grouped) == (False, frozenset({"test_tiny.py"}))
    report = grader.grade({"tiny.py": source.replace("x + 1", "1 + x")})
    doors = {test.partition("::")[2]: door for test, door in report.doors.items()}
    assert doors == {**dict.fromkeys(("test_first", "test_second", "test_two"), "plain"), "test_other": "known"}
    assert [outcome == "passed" for outcome in report.outcomes.values()].count(True) == 3


TIMES = """import time, pytest, tiny
@pytest.mark.parametrize("x", [1, 2], ids=[f"a-{time.time_ns()}", f"b-{time.time_ns()}"])
def test_one(x): assert tiny.one(x) == x + 1
@pytest.mark.parametrize("x", [1, 2], ids=[f"{n}-{time.strftime('%H:%M:%S')}-{time.time_ns()}" for n in "ab"])
def test_two(x): assert x
"""


def test_ids_that_vary_by_process(project_of: Make) -> None:
    grader = make_grader(project_of(TIMES, SOURCE))
    assert grader.facts.varying
    report = grader.grade({"tiny.py": ONE_IS_RIGHT})
    assert list(report.outcomes.values()) == ["passed"] * 4
    assert list(report.doors.values()) == ["plain", "plain", "known", "known"]
    assert grader.confirm({"tiny.py": ONE_IS_RIGHT}).confirmed == set(grader.test_ids)
    assert len(make_grader(grader.project).grade({"tiny.py": ONE_IS_RIGHT}).confirmed or ()) == 0
