"""Plain pytest's word: outcomes of every kind, runs that do not end, files that cannot be imported."""

from __future__ import annotations

import sys
from pathlib import Path

import plain
import pytest

TESTS = """
import unittest

import pytest

def test_passes(): pass
def test_fails(): assert False
@pytest.fixture
def broken():
    yield
    raise ValueError
def test_tear_down(broken): pass
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.xfail
def test_expected(): assert False
@pytest.mark.parametrize("n", [1, 2])
def test_many(n): assert n == 1
class Case(unittest.TestCase):
    def test_parts(self):
        for number in range(3):
            with self.subTest(number=number):
                assert number != 1
    def test_skipped_parts(self):
        with self.subTest():
            self.skipTest("this part")
"""


def run(folder: Path, limit_s: float = 60) -> plain.Run:
    return plain.run(sys.executable, folder, [], limit_s)


def test_outcomes(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(TESTS)
    (tmp_path / "test_b.py").write_text("import not_there\n")
    found = run(tmp_path)
    assert found.complete
    assert not found.is_broken
    assert 0 < found.seconds < 60
    assert {test.removeprefix("test_a.py::"): outcome for test, outcome in found.outcomes.items()} == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_tear_down": "error",
        "test_skipped": "skipped",
        "test_expected": "skipped",
        "test_many[1]": "passed",
        "test_many[2]": "failed",
        "Case::test_parts": "failed",
        "Case::test_skipped_parts": "passed",
    }


def test_a_run_that_does_not_end(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def test_a(): pass\ndef test_b():\n    while True: pass\n")
    found = run(tmp_path, limit_s=4)
    assert not found.complete
    assert not found.is_broken
    assert found.outcomes == {"test_a.py::test_a": "passed"}
    assert found.seconds < 10


def test_src_is_importable(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "inside.py").touch()
    (tmp_path / "test_a.py").write_text("import inside\ndef test_a(): pass\n")
    assert run(tmp_path).outcomes == {"test_a.py::test_a": "passed"}


@pytest.mark.parametrize(
    ("name", "text", "is_broken"),
    [
        ("iniconfig.py", "raise OSError", True),
        ("conftest.py", "def pytest_collection_modifyitems(): raise OSError", True),
        ("imported.py", "raise OSError", False),
    ],
)
def test_pytest_itself_can_be_broken(tmp_path: Path, name: str, text: str, is_broken: bool) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "test_a.py").write_text("import imported\ndef test_a(): pass\n")
    found = run(tmp_path)
    assert found.is_broken == is_broken
    assert found.outcomes == {}
