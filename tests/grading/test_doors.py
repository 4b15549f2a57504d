"""Which door each test takes, that exchanged functions are everywhere, and what confirmation adds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.grading import Grader, make_grader
from blampert_env.grading.facts import as_json, from_json
from blampert_env.projects import Project

from .conftest import ONE, SOLVED, STUB, TESTS, THREE, TWO

Make = Callable[..., Project]
MANY_STUB = '''import functools


def once(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)

    return inner


@functools.lru_cache
def cached(x):
    """Doc."""
    raise NotImplementedError  # TODO: implement


@once
def wrapped(x):
    raise NotImplementedError  # TODO: implement


alias = wrapped


class Base:
    def both(self, x):
        return x


class Box(Base):
    table = {}

    @property
    def area(self):
        raise NotImplementedError  # TODO: implement

    @area.setter
    def area(self, x):
        raise NotImplementedError  # TODO: implement

    @classmethod
    def make(cls):
        raise NotImplementedError  # TODO: implement

    @staticmethod
    def free(x):
        raise NotImplementedError  # TODO: implement

    def both(self, x):
        raise NotImplementedError  # TODO: implement

    table["both"] = both


partial = functools.partial(Box.free, 4)


def many(n):
    raise NotImplementedError  # TODO: implement


async def later(x):
    raise NotImplementedError  # TODO: implement
'''
BODIES = {
    "cached": "return x + 1",
    "wrapped": "return x + 2",
    "area": "return self._area",
    "area@setter": "self._area = x",
    "make": "return cls()",
    "free": "return x + 3",
    "both": "return x + 4",
    "many": "yield from range(n)",
    "later": "return x + 5",
}
MANY_TESTS = """
import asyncio
from many import Box, alias, cached, later, many, partial, wrapped

def test_cached(): assert (cached(1), cached.__wrapped__(1), cached.__doc__) == (2, 2, "Doc.")
def test_wrapped(): assert (wrapped(1), alias(1)) == (3, 3)
def test_property():
    box = Box()
    box.area = 5
    assert box.area == 5
def test_class(): assert type(Box.make()) is Box
def test_static(): assert (Box.free(1), partial()) == (4, 7)
def test_both(): assert (Box().both(1), Box.table["both"](None, 1)) == (5, 5)
def test_many(): assert list(many(3)) == [0, 1, 2]
def test_later(): assert asyncio.run(later(1)) == 6
"""


def many_solved() -> str:
    """The right code."""
    text = MANY_STUB
    for body in BODIES.values():
        text = text.replace("raise NotImplementedError  # TODO: implement", body, 1)
    return text


def test_exchanged_functions_are_everywhere(project_of: Make) -> None:
    project = Project.from_files("many", {"many.py": MANY_STUB, "test_many.py": MANY_TESTS})
    report = make_grader(project).grade({"many.py": many_solved()})
    assert report.all_passed, dict(report.failures)
    assert report.method == "plain"


@pytest.mark.parametrize(
    ("before", "after", "passes"),
    [
        ("", "import math\n\n\ndef helper(x):\n    return math.floor(2 * x)\n\n\n", True),
        ("", "from math import nothing_of_this_name\n\n\n", False),
        ("", "FACTOR = 2\n\n\n", True),
    ],
)
def test_what_an_edit_adds(project: Project, before: str, after: str, passes: bool) -> None:
    body = {"def helper": "helper(x)", "FACTOR": "FACTOR * x"}
    value = next((text for mark, text in body.items() if mark in after), "2 * x")
    report = make_grader(project).grade({"tiny.py": f"{before}{after}def double(x):\n    return {value}\n"})
    assert report.all_passed == passes
    assert passes or set(report.outcomes.values()) == {"error"}


def test_code_that_runs_at_import_is_imported_anew(project_of: Make) -> None:
    stub = "def double(x):\n    return 0  # TODO: implement\n\n\nFOUR = double(2)\n"
    tests = "from tiny import FOUR, double\ndef test_four(): assert FOUR == 4\ndef test_two(): assert double(1) == 2\n"
    grader = make_grader(project_of(tests, stub))
    assert "tiny.py::double" in grader.facts.at_import
    assert grader.grade({"tiny.py": stub.replace("return 0", "return 2 * x")}).all_passed


def test_a_super_call_is_imported_anew(project_of: Make) -> None:
    stub = (
        "class Base:\n    def two(self):\n        return 2\n\n\n"
        "class Child(Base):\n    def two(self):\n        raise NotImplementedError  # TODO: implement\n"
    )
    tests = "from tiny import Child\ndef test_two(): assert Child().two() == 3\n"
    solved = stub.replace("raise NotImplementedError", "return super().two() + 1")
    assert make_grader(project_of(tests, stub)).grade({"tiny.py": solved}).all_passed


TWO_TARGETS = (
    "def one(x):\n    raise NotImplementedError  # TODO: implement\n\n\n"
    "def two(x):\n    raise NotImplementedError  # TODO: implement\n"
)


def test_only_what_can_change_is_run(project_of: Make) -> None:
    tests = """
