"""Classes in ClassEval's format as projects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from blampert_env.errors import ProjectError
from blampert_env.grading import make_grader
from blampert_env.projects.importers.classeval import classeval_problems

SKELETON = '''import math
class Ring:
    """
    A ring.
    """

    def __init__(self, inner, outer):
        self.inner = inner
        self.outer = outer


    def area(self):
        """
        :return: the area
        >>> Ring(0, 1).area()
        3.14
        """

    def is_empty(self):
        pass

    def close(self):
        pass
'''
SOLUTION = """import math
from itertools import count


class Ring:
    def __init__(self, inner, outer):
        self.inner = inner
        self.outer = outer

    def area(self):
        square = next(count(2))
        return math.pi * (self.outer**square - self.inner**square)

    def is_empty(self):
        # nothing between the two
        return self.inner == self.outer

    def close(self):
        pass
"""
TESTS = """import unittest


class RingTestArea(unittest.TestCase):
    def setUp(self):
        self.zero = 0

    def test_area_1(self):
        self.assertEqual(Ring(self.zero, 1).area(), math.pi)

    def test_area_2(self):
        self.assertEqual(Ring(2, 2).area(), 1000)

    def test_area_2(self):
        self.assertEqual(Ring(2, 2).area(), 0)


class RingTestIsEmpty(unittest.TestCase):
    def test_is_empty(self):
        self.assertTrue(Ring(1, 1).is_empty())
"""
UNWRITTEN = "has a method in its skeleton that its author did not write"
RING = {
    "task_id": "ClassEval_7",
    "skeleton": SKELETON,
    "solution_code": SOLUTION,
    "test": TESTS,
    "class_name": "Ring",
    "methods_info": [],
}


def write(path: Path, *entries: Any) -> Path:
    path.write_text(json.dumps(entries))
    return path


def test_a_class(tmp_path: Path) -> None:
    problems = classeval_problems(write(tmp_path / "data.json", RING))
    assert list(problems.found) == ["classeval_7"]
    problem = problems.found["classeval_7"]
    project = problem.project
    assert [target.id for target in project.targets] == ["solution.py::Ring.area", "solution.py::Ring.is_empty"]
    assert project.sources["solution.py"].startswith("from itertools import count\nimport math\nclass Ring:")
    assert ":return: the area" in problem.solution["solution.py"]
    assert "# nothing between the two" in problem.solution["solution.py"]
    shown, held = project.tests["test_solution.py"], project.held_out["held_out/test_more_solution.py"].decode()
    assert [shown.count("def test_area"), held.count("def test_area")] == [1, 1]
    assert "1000" not in shown + held, "the last of its name is the test"
    assert ("RingTestIsEmpty" in shown, "RingTestIsEmpty" in held) == (True, False), "an odd one is shown"
    assert shown.count("def setUp") == held.count("def setUp") == 1


def test_the_authors_code_passes_and_the_skeleton_does_not(tmp_path: Path) -> None:
    (problem,) = classeval_problems(write(tmp_path / "data.json", RING)).found.values()
    for tests in ("visible", "held_out"):
        with make_grader(problem.project, tests=tests) as grader:
            assert grader.grade(problem.solution).all_passed
            assert grader.baseline.passed == 0


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({**RING, "skeleton": ""}, "lacks a task_id or one of skeleton, solution_code, test, class_name"),
        ({**RING, "skeleton": "class Ring"}, "has a skeleton that does not parse"),
        ({**RING, "solution_code": "class Ring:\n  x = “"}, "has author's code that does not parse"),
        ({**RING, "class_name": "Circle"}, "has no class of its name in its skeleton"),
        ({**RING, "solution_code": "class Ring:\n  x = 1"}, UNWRITTEN),
        ({**RING, "solution_code": SOLUTION.replace("  ", " ")}, "has a method that is indented unlike its author's"),
        ({**RING, "skeleton": SOLUTION}, "has no method to write in its skeleton"),
        ({**RING, "test": "import unittest\n"}, "has no tests"),
        ([1], "is no JSON object"),
        (RING, "is there twice"),
        ({**RING, "task_id": "ClassEval_70"}, "is there twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_counted_and_the_rest_taken(tmp_path: Path, entry: Any, reason: str) -> None:
    other = {**RING, "task_id": "ClassEval_8", "skeleton": SKELETON.replace("A ring", "Rings")}
    problems = classeval_problems(write(tmp_path / "data.json", RING, entry, other))
    assert list(problems.found) == ["classeval_7", "classeval_8"]
    assert dict(problems.refused) == {reason: 1}


def test_a_file_that_is_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path / "data.json", RING, {**RING, "task_id": "ClassEval_8"})
    path.write_text(path.read_text()[:-200])
    problems = classeval_problems(path)
    assert list(problems.found) == ["classeval_7"]
    assert dict(problems.refused) == {"is no JSON object": 1}


@pytest.mark.parametrize("content", ["", "[", "[[[", "{", '[{"code": "", "test_list": []}]', "[" * 100_000])
def test_another_file_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(ProjectError, match=r"holds no ClassEval problem .* give ClassEval_data\.json"):
        classeval_problems(tmp_path / "x.json")
