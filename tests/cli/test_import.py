"""``blampert import repository`` and, beside it, ``blampert import FILE``."""

import json
import stat
from pathlib import Path

import pytest

from blampert_env.cli import main

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
    assert "blampert import repository PATH" in out
    with pytest.raises(SystemExit):
        main(["import", "repository", "--help"])
