"""Outcomes of every kind, and the texts of failures."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blampert_env.grading import Grader, make_grader
from blampert_env.projects import Project, bundled_projects, load_solution

from .conftest import ONE, SOLVED, THREE, TWO

Make = Callable[..., Project]

EVERY_KIND = """
import sys
import unittest
import warnings

import pytest
from tiny import double

@pytest.fixture
def broken():
    raise RuntimeError("set-up")

@pytest.fixture
def messy():
    yield 1
    raise RuntimeError("tear-down")

def test_passes(): assert double(1) == 2
def test_fails(): assert double(1) == 3
def test_raises(): raise ValueError("no")
def test_setup(broken): pass
def test_teardown(messy): pass
@pytest.mark.skip
def test_marked_skip(): pass
def test_skips(): pytest.skip("later")
@pytest.mark.xfail
def test_xfail(): assert False
@pytest.mark.xfail
def test_xpass(): assert True
@pytest.mark.xfail(strict=True)
def test_strict_xpass(): assert True
@pytest.mark.parametrize("x", [1, 2, "a::b c", "é"])
def test_each(x): assert x != 2
async def test_async(): pass
def test_no_such_fixture(nowhere): pass

class TestGroup:
    def test_method(self, capsys, tmp_path, monkeypatch, recwarn, caplog):
        print("out")
        assert capsys.readouterr().out == "out\\n"

class TestUnit(unittest.TestCase):
    def test_passes(self): self.assertEqual(double(2), 4)
    def test_fails(self): self.assertEqual(double(2), 5)
    @unittest.skip("no")
    def test_skipped(self): pass
    def test_subtests(self):
        for i in range(3):
            with self.subTest(i=i): self.assertNotEqual(i, 1)
