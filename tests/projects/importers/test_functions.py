"""A folder of functions with tests as a project of those that are wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from blampert_env.errors import ProjectError
from blampert_env.projects import Project, load_solution
from blampert_env.projects.importers.functions import import_functions
from blampert_env.projects.importers.repository import Validation

CODE = '''\
def double(x):
    """Twice x."""
    return x + 1


def triple(x):
    return 3 * x


def quadruple(x):
    return double(double(x))


def unused(x):
    return x


class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        """Put an item on top."""
'''
RIGHT = CODE.replace("x + 1", "2 * x").replace('top."""\n', 'top."""\n        self.items.append(item)\n')
TEST = """\
import pytest
from code_of import Stack, double, quadruple, triple


@pytest.mark.parametrize("x", [1, 3])
def test_double(x):
    assert double(x) == 2 * x


def test_triple():
    assert triple(2) == 6


def test_quadruple():
    assert quadruple(2) == 8


def test_push():
    stack = Stack()
    stack.push(1)
    assert stack.items == [1]
"""
OUTCOMES = {
    "test_code.py::test_double[1]": "passed",
    "test_code.py::test_double[3]": "failed",
    "test_code.py::test_triple": "passed",
    "test_code.py::test_quadruple": "failed",
    "test_code.py::test_push": "failed",
}


def run(project: Project) -> Mapping[str, str]:
    return OUTCOMES


def nothing_refused(project: Project, right: Mapping[str, str]) -> Validation:
    return Validation({})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "folder"
    (root / "held_out").mkdir(parents=True)
    (root / "code_of.py").write_text(CODE)
    (root / "test_code.py").write_text(TEST)
    (root / "held_out" / "test_more.py").write_text(TEST)
    return root


def test_without_a_solution_what_failing_tests_mention_is_wrong(folder: Path, tmp_path: Path) -> None:
    done = import_functions(folder, tmp_path / "made", run=run, validate=nothing_refused)
    assert done.targets == ("code_of.py::double", "code_of.py::quadruple", "code_of.py::Stack.push")
    assert done.refused == {
        "code_of.py::triple": "its tests pass",
        "code_of.py::unused": "is mentioned by no test",
        "code_of.py::Stack.__init__": "fails only tests of functions that are not written",
    }
    assert not done.is_validated
    assert (done.folder / "code_of.py").read_text() == CODE, "an episode starts from the code as it is"
    assert list(done.project.held_out) == ["held_out/test_more.py"]
    assert [target.is_attempt for target in done.project.targets] == [True, True, False]


def test_with_a_solution_what_it_has_otherwise_is_wrong(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "right").mkdir()
    (tmp_path / "right" / "code_of.py").write_text(RIGHT)
    seen = []

    def validate(project: Project, right: Mapping[str, str]) -> Validation:
        seen.append((tuple(target.id for target in project.targets), dict(right)))
        return Validation({"code_of.py::Stack.push": "is reached by no test"})

    done = import_functions(folder, tmp_path / "made", run=run, solution=tmp_path / "right", validate=validate)
    assert seen == [(("code_of.py::double", "code_of.py::Stack.push"), {"code_of.py": RIGHT})]
    assert done.targets == ("code_of.py::double",)
    assert done.refused["code_of.py::quadruple"] == "is as in the solution, or not in it"
    assert done.refused["code_of.py::Stack.push"] == "is reached by no test"
    assert done.is_validated
    assert load_solution(done.folder) == {"code_of.py": RIGHT}


def test_the_folders_own_solution(folder: Path, tmp_path: Path) -> None:
    (folder / "solution").mkdir()
    (folder / "solution" / "code_of.py").write_text(RIGHT)
    done = import_functions(folder, tmp_path / "made", run=run, validate=nothing_refused)
    assert done.is_validated
    assert done.targets == ("code_of.py::double", "code_of.py::Stack.push")


def passing(folder: Path) -> None:
    (folder / "test_code.py").write_text(
        "from code_of import triple\n\n\ndef test_triple():\n    assert triple(1) == 3\n"
    )


def unrelated(folder: Path) -> None:
    (folder / "test_code.py").write_text("def test_nothing():\n    assert 1\n")


def solution_of_another(folder: Path) -> None:
    (folder.parent / "right").mkdir()
    (folder.parent / "right" / "other.py").write_text("x = 1\n")


def broken_solution(folder: Path) -> None:
    (folder.parent / "right").mkdir()
    (folder.parent / "right" / "code_of.py").write_text("def double(:\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (passing, r"nothing to repair in .*: is mentioned by no test \(5\), its tests pass \(1\)"),
        (unrelated, "its tests mention none of its functions"),
        (lambda folder: (folder / "test_code.py").unlink(), "no tests in"),
        (lambda folder: (folder.parent / "made").mkdir(), "made exists already"),
        (solution_of_another, r"right has no file of .*, such as code_of\.py"),
        (broken_solution, r"code_of\.py is not Python \(.*, line 1\): correct it"),
    ],
)
def test_what_cannot_work_is_one_line(folder: Path, tmp_path: Path, change: Callable[[Path], None], said: str) -> None:
    change(folder)
    right = tmp_path / "right"
    with pytest.raises(ProjectError, match=said):
        import_functions(folder, tmp_path / "made", run=run, solution=right if right.exists() else None)
    assert not (tmp_path / "made" / "code_of.py").exists()


def test_a_solution_that_is_no_folder(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="none is no folder"):
        import_functions(folder, tmp_path / "made", run=run, solution=tmp_path / "none")
