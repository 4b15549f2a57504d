"""A project in memory, and the promise that holds after every test: no process and no file is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.projects import Project

STUB = "def double(x):\n    # TODO: implement\n    raise NotImplementedError\n"
SOLVED = "def double(x):\n    return 2 * x\n"
TESTS = """
import pytest
from tiny import double

def test_one():
    assert double(1) == 2

def test_two():
    assert double(2) == 4

def test_three():
    assert double(3) == 6
"""
ONE, TWO, THREE = "test_tiny.py::test_one", "test_tiny.py::test_two", "test_tiny.py::test_three"


@pytest.fixture(autouse=True)
def clean(scratch: Path) -> Path:
    """The promise of the first line, for every test here."""
    return scratch


@pytest.fixture
def project() -> Project:
    """One function, three visible tests."""
    return Project.from_files("tiny", {"tiny.py": STUB, "test_tiny.py": TESTS})


@pytest.fixture
def project_of() -> Callable[..., Project]:
    """Makes a project from the text of its test file, and other files."""

    def make(tests: str, source: str = STUB, **files: str) -> Project:
        return Project.from_files("tiny", {"tiny.py": source, "test_tiny.py": tests, **files})

    return make
