"""Problems in MBPP's formats as projects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from blampert_env.cli import import_command
from blampert_env.errors import ProjectError
from blampert_env.grading import make_grader
from blampert_env.projects import Project
from blampert_env.projects.importers.mbpp import mbpp_problems

RING = """import math\r
def square(x):\r
  return x * x\r
def ring(a, b):\r
  return round(math.pi * (square(b) - square(a)))"""
AREA = {
    "task_id": 7,
    "text": "Write a function to find the area of a ring.",
    "code": RING,
    "test_setup_code": "",
    "test_list": ["assert ring(0, 1) == 3", "assert ring(1, 2) == 9", "assert ring(2, 2) == 0"],
    "challenge_test_list": ["assert ring(0, 0) == 0"],
}
ADD = {
    "task_id": 8,
    "prompt": 'Say "sum".',
    "code": "def add(a, b):\n    return a + b\n",
    "test_imports": ["import math"],
    "test_list": ["assert add(1, 2) == 3", "assert add(1, math.inf) == math.inf"],
}
ELSE = [(b"", "no MBPP problem"), (b"[]", "no MBPP problem"), (b"\xff", "UTF-8")]


def lines(path: Path, *entries: Any) -> Path:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in entries))
    return path


def test_json_lines(tmp_path: Path) -> None:
    problem = mbpp_problems(lines(tmp_path / "mbpp.jsonl", AREA)).found["mbpp_7"]
    project = problem.project
    (target,) = project.targets
    assert target.id == "solution.py::ring"
    assert target.docstring == "Write a function to find the area of a ring."
    assert "square" not in project.sources["solution.py"]
    assert project.sources["solution.py"].startswith("import math\n")
    shown, held = project.tests["test_solution.py"], project.held_out["held_out/test_more_solution.py"].decode()
    assert [shown.count("assert"), held.count("assert")] == [2, 2]
    assert "ring(0, 0)" in held
    assert not set(shown.splitlines()) & {line for line in held.splitlines() if "assert" in line}


def test_a_json_list_with_imports_of_the_tests(tmp_path: Path) -> None:
    path = tmp_path / "sanitized-mbpp.json"
    path.write_text(json.dumps([ADD]))
    project = mbpp_problems(path).found["mbpp_8"].project
    assert project.tests["test_solution.py"].startswith("import math\n\nfrom solution import add\n")
    assert project.targets[0].docstring is not None
    assert project.targets[0].docstring.strip() == 'Say "sum".'


@pytest.mark.parametrize("entry", [AREA, ADD], ids=["lines", "list"])
def test_the_authors_code_passes_and_the_stub_does_not(tmp_path: Path, entry: dict[str, Any]) -> None:
    (problem,) = mbpp_problems(lines(tmp_path / "mbpp.jsonl", entry)).found.values()
    for tests in ("visible", "held_out"):
        with make_grader(problem.project, tests=tests) as grader:
            assert grader.grade(problem.solution).all_passed
            assert grader.grade({}).passed == 0


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({**AREA, "test_list": ["assert ring(0, 1) == 3"]}, "has fewer than two tests"),
        ({**AREA, "code": "def ring(:"}, "does not parse"),
        ({**AREA, "code": "def other():\n    pass"}, "has no single function that every test calls"),
        ({**AREA, "test_list": ["assert ring(0, 1) == 3", "for x in []: pass"]}, "has a test that is no single assert"),
        ({**AREA, "code": "def ring(a, b): return a"}, "has its body on the line of its def"),
        ({**AREA, "task_id": "x"}, "lacks a task_id, a code or a text"),
        ("[1]", "is no JSON object"),
        ("{", "is no JSON object"),
        (AREA, "is there twice"),
        ({**AREA, "task_id": 70}, "is there twice"),
    ],
)
def test_what_is_wrong_is_counted_and_the_rest_taken(tmp_path: Path, entry: Any, reason: str) -> None:
    problems = mbpp_problems(lines(tmp_path / "mbpp.jsonl", AREA, entry, ADD))
    assert list(problems.found) == ["mbpp_7", "mbpp_8"]
    assert dict(problems.refused) == {reason: 1}


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "no MBPP problem"), (b"[]", "no MBPP problem"), (b"\xff", "UTF-8")]
)
def test_another_file_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.jsonl").write_bytes(content)
    with pytest.raises(ProjectError, match=said):
        mbpp_problems(tmp_path / "x.jsonl")
    with pytest.raises(ProjectError, match="cannot read"):
        mbpp_problems(tmp_path / "none.jsonl")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {**ADD, "task_id": 9, "prompt": "Add.", "code": "def add(a, b):\n    return a + min(b, 9)\n"}
    idle = {**ADD, "task_id": 10, "prompt": "Add?", "test_list": ["assert add", "assert add != 0"]}
    path, goal = lines(tmp_path / "mbpp.jsonl", AREA, ADD, wrong, idle), tmp_path / "out"
    assert import_command.main(["mbpp", str(path), "-o", str(goal)]) == 0
    said = capsys.readouterr().out
    assert "refused 1: its own code fails its tests" in said
    assert "refused 1: its tests pass without any code" in said
    assert f"made 2 projects in {goal}" in said
    assert sorted(one.name for one in goal.iterdir()) == ["mbpp_7", "mbpp_8"]
    assert Project.load(goal / "mbpp_7").held_out
    assert import_command.main(["mbpp", str(path), "-o", str(goal), "--json", "--limit", "2"]) == 1
    assert json.loads(capsys.readouterr().out)["refused"] == {"has its folder already, which stays as it is": 2}
