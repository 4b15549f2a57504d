from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from blampert_env.projects import Project
from blampert_env.workspace.validate import validate_stubs

Make = Callable[..., Path]
FUNCTION = '''def {name}(x):
    """Return something of x."""
    {body}


'''
ORIGINALS = {
    "alone": "return x + 1",
    "inner": "return x + 2",
    "outer": "return inner(x) or x",
    "unused": "return x",
    "harmless": "return None",
    "hopeless": "return x",
}
TESTS = """
from lib import alone, harmless, hopeless, inner, outer, unused


def test_alone():
    assert alone(1) == 2


def test_inner():
    assert outer(1) == 3


def test_harmless():
    assert harmless(1) is None


def test_hopeless():
    assert hopeless(1) == 2
"""


def library(bodies: dict[str, str]) -> str:
    return "".join(FUNCTION.format(name=name, body=body) for name, body in bodies.items())


def test_stubs_that_teach_nothing_are_refused(make_project: Make) -> None:
    stubs = dict.fromkeys(ORIGINALS, "# TODO: implement\n    return None")
    project = Project.load(make_project(**{"lib.py": library(stubs), "test_lib.py": TESTS}))
    lines: list[str] = []
    said = validate_stubs(project, {"lib.py": library(ORIGINALS)}, say=lines.append).refused
    assert said == {
        "lib.py::unused": "is reached by no test",
        "lib.py::harmless": "makes no test fail as it is",
        "lib.py::hopeless": "is reached only by tests that do not pass on the original code, such as "
        "test_lib.py::test_hopeless",
    }
    graded = [line.rpartition("::")[2] for line in lines if line.startswith("stub ")]
    # the untouched project's outer() never calls inner(): the trusted runs say nothing of inner() alone
    assert graded == ["inner", "harmless"]


def test_originals_that_pass_nothing_are_refused(make_project: Make) -> None:
    wrong = "from lib import alone\n\n\ndef test_alone():\n    assert alone(1) == 7\n"
    stub = library({"alone": "# TODO: implement\n    return None"})
    project = Project.load(make_project(**{"lib.py": stub, "test_lib.py": wrong}))
    refused = validate_stubs(project, {"lib.py": library({"alone": "return x + 1"})}).refused
    assert refused == {"lib.py::alone": "is not graded: the original code passes no test"}
