"""Which of the candidate's files count."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blampert_env.errors import GraderError, ProjectError
from blampert_env.grading import Grader, make_grader
from blampert_env.projects import Project

from .conftest import ONE, SOLVED, STUB, TESTS, THREE, TWO

Make = Callable[..., Project]
CONFTEST = "def pytest_collection_modifyitems(items):\n    items.clear()\n"
PASSING = "def test_one(): pass\ndef test_two(): pass\ndef test_three(): pass\n"


@pytest.mark.parametrize("content", [SOLVED, SOLVED.encode()])
def test_sources_count(project: Project, content: str | bytes) -> None:
    report = make_grader(project).grade({"tiny.py": content})
    assert report.outcomes == dict.fromkeys([ONE, TWO, THREE], "passed")
    assert report.all_passed


def test_tests_and_configuration_are_the_projects(project_of: Make) -> None:
    project = project_of(TESTS, **{"conftest.py": "", "pytest.ini": "[pytest]\n", "data.txt": "1"})
    files = {"test_tiny.py": PASSING, "conftest.py": CONFTEST, "pytest.ini": "[pytest]\npython_functions = none\n"}
    grader = make_grader(project)
    assert grader.grade(files) == grader.baseline
    assert grader.grade({**files, "tiny.py": SOLVED, "data.txt": "2"}).all_passed


@pytest.mark.parametrize(
    "files",
    [
        {"conftest.py": CONFTEST},
        {"new.py": ""},
        {"../tiny.py": SOLVED},
        {"/etc/passwd": ""},
        {"./tiny.py": SOLVED},
        {"tiny.py\x00": SOLVED},
        {"tiny.py": None},
        {"tiny.py": "#" * 2_000_001},
        {3: ""},
    ],
)
def test_rejected(project: Project, files: dict[str, str]) -> None:
    report = make_grader(project).grade(files)
    assert (report.verdict, report.killed, report.passed) == ("rejected", None, 0)
    assert report.outcomes == dict.fromkeys([ONE, TWO, THREE], "missing")


def test_nothing_given_is_the_baseline(project: Project) -> None:
    grader = make_grader(project)
    assert grader.grade({}) == grader.baseline == grader.grade(project.sources)
    assert grader.test_ids == (ONE, TWO, THREE)
    assert grader.baseline.outcomes == dict.fromkeys([ONE, TWO, THREE], "failed")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"test_tiny.py": "import tiny\n"}, "collects no test"),
        ({"test_tiny.py": "from tiny import nothing\ndef test(): pass\n"}, "cannot import name 'nothing'"),
        ({"test_tiny.py": "import no_such_package\ndef test_it(): pass\n"}, "no_such_package"),
        ({"test_tiny.py": TESTS, "conftest.py": "1/0\n"}, "ZeroDivisionError"),
        ({"test_tiny.py": TESTS, "pytest.ini": "[pytest]\nrequired_plugins = pytest-nowhere\n"}, "pytest-nowhere"),
        (
            {"statistics.py": STUB, "test_tiny.py": "import statistics\ndef test(): pass\n"},
            "statistics.py has the name",
        ),
    ],
)
def test_projects_that_cannot_be_graded(files: dict[str, str], said: str) -> None:
    project = Project.from_files("tiny", {"tiny.py": STUB, **files})
    with pytest.raises(ProjectError, match=said) as caught:
        _ = make_grader(project).baseline
    assert "\n" not in str(caught.value)
    assert "blampert-grader-" not in str(caught.value)


def test_layouts(project_of: Make) -> None:
    files = {
        "src/package/__init__.py": "",
        "src/package/core.py": "def one():\n    pass  # TODO\n",
        "lib/deep.py": "DEEP = 1\n",
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["lib"]\naddopts = "--cov=nowhere -x"\n',
        "tests/__init__.py": "",
        "tests/helpers.py": "from package.core import one\n",
        "tests/test_same.py": "from .helpers import one\nimport deep\ndef test_one(): assert one() == 1\n",
        "more/test_same.py": "import local\ndef test_local(): assert local.HERE\n",
        "more/local.py": "HERE = True\n",
    }
    report = make_grader(project_of(TESTS, **files)).grade({"src/package/core.py": "def one(): return 1\n"})
    passed = {test for test, outcome in report.outcomes.items() if outcome == "passed"}
    assert passed == {"tests/test_same.py::test_one", "more/test_same.py::test_local"}


def test_held_out_tests_are_apart_and_silent() -> None:
    tests = {
        "test_tiny.py": "import os, tiny\ndef test_shown(): assert not os.path.exists('held_out'); tiny.double(1)\n"
    }
    held_out = {"test_tiny.py": "import tiny\ndef test_hidden(): assert tiny.double(21) == 'the secret'\n"}
    project = Project.from_files("tiny", {"tiny.py": STUB, **tests}, held_out=held_out)
    leaky = "import glob\ndef double(x): raise ValueError(open(glob.glob('held_out/*')[0]).read())\n"
    shown, hidden = "test_tiny.py::test_shown", "held_out/test_tiny.py::test_hidden"
    visible = make_grader(project).grade({"tiny.py": leaky})
    assert list(visible.outcomes) == [shown]
    assert "the secret" not in str(visible)
    for tests_of, ids in (("held_out", {hidden}), ("all", {shown, hidden})):
        report = make_grader(project, tests=tests_of).grade({"tiny.py": leaky})  # type: ignore[arg-type]
        assert set(report.outcomes) == set(report.failures) == ids
        assert set(report.failures.values()) == {""}


def test_no_held_out_tests(project: Project) -> None:
    with pytest.raises(ProjectError, match="no held-out tests"):
        _ = make_grader(project, tests="held_out").test_ids


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"isolation": "best"}, "isolation must be one of default, strict, none, not 'best'"),
        ({"tests": "hidden"}, "tests must be one of"),
        ({"timeout_s": 0}, "timeout_s must be"),
        ({"timeout_s": float("nan")}, "timeout_s must be"),
        ({"python": "/nowhere/python"}, "is no program"),
    ],
)
def test_bad_arguments(project: Project, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(GraderError, match=said):
        Grader(project, **arguments)  # type: ignore[arg-type]


def test_plugins_are_those_that_pytest_finds(project_of: Make) -> None:
    tests = """
import pytest
@pytest.fixture
def anyio_backend(): return "asyncio"
@pytest.mark.anyio
async def test_async(): pass
"""
    assert make_grader(project_of(tests)).baseline.passed == 1
