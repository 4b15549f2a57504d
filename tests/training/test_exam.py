"""Functions to write as an exam: which there are, how they are divided, what an answer scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.coding import Coder, Strategy
from blampert_env.errors import ProjectError, UsageError
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.projects import Project, find_project, load_solution
from blampert_env.training.exam import Ended, Exam, Task, grade, open_tasks, split

Make = Callable[..., Path]
STUB = 'def {}(x):\n    """Return x times {}."""\n    # TODO: implement\n    return None\n'
FILES = {
    "times.py": STUB.format("double", 2) + "\n\n" + STUB.format("six_fold", 6),
    "test_times.py": "from times import double, six_fold\n\n\n"
    "def test_double():\n    assert double(2) == 4\n\n\n"
    "def test_six_fold():\n    assert six_fold(2) == 12\n\n\n"
    "def test_both():\n    assert six_fold(2) == 3 * double(2)\n",
}
SOLUTION = (
    "import operator\n\n\ndef double(x):\n    return operator.mul(x, 2)\n\n\ndef six_fold(x):\n    return 6 * x\n"
)


def calculator() -> Project:
    return Project.load(find_project("calculator"))


def test_right_answers_pass_all_of_a_function_s_tests_and_the_solution_is_not_shown() -> None:
    project = calculator()
    assert project.root is not None
    (right,) = load_solution(project.root).values()
    with open_tasks([project]) as tasks:
        assert [task.name for task in tasks] == [f"calculator {target.id}" for target in project.targets]
        for task in tasks:
            assert grade(task, right) == (1.0, f"{len(task.tests)} of {len(task.tests)} tests pass.")
            assert task.context.files == project.sources
            assert 'Cannot divide by zero")\n        result = a / b' not in "".join(task.context.files.values())


@pytest.mark.parametrize(
    ("solution", "code", "score", "said"),
    [
        (SOLUTION, "def double(x):\n    return 2 * x\n", 1.0, "2 of 2 tests pass."),
        (SOLUTION, "def double(x):\n    return 4\n", 1.0, "2 of 2"),
        (SOLUTION, "def double(x):\n    return operator.mul(x, 2)\n", 0.0, "name 'operator' is not defined"),
        (SOLUTION, "def double(x):\n    return 3 * x\n", 0.0, "assert 6 == 4"),
        (SOLUTION, "def double(y):\n    return 2 * y\n", 0.0, "cannot be used"),
        (SOLUTION, None, 0.0, "no code block"),
        ("", "def double(x):\n    return 2 * x\n", 1.0, "1 of 1 tests pass."),
    ],
)
def test_the_share_of_tests_that_pass_where_the_others_are_written(
    make_project: Make, solution: str, code: str | None, score: float, said: str
) -> None:
    folder = make_project("times", **FILES, **({"solution/times.py": solution} if solution else {}))
    with open_tasks([Project.load(folder)]) as tasks:
        found = grade(tasks[0], code)
    assert found[0] == score
    assert said in found[1]


def test_a_solution_that_cannot_stand_is_named(make_project: Make) -> None:
    folder = make_project("times", **FILES, **{"solution/times.py": "def double(x, y):\n    return 2 * x\n"})
    with pytest.raises(ProjectError, match=r"solution/times\.py cannot stand for"), open_tasks([Project.load(folder)]):
        pass


def test_the_same_function_in_two_projects_is_one_task(make_project: Make) -> None:
    twice = [Project.load(make_project(name, **FILES)) for name in ("first", "second")]
    with open_tasks(twice) as tasks:
        assert [task.name for task in tasks] == ["first times.py::double", "first times.py::six_fold"]


def named(*names: str) -> list[Task]:
    return [Task(name, name, None, None, {}, frozenset(), None) for name in names]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "validation", "sizes"),
    [(2, 0.5, (1, 1)), (2, 0.01, (1, 1)), (2, 0.99, (1, 1)), (7, 0.3, (5, 2)), (10, 0.5, (5, 5))],
)
def test_a_division_is_by_hash_and_seed_alone(count: int, validation: float, sizes: tuple[int, int]) -> None:
    tasks = named(*map(str, range(count)))
    train, validate = split(tasks, validation, seed=3)
    assert (len(train), len(validate)) == sizes
    assert {*train, *validate} == set(tasks)
    assert split(tasks[::-1], validation, seed=3) == (train, validate)


def test_another_seed_divides_otherwise() -> None:
    tasks = named(*map(str, range(20)))
    assert len({tuple(task.name for task in split(tasks, 0.5, seed)[1]) for seed in range(5)}) == 5


@pytest.mark.parametrize("names", [(), ("only",)])
def test_fewer_than_two_functions_is_one_clear_line(names: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="give a project with more TODOs, or several projects"):
        split(named(*names), 0.5, 0)


def exam(budget: int = 9) -> Exam:
    train, validation = named("a", "b"), named("c", "d")
    return Exam(Coder(ScriptedLM([""])), train, validation, budget=budget)


def test_the_budget_is_the_most_that_is_asked() -> None:
    sat = exam(budget=2)
    assert [sat.begin(name).name for name in "ab"] == ["a", "b"]
    with pytest.raises(Ended, match="budget"):
        sat.begin("c")
    assert sat.evaluations == 2


def test_a_strategy_counts_where_all_of_the_validation_split_was_asked() -> None:
    sat, (first, second, third) = exam(), (Strategy(name) for name in "xyz")
    for strategy, task, score in [(first, "a", 1.0), (first, "c", 0.5), (first, "d", 0.0), (second, "c", 0.9)]:
        sat.record(strategy, sat.tasks[task], score)
    assert (sat.validated(first), sat.validated(second), sat.best()) == (0.25, None, first)
    sat.record(second, sat.tasks["d"], 0.2)
    assert sat.best() == second
    sat.record(third, sat.tasks["c"], 1.0)
    with pytest.raises(Ended, match="perfect"):
        sat.record(third, sat.tasks["d"], 1.0)
    assert sat.best() == third
