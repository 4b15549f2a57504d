from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.errors import UsageError
from blampert_env.projects import bundled_projects
from blampert_env.workspace.check import check_project
from blampert_env.workspace.template import new_project

Make = Callable[..., Path]


def statuses(folder: Path) -> dict[str, str]:
    return {finding.check: finding.status for finding in check_project(folder)}


def found(folder: Path, check: str) -> tuple[str, str]:
    """Status and text of one check."""
    return next((finding.status, finding.text) for finding in check_project(folder) if finding.check == check)


def project(make_project: Make, tests: str, solution: str | None = "return 2 * x", **more: str) -> Path:
    stub = 'def double(x):\n    """Return twice x."""\n    # TODO: implement\n    {}\n'
    files = {"tiny.py": stub.format("return None"), "test_tiny.py": textwrap.dedent(tests)} | more
    if solution:
        files["solution/tiny.py"] = stub.format(solution)
    return make_project(**files)


GOOD = "from tiny import double\n\n\ndef test_double():\n    assert double(2) == 4\n"


def test_a_new_project_can_be_trained_on(tmp_path: Path) -> None:
    seen = statuses(new_project("My App", tmp_path))
    assert seen == dict.fromkeys(["targets", "collect", "untouched", "solution", "deterministic"], "ok")


@pytest.mark.slow
@pytest.mark.parametrize("name", bundled_projects())
def test_bundled_projects_can_be_trained_on(name: str) -> None:
    assert set(statuses(bundled_projects()[name]).values()) == {"ok"}


def test_no_todo(make_project: Make) -> None:
    folder = make_project(**{"a.py": "def f():\n    return 1\n", "test_a.py": "def test_a():\n    pass\n"})
    assert statuses(folder) == {"targets": "failed"}


def test_tests_that_do_not_collect(make_project: Make) -> None:
    folder = project(make_project, "import nothing_like_this\n" + GOOD)
    status, text = found(folder, "collect")
    assert status == "failed"
    assert "nothing_like_this" in text


def test_untouched_code_that_passes(make_project: Make) -> None:
    folder = project(make_project, "import tiny\n\n\ndef test_it_is_there():\n    assert tiny.double\n")
    assert statuses(folder)["untouched"] == "failed"


def test_a_wrong_solution_is_named(make_project: Make) -> None:
    folder = project(make_project, GOOD, solution="return x")
    status, text = found(folder, "solution")
    assert status == "failed"
    assert "test_tiny.py::test_double" in text


def test_a_solution_of_another_file(make_project: Make) -> None:
    folder = project(make_project, GOOD, solution=None, **{"solution/tinny.py": "x = 1\n"})
    assert "solution/tinny.py stands for no source" in found(folder, "solution")[1]


def test_a_wrong_held_out_test(make_project: Make) -> None:
    wrong = "from tiny import double\n\n\ndef test_hidden():\n    assert double(2) == 5\n"
    assert statuses(project(make_project, GOOD, **{"held_out/test_hidden.py": wrong}))["held-out"] == "failed"


def test_no_solution_is_no_failure(make_project: Make) -> None:
    seen = statuses(project(make_project, GOOD, solution=None))
    assert (seen["solution"], seen["deterministic"]) == ("skipped", "ok")


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


def test_tests_that_depend_on_their_order_are_named(make_project: Make) -> None:
    folder = project(make_project, ORDER)
    seen = {finding.check: finding for finding in check_project(folder)}
    assert seen["solution"].status == "ok", "in the order of the file all is well"
    assert seen["deterministic"].status == "failed"
    assert "test_tiny.py::test_second: failed, passed in 5 orders" in seen["deterministic"].text


def test_tests_that_throw_dice_are_named(make_project: Make) -> None:
    # the chance that 20 coins fall the same way five times is 1 in 2 ** 80
    coin = "\n\ndef test_coin_{}():\n    assert os.urandom(1)[0] % 2\n"
    folder = project(make_project, "import os\n\n" + GOOD + "".join(coin.format(i) for i in range(20)))
    assert found(folder, "deterministic")[0] == "failed"


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