"""


def test_every_kind_of_outcome(project_of: Make) -> None:
    grader = make_grader(project_of(EVERY_KIND))
    report = grader.grade({"tiny.py": SOLVED})
    outcomes = {test.removeprefix("test_tiny.py::"): outcome for test, outcome in report.outcomes.items()}
    assert outcomes == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_raises": "failed",
        "test_setup": "error",
        "test_teardown": "error",
        "test_marked_skip": "skipped",
        "test_skips": "skipped",
        "test_xfail": "skipped",
        "test_xpass": "passed",
        "test_strict_xpass": "failed",
        "test_each[1]": "passed",
        "test_each[2]": "failed",
        "test_each[a::b c]": "passed",
        "test_each[\\xe9]": "passed",
        "test_async": outcomes["test_async"],
        "test_no_such_fixture": "error",
        "TestGroup::test_method": "passed",
        "TestUnit::test_passes": "passed",
        "TestUnit::test_fails": "failed",
        "TestUnit::test_skipped": "skipped",
        "TestUnit::test_subtests": "failed",
    }
    assert outcomes["test_async"] != "passed"  # skipped or failed, by version of pytest
    assert (report.verdict, report.killed) == ("ok", None)
    skipped = {"test_marked_skip", "test_skips", "TestUnit::test_skipped"}
    marked = {"test_xfail", "test_xpass", "test_strict_xpass"}
    uncounted = {test.removeprefix("test_tiny.py::") for test in report.uncounted}
    assert uncounted - {"test_async"} == skipped | marked
    assert (report.passed, report.total, report.all_passed) == (6, 21 - len(uncounted), False)
    assert report.pass_rate == 6 / report.total
    failed = {test for test, outcome in report.outcomes.items() if outcome in ("failed", "error")}
    assert len(failed & set(report.failures)) >= 3
    asked = grader.grade({"tiny.py": SOLVED + "#"}, first=sorted(failed))
    assert set(asked.failures) >= failed
    assert "assert 2 == 3" in report.failures["test_tiny.py::test_fails"]
    assert "RuntimeError: set-up" in report.failures["test_tiny.py::test_setup"]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(bundled_projects()))
def test_reference_solutions_pass_and_stubs_do_not(name: str) -> None:
    path = bundled_projects()[name]
    with make_grader(Project.load(path), tests="all") as grader:
        assert grader.baseline.passed < grader.baseline.total
        report = grader.grade(load_solution(path))
    assert report.all_passed
    assert report.failures == {}


def test_ids_are_those_of_the_untouched_project(project_of: Make) -> None:
    tests = "import pytest, tiny\n@pytest.mark.parametrize('x', tiny.CASES)\ndef test_case(x): assert tiny.double(x)\n"
    stub = "CASES = [1, 2, 3]\ndef double(x):\n    pass  # TODO\n"
    with make_grader(project_of(tests, stub)) as grader:
        report = grader.grade({"tiny.py": stub.replace("pass", "return x").replace("[1, 2, 3]", "[2, 7, 8]")})
    assert report.outcomes == {
        "test_tiny.py::test_case[1]": "missing",
        "test_tiny.py::test_case[2]": "passed",
        "test_tiny.py::test_case[3]": "missing",
    }
    assert not report.all_passed


@pytest.mark.parametrize(
    ("source", "outcome", "said"),
    [
        ("def double(x:\n", "error", "SyntaxError"),
        ("def triple(x): pass\n", "error", "ImportError"),
        ("\x00", "error", "null bytes"),
        ("\ud800", "error", "utf-8"),
        ("import pytest\npytest.skip('x', allow_module_level=True)\n", "error", ""),
        ("import pytest\ndef double(x): pytest.skip('x')\n", "failed", "Skipped"),
        ("import pytest\ndef double(x): pytest.xfail('x')\n", "failed", "XFailed"),
        ("def double(x): return double(x)\n", "failed", "RecursionError"),
        ("def double(x): raise MemoryError\n", "failed", "MemoryError"),
        ("def double(x): raise SystemExit(0)\n", "failed", "SystemExit"),
    ],
)
def test_bad_sources(project: Project, source: str, outcome: str, said: str) -> None:
    report = make_grader(project).grade({"tiny.py": source})
    assert report.outcomes == dict.fromkeys([ONE, TWO, THREE], outcome)
    assert report.verdict == "ok"
    assert said in report.failures.get(ONE, "")


def test_a_broken_file_leaves_the_others(project_of: Make) -> None:
    other = {
        "other.py": "def one():\n    return 1  # TODO\n",
        "tests/test_other.py": "import other\ndef test_it(): pass\n",
    }
    project = project_of("from tiny import double\ndef test_it(): pass\n", **other)
    report = make_grader(project).grade({"tiny.py": "1/0"})
    assert report.outcomes == {"test_tiny.py::test_it": "error", "tests/test_other.py::test_it": "passed"}


def test_two_reports_are_equal(project_of: Make) -> None:
    tests = """
from tiny import double
import json, random
def test_library(): json.loads("{")
def test_object(): assert double(1) is object()
def test_set(): assert double(2) == {"a", "b", "c", "d"}
def test_random(): assert random.random() == random.getrandbits(64)
def test_folder(tmp_path): assert str(tmp_path) == __file__
def test_long(): assert "a" * 9000 + "\\n" * 900 == double(3)
"""
    source = "class Thing: pass\ndef double(x): return [Thing(), set('qwertz'), 'x' * 9000][x - 1]\n"
    graders = [Grader(project_of(tests), cache_size=0) for _ in range(2)]
    first, second = (grader.grade({"tiny.py": source}, first=grader.test_ids) for grader in graders)
    assert first == second
    assert first.failures == second.failures
    assert first.duration_s != second.duration_s
    assert len(first.failures) == 6
    assert max(map(len, first.failures.values())) <= 2000
    text = "".join(first.failures.values())
    assert "\njson/decoder.py:" in text
    assert "at 0x…" in text
    assert "blampert-grader-" not in text
