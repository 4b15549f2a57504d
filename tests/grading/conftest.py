"""A project in memory, and the promise that holds after every test: no process and no file is left."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
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


def processes_of(scratch: Path) -> list[int]:
    """Processes whose environment names the scratch folder, as that of everything a grader starts does."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(scratch).encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this test's graders keep their folders; checked to be empty and without processes at the end."""
    folder = tmp_path / "scratch-of-graders"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []
    deadline = time.monotonic() + 1  # a killed process is visible until it is reaped
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert processes_of(folder) == []


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
