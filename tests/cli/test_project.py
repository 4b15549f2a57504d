"""``blampert project check``: what it prints, and its exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.cli import main

Make = Callable[..., Path]
STUB = 'def double(x):\n    """Return twice x."""\n    # TODO: implement\n    return None\n'
TESTS = """from pathlib import Path

from tiny import double


def test_double():
    assert double(2) == 4


def test_hidden_file():
    assert double(2) == int(Path(".numbers/four").read_text())
"""


@pytest.fixture(autouse=True)
def cache(home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second opening is in another process, and finds what the first one kept."""
    monkeypatch.setenv("BLAMPERT_CACHE", str(tmp_path_factory.getbasetemp() / "reports"))


def test_right_code_that_loses_is_exit_code_1(make_project: Make, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"solution/tiny.py": STUB.replace("None", "2 * x"), ".numbers/four": "4"}
    folder = make_project(**{"tiny.py": STUB, "test_tiny.py": TESTS} | files)
    assert main(["project", "check", str(folder), "--json", "--python", sys.executable]) == 1
    rows = {row["check"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["right code"]["status"] == "failed"
    assert list(rows["right code"]["details"]) == ["test_tiny.py::test_hidden_file"]
    assert rows["cost"]["details"]["plain_pytest_s"] > 0


@pytest.mark.slow
def test_details_are_shown_for_what_is_not_well(make_project: Make, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_project(**{"tiny.py": STUB, "test_tiny.py": TESTS, "test_lost.py": "import nothing_like_this\n"})
    assert main(["project", "check", str(folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:2] == ["FAILED", "broken"] for line in lines)
    assert any(line.startswith(" " * 23 + "test_lost.py") for line in lines)
    assert lines[-1] == "tiny: 1 to mend"


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        pytest.param(["no_such_project"], "no_such_project", id="project"),
        pytest.param(["calculator", "--python", "no-such-python"], "no-such-python", id="interpreter"),
    ],
)
def test_wrong_use_is_exit_code_2(argument: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["project", "check", *argument]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert said in error
    assert "Traceback" not in error


def test_a_target_that_is_not_there_is_one_line(make_project: Make, capsys: pytest.CaptureFixture[str]) -> None:
    settings = '[tool.blampert]\ntargets = ["tiny.py::dubble"]\n'
    folder = make_project(**{"tiny.py": STUB, "test_tiny.py": TESTS, "pyproject.toml": settings})
    assert main(["project", "check", str(folder)]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("FAILED  targets")
    assert "dubble" in first
    assert last == "tiny: 1 to mend"