import pytest, tiny
@pytest.fixture(scope="module")
def made(): return tiny.one(1)
def test_one(): assert tiny.one(1) == 2
def test_two(): assert tiny.two(1) == 3
def test_fixture(made): assert made == 2
def test_other(made): assert made + 1 == 3
def test_none(): pass
def test_thread():
    import threading
    found = []
    thread = threading.Thread(target=lambda: found.append(tiny.two(1)))
    thread.start(); thread.join()
    assert found == [3]
"""
    grader = make_grader(project_of(tests, TWO_TARGETS))
    reached = {test.partition("::")[2]: names for test, names in grader.facts.untouched.reached.items()}
    assert {test: {name[9:] for name in names if name.startswith("tiny.py")} for test, names in reached.items()} == {
        "test_one": {"one"},
        "test_two": {"two"},
        "test_fixture": {"one"},
        "test_other": {"one"},
        "test_none": set(),
        "test_thread": {"two"},
    }
    report = grader.grade({"tiny.py": TWO_TARGETS.replace("raise NotImplementedError", "return x + 1", 1)})
    doors = {test.partition("::")[2]: door for test, door in report.doors.items()}
    assert doors == {
        # two of them fail and reach nothing that differs; without right code nobody knows what they wait for
        **dict.fromkeys(("test_one", "test_fixture", "test_other", "test_two", "test_thread"), "plain"),
        "test_none": "known",
    }
    passed = {test.partition("::")[2] for test, outcome in report.outcomes.items() if outcome == "passed"}
    assert passed == {"test_one", "test_fixture", "test_other", "test_none"}


@pytest.mark.parametrize(
    "test",
    [
        "import inspect, tiny\ndef test_it(): assert 'x + 1' in inspect.getsource(tiny.one)\n",
        "import subprocess, sys\ndef test_it():\n"
        "    code = 'import tiny; assert tiny.one(1) == 2'\n"
        "    assert subprocess.run([sys.executable, '-c', code]).returncode == 0\n",
    ],
)
def test_what_nobody_sees_is_run(project_of: Make, test: str) -> None:
    grader = make_grader(project_of(test, TWO_TARGETS))
    report = grader.grade({"tiny.py": TWO_TARGETS.replace("raise NotImplementedError", "return x + 1", 1)})
    assert "known" not in report.doors.values()


def test_tests_that_depend_on_their_order_keep_it(project_of: Make) -> None:
    tests = (
        "import tiny\nSEEN = []\ndef test_first():\n    SEEN.append(1)\n    assert tiny.one(1) == 2\n"
        "def test_second(): assert SEEN == [1]\n"
    )
    grader = make_grader(project_of(tests, TWO_TARGETS))
    assert grader.facts.grouped == {"test_tiny.py"}
    solved = TWO_TARGETS.replace("raise NotImplementedError", "return x + 1")
    assert make_grader(project_of(tests, TWO_TARGETS)).grade({"tiny.py": solved}).all_passed


NOT_PLAIN = "import os\n\n\ndef double(x):\n    os.getpid()\n    return 2 * x\n"


def test_doors_by_candidate_and_by_test(project_of: Make) -> None:
    more = "import threading\nfrom tiny import double\n\n\ndef test_four():\n    assert double(4) == 8\n"
    grader = make_grader(project_of(f"{TESTS}\ndef test_quiet():\n    double(1)\n", **{"test_more.py": more}))
    assert grader.grade({"tiny.py": SOLVED}).method == "plain"
    report = grader.grade({"tiny.py": NOT_PLAIN})
    assert report.all_passed
    apart = {test for test, door in report.doors.items() if door == "apart"}
    assert apart == {"test_tiny.py::test_quiet"}  # no twin vouches for a test that expects nothing
    assert {door for test, door in report.doors.items() if test not in apart} == {"twins"}
    assert report.why.keys() == {"apart", "twins"}
    assert all("os" in why for why in report.why.values())


def test_code_that_reaches_out_is_judged_apart_only(project_of: Make) -> None:
    files = {
        "test_more.py": "import threading\nfrom tiny import double\n\n\ndef test_four():\n    assert double(4) == 8\n"
    }
    code = "import gc\n\n\ndef double(x):\n    gc.collect()\n    return 2 * x\n"
    report = make_grader(project_of(TESTS, **files)).grade({"tiny.py": code})
    assert {report.outcomes[test] for test in (ONE, TWO, THREE)} == {"passed"}
    assert report.outcomes["test_more.py::test_four"] == "failed"
    assert "imports gc" in report.failures["test_more.py::test_four"]


def test_confirmation(project: Project) -> None:
    grader = make_grader(project)
    report = grader.grade({"tiny.py": SOLVED})
    assert report.confirmed is None
    assert report.unconfirmed == (ONE, TWO, THREE)
    report = grader.confirm({"tiny.py": SOLVED})
    assert (report.all_passed, report.unconfirmed) == (True, ())
    assert grader.confirm({"tiny.py": STUB}).passed == 0


def test_what_no_twin_vouches_for_is_said(project_of: Make) -> None:
    grader = make_grader(project_of("from tiny import double\ndef test_it():\n    double(2)\n"))
    report = grader.confirm({"tiny.py": SOLVED})
    assert (report.all_passed, report.unconfirmed) == (True, ("test_tiny.py::test_it",))


def test_a_cheat_that_triage_took_for_plain_is_found(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Triage is blinded: what is left is confirmation."""
    cheat = (
        "def double(x):\n    import _pytest.runner as r\n"
        "    old = r.CallInfo.from_call.__func__\n"
        "    def new(cls, func, when, reraise=None):\n"
        "        return old(cls, (lambda: None) if when == 'call' else func, when, reraise)\n"
        "    r.CallInfo.from_call = classmethod(new)\n    return 2 * x if x == 1 else 0\n"
    )
    grader = Grader(project, cache_size=0)
    monkeypatch.setattr(grader._doors().triage, "reasons", lambda sources: ())
    assert grader.grade({"tiny.py": cheat}).passed > 1
    report = grader.confirm({"tiny.py": cheat})
    assert (report.passed, report.killed, report.verdict) == (0, "tampered", "rejected")


def test_facts_are_kept(project: Project) -> None:
    facts = make_grader(project).facts
    assert from_json(as_json(facts)) == dataclasses.replace(facts, definitions=dict(facts.definitions))


def test_a_solution_that_is_added_later_is_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    (folder / "solution").mkdir(parents=True)
    (folder / "tiny.py").write_text(STUB)
    (folder / "test_tiny.py").write_text(TESTS)
    (folder / "solution").rmdir()
    assert make_grader(Project.load(folder)).facts.reference is None
    (folder / "solution").mkdir()
    (folder / "solution/tiny.py").write_text(SOLVED)
    assert make_grader(Project.load(folder)).facts.reference is not None
