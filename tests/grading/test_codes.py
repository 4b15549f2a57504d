"""What was compiled once is used again for the same text at the same place, and for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from blampert_env.grading import make_grader
from blampert_env.grading.jail.stages.codes import Codes
from blampert_env.projects import Project

from .conftest import SOLVED, STUB


def test_the_same_text_is_compiled_once(tmp_path: Path) -> None:
    path, text = str(tmp_path / "a.py"), b"def f():\n    return 1\n"
    codes = Codes(str(tmp_path), {})
    assert codes.plain(path, text) is codes.plain(path, text)
    assert codes.plain(path, text) != codes.plain(path, text.replace(b"1", b"2"))
    again = Codes(str(tmp_path), codes.new())
    assert again.plain(path, text) == codes.plain(path, text)
    assert again.new() == {}
    again.plain(str(tmp_path / "b.py"), text)
    assert len(again.new()) == 1


def test_assertions_are_rewritten(tmp_path: Path) -> None:
    path, text = str(tmp_path / "test_a.py"), b"def test_a():\n    assert [1, 2] == [1, 3]\n"
    codes = Codes(str(tmp_path), {})
    assert "@pytest_ar" in codes.rewritten(path, text).co_names
    assert "@pytest_ar" not in codes.plain(path, text).co_names


def test_what_does_not_compile(tmp_path: Path) -> None:
    with pytest.raises(SyntaxError):
        Codes(str(tmp_path), {}).plain(str(tmp_path / "a.py"), b"def f(:\n")


def test_a_project_is_opened_with_what_was_kept() -> None:
    project = Project.from_files(
        "tiny", {"tiny.py": STUB, "test_tiny.py": "import tiny\ndef test_one(): tiny.double(1)\n"}
    )
    first = make_grader(project)
    assert first.baseline.passed == 0
    kept = first._doors().engine.codes
    assert {key.split()[0] for key in kept} == {"plain", "rewritten"}
    assert make_grader(project).grade({"tiny.py": SOLVED}).all_passed
