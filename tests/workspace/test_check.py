from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blampert_env.errors import UsageError
from blampert_env.projects import Project, bundled_projects
from blampert_env.workspace.check import check_project
from blampert_env.workspace.checks.finding import Finding
from blampert_env.workspace.checks.right import ask_plain
from blampert_env.workspace.template import new_project

Make = Callable[..., Path]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second opening is in another process, and finds what the first one kept."""
    monkeypatch.setenv("BLAMPERT_CACHE", str(tmp_path_factory.getbasetemp() / "reports"))


def findings(folder: Path, **options: Any) -> dict[str, Finding]:
    return {finding.check: finding for finding in check_project(folder, **options)}


def statuses(folder: Path) -> dict[str, str]:
    return {name: finding.status for name, finding in findings(folder).items()}


def project(make_project: Make, tests: str, solution: str | None = "return 2 * x", **more: str) -> Path:
    stub = 'def double(x):\n    """Return twice x."""\n    # TODO: implement\n    {}\n'
    files = {"tiny.py": stub.format("return None"), "test_tiny.py": textwrap.dedent(tests)} | more
    if solution:
        files["solution/tiny.py"] = stub.format(solution)
    return make_project(**files)


GOOD = "from tiny import double\n\n\ndef test_double():\n    assert double(2) == 4\n"


ALL = ["targets", "collect", "untouched", "reached", "deterministic", "solution", "doors", "confirmed", "right code"]


def test_a_new_project_can_be_trained_on(tmp_path: Path) -> None:
    seen = findings(new_project("My App", tmp_path))
    assert {name: one.status for name, one in seen.items() if name != "cost"} == dict.fromkeys(ALL, "ok")
    assert set(seen["cost"].details) >= {"evaluation_s", "plain_pytest_s", "ratio", "opening_s", "opening_again_s"}
    json.dumps([dict(one.details) for one in seen.values()])


@pytest.mark.slow
@pytest.mark.parametrize("name", bundled_projects())
def test_bundled_projects_can_be_trained_on(name: str) -> None:
    assert set(statuses(bundled_projects()[name]).values()) <= {"ok", "note"}


def test_no_todo(make_project: Make) -> None:
    folder = make_project(**{"a.py": "def f():\n    return 1\n", "test_a.py": "def test_a():\n    pass\n"})
    seen = findings(folder)
    assert list(seen) == ["targets"]
    assert seen["targets"].status == "failed"
    assert f"blampert import repository {folder}" in seen["targets"].text


MUCH = """
    import os
    from pathlib import Path

    import pytest
    from tiny import double, half


    def test_double():
        assert double(2) == 4


    def test_hidden_file():
        assert double(2) == int(Path(".numbers/four").read_text())


    @pytest.mark.skip
    def test_skipped():
        assert False


    def test_wrong():
        assert half(4) == 3
"""
HALF = """

def half(x):
    \"""Return half of x.\"""
    # TODO: implement
    return {}


def third(x):
    \"""Return a third of x.\"""
    # TODO: implement
    return {}
"""


def test_everything_is_found_at_once(make_project: Make) -> None:
    folder = project(
        make_project,
        MUCH,
        **{
            ".numbers/four": "4",
            "test_lost.py": "import nothing_like_this\n",
            "pyproject.toml": '[dependency-groups]\ntest = ["pytest-miracle"]\n',
            "solution/other.py": "x = 1\n",
            "held_out/test_hidden.py": GOOD.replace("== 4", "== 5"),
        },
    )
    for path, bodies in (("tiny.py", ("None", "None")), ("solution/tiny.py", ("x / 2", "x / 3"))):
        with (folder / path).open("a") as file:
            file.write(HALF.format(*bodies))
    found = check_project(folder)
    seen = {finding.check: finding for finding in found}
    assert seen["plugins"].status == "note"
    assert "pyproject.toml asks for pytest-miracle, not installed: pip install pytest-miracle" in seen["plugins"].text
    assert "test_lost.py cannot be imported (ModuleNotFoundError" in seen["broken"].text
    assert list(seen["uncounted"].details) == ["test_tiny.py::test_skipped"]
    assert [one.text for one in found if one.check == "solution"] == [
        "solution/other.py stands for no source of the project: rename it",
        "it fails 2 of 4 tests: test_tiny.py::test_hidden_file, test_tiny.py::test_wrong",
    ]
    assert seen["reached"].details == {"tiny.py::double": 2, "tiny.py::half": 1, "tiny.py::third": 0}
    assert (seen["reached"].status, seen["confirmed"].status) == ("note", "ok")
    lost = seen["right code"]
    assert lost.status == "failed"
    assert list(lost.details) == ["test_tiny.py::test_hidden_file"], "plain pytest fails the wrong one, too"
    assert "loses 1 of 2 tests that plain pytest passes" in lost.text
    assert "FileNotFoundError" in lost.text
    assert seen["held-out"].status == "failed"


