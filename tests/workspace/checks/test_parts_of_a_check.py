"""The parts of a check that need no grader."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.projects import Project
from blampert_env.projects.syntax import functions
from blampert_env.projects.target import make_target
from blampert_env.workspace.checks.finding import some
from blampert_env.workspace.checks.plain import copied, matched, run_plain
from blampert_env.workspace.checks.plugins import missing_plugins, pip_names
from blampert_env.workspace.checks.probe import probe

Make = Callable[..., Path]
STUB = 'def double(x):\n    """Return twice x."""\n    # TODO: implement\n    return None\n'
TEST = "from tiny import double\n\n\ndef test_double():\n    assert double(2) == 4\n"


@pytest.mark.parametrize(
    ("tests", "found", "said"),
    [
        (["a"], {"a": "passed"}, ["passed"]),
        (["a", "b"], {"a": "passed"}, ["passed", "missing"]),
        (["f[0x1]", "f[0x2]"], {"f[0x3]": "passed", "f[0x4]": "failed"}, ["passed", "failed"]),
        (["f[0x1]", "f[1]"], {"f[1]": "failed", "f[0x3]": "passed"}, ["passed", "failed"]),
        (["f[0x1]", "f[0x2]"], {"f[0x3]": "passed"}, ["missing", "missing"]),
        (["f[0x1]"], {"g[0x1]": "passed"}, ["missing"]),
    ],
)
def test_ids_that_vary_are_matched_by_position(tests: list[str], found: dict[str, str], said: list[str]) -> None:
    assert list(matched(tests, found).values()) == said


def test_some() -> None:
    assert some(["a", "b"]) == "a, b"
    assert some(list("abcde")) == "a, b, c and 2 more"


EVERY_KIND = """
import subprocess
import sys

import pytest


def test_passes():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])  # outlives pytest


def test_fails():
    assert False


@pytest.fixture
def broken():
    yield
    assert False


def test_error(broken):
    pass


@pytest.mark.skip
def test_skipped():
    pass


@pytest.mark.xfail
def test_expected():
    assert False
"""


def plain_project(make_project: Make, **files: str) -> Project:
    return Project.load(make_project(**({"tiny.py": STUB, "test_tiny.py": TEST} | files)))


def test_plain_pytest_says_what_it_says(make_project: Make) -> None:
    files = {"test_kinds.py": EVERY_KIND, "test_lost.py": "import nothing_like_this\n", ".hidden/four": "4"}
    project = plain_project(make_project, **files)
    right = {"tiny.py": STUB.replace("None", "2 * x")}
    with copied(project, right) as root:
        assert (root / ".hidden" / "four").is_file()
        run = run_plain(project, root, sys.executable, limit_s=60)
    assert not root.exists()
    assert {test.partition("::test_")[2]: outcome for test, outcome in run.outcomes.items()} == {
        "passes": "passed",
        "fails": "failed",
        "error": "error",
        "skipped": "skipped",
        "expected": "skipped",
        "double": "passed",
    }
    assert list(run.broken) == ["test_lost.py"]
    assert (run.collected, run.killed, run.code) == (6, False, 1)


def test_what_waits_at_import_is_named(make_project: Make) -> None:
    project = plain_project(make_project, **{"test_waits.py": "import time\n\ntime.sleep(100)\n"})
    with copied(project, project.sources) as root:
        run = run_plain(project, root, sys.executable, limit_s=5)
    assert (run.started, run.killed, run.at) == (False, True, "test_waits.py")
    assert run.seconds < 30


def test_what_pytest_does_not_understand_is_said(make_project: Make) -> None:
    project = plain_project(make_project, **{"pytest.ini": "[pytest]\naddopts = --no-such-option\n"})
    with copied(project, project.sources) as root:
        run = run_plain(project, root, sys.executable, limit_s=60)
    assert not run.started
    assert "--no-such-option" in run.said


PYPROJECT = """
[tool.pytest.ini_options]
required_plugins = ["pytest-wonder>=2"]
addopts = "-p pytest_marvel -p own_plugin -p pytester --cov"

[dependency-groups]
dev = ["pytest-miracle", "pytest-cov", "requests", "pytest"]
"""


def test_plugins_that_are_not_there_are_named_with_their_files(make_project: Make) -> None:
    files = {"pyproject.toml": PYPROJECT, "requirements-dev.txt": "pytest-mirage\n", "own_plugin.py": "X = 1\n"}
    missing = missing_plugins(plain_project(make_project, **files), sys.executable)
    assert {(one.name, one.file, one.is_required) for one in missing} == {
        ("pytest-wonder", "pyproject.toml", True),
        ("pytest_marvel", "pyproject.toml", True),
        ("pytest-miracle", "pyproject.toml", False),
        ("pytest-mirage", "requirements-dev.txt", False),
    }
    assert pip_names(missing) == "pytest-miracle pytest-mirage pytest-wonder pytest-marvel"


def test_a_project_without_plugins_asks_nobody(make_project: Make) -> None:
    assert missing_plugins(plain_project(make_project), "no-such-python") == []


SOURCES = '''
class Box:
    @property
    def size(self):
        """Its size."""
        # TODO
        return self._size

    @size.setter
    def size(self, value): self._size = value  # TODO

    def first(self,
              more):
        """Only text, TODO."""

    def second(self):
        """A function of its own."""

        @staticmethod
        def inner():
            # TODO
            return 1
        return inner()
'''


def test_a_probe_is_the_same_code_with_another_text() -> None:
    targets = [make_target("box.py", SOURCES, function, "todo") for function in functions(SOURCES)]
    assert len(targets) == 4
    first, second = (probe({"box.py": SOURCES}, targets)["box.py"] for _ in range(2))
    assert first != second

    class Without(ast.NodeTransformer):
        def visit_Pass(self, node: ast.Pass) -> None:
            return None

    assert first.count("pass  # ") == 2, "the others have no line of their own to put it in"
    assert ast.dump(Without().visit(ast.parse(first))) == ast.dump(ast.parse(SOURCES))