def test_code_that_is_not_plain_is_said_with_the_reason(make_project: Make) -> None:
    doors = findings(project(make_project, GOOD, solution="return __builtins__['int'](2 * x)"))["doors"]
    assert doors.status == "note"
    assert "not plain: " in doors.text
    assert "plain" not in doors.details


def test_untouched_code_that_passes(make_project: Make) -> None:
    folder = project(make_project, "import tiny\n\n\ndef test_it_is_there():\n    assert tiny.double\n")
    assert statuses(folder)["untouched"] == "failed"


def test_no_solution_is_no_failure(make_project: Make) -> None:
    seen = findings(project(make_project, GOOD + "\n\ndef test_there():\n    pass\n", solution=None))
    assert (seen["solution"].status, seen["deterministic"].status) == ("skipped", "ok")
    assert seen["right code"].status == "ok"
    assert "keeps all 1 test that plain pytest passes on the untouched code" in seen["right code"].text


def test_tests_that_end_pytest_are_named(make_project: Make) -> None:
    wrong = "from tiny import double\n\n\ndef test_ends_it():\n    import os\n    os.kill(os.getpid(), 9)\n"
    seen = findings(project(make_project, GOOD, **{"test_z.py": wrong}))
    assert "test_z.py::test_ends_it" in seen["plain pytest"].text
    assert seen["collect"].status == "failed"


def test_options_that_need_a_plugin_are_said_and_left_out(make_project: Make) -> None:
    folder = project(make_project, GOOD, **{"pytest.ini": "[pytest]\naddopts = --cov=tiny --no-such-thing-cov\n"})
    seen = findings(folder)
    assert "does not start" in seen["plain pytest"].text
    assert seen["targets"].status == "ok"


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        pytest.param("import time\n\ntime.sleep(100)\n" + GOOD, "does not end its import", id="import"),
        pytest.param(
            "def test_waits():\n    while True:\n        pass\n", "test_tiny.py::test_waits has not", id="test"
        ),
    ],
)
def test_tests_that_hang_are_named(make_project: Make, tests: str, said: str) -> None:
    plain = next(one for one in endless(project(make_project, tests)) if one.check == "plain pytest")
    assert plain.status == "failed"
    assert said in plain.text


def endless(folder: Path) -> list[Finding]:
    """What is found before the grader is asked, which waits longer."""
    loaded = Project.load(folder)
    return ask_plain(loaded, loaded.sources, sys.executable, 3.0, lambda line: None).findings


ORDER = """
    import tiny

    seen = []


    def test_first():
        seen.append(1)
        assert tiny.double(2) == 4


    def test_second():
        assert seen


    def test_third():
        assert tiny.double(0) == 0
"""


def test_tests_that_depend_on_their_order_lose_nothing(make_project: Make) -> None:
    seen = findings(project(make_project, ORDER))
    assert (seen["solution"].status, seen["right code"].status) == ("ok", "ok")
    # of the orders of three tests, half have the second before the first: the grader tries one
    assert "order" in seen or "deterministic" in seen


def test_tests_that_throw_dice_are_named(make_project: Make) -> None:
    coin = "\n\ndef test_coin_{}():\n    assert os.urandom(1)[0] % 2\n"
    folder = project(make_project, "import os\n\n" + GOOD + "".join(coin.format(i) for i in range(20)))
    flaky = findings(folder)["flaky"]
    assert flaky.status == "failed"
    assert set(flaky.details) <= {f"test_tiny.py::test_coin_{i}" for i in range(20)}


def test_new_refuses_a_name_that_cannot_be(tmp_path: Path) -> None:
    for name in ("9lives", "class", "--", "calculator"):
        with pytest.raises(UsageError):
            new_project(name, tmp_path)
    new_project("mine", tmp_path)
    with pytest.raises(UsageError, match="is there already"):
        new_project("mine", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_readmes_example_holds(tmp_path: Path) -> None:
    folder = new_project("mine", tmp_path)
    command = [sys.executable, "-m", "doctest", str(folder / "solution" / "mine.py")]
    assert subprocess.run(command, check=False).returncode == 0
