"""What a test is: our static picture against pytest's own collection of the same files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from blampert_env.errors import ProjectError
from blampert_env.projects import Project
from blampert_env.projects.configuration import read_configuration

MOD = "def add(a, b):\n    # TODO: implement\n    raise NotImplementedError\n"
TEST = "def test_it():\n    pass\n\n\ndef check_it():\n    pass\n"
DOC = 'def add(a, b):  # TODO: implement\n    """Add.\n\n    >>> 1 + 1\n    2\n    """\n    raise NotImplementedError\n'
BROKEN = "def (\n"

LAYOUTS: dict[str, dict[str, str]] = {
    "default": {
        "test_a.py": TEST,
        "b_test.py": TEST,
        "tests/test_c.py": TEST,
        "sub/build/test_d.py": TEST,
        "check_e.py": TEST,
    },
    "pytest.toml": {
        "pytest.toml": '[pytest]\npython_files = ["check_*.py"]\n',
        "check_a.py": TEST,
        "test_b.py": BROKEN,
    },
    ".pytest.toml": {
        ".pytest.toml": '[pytest]\npython_files = ["check_*.py"]\n',
        "check_a.py": TEST,
        "test_b.py": TEST,
    },
    "pytest.ini": {
        "pytest.ini": "[pytest]\npython_files = check_*.py test_*.py\n",
        "check_a.py": TEST,
        "test_b.py": TEST,
    },
    ".pytest.ini": {".pytest.ini": "[pytest]\ntestpaths = tests\n", "tests/test_a.py": TEST, "test_b.py": BROKEN},
    "empty pytest.ini decides": {"pytest.ini": "", "tox.ini": "[pytest]\npython_files = x_*.py\n", "test_a.py": TEST},
    "tool.pytest": {
        "pyproject.toml": '[tool.pytest]\ntestpaths = ["tests"]\n',
        "tests/test_a.py": TEST,
        "x/test_b.py": TEST,
    },
    "ini_options": {
        "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = "tests more"\n',
        **{"tests/test_a.py": TEST, "more/test_b.py": TEST, "x/test_c.py": TEST},
    },
    "pyproject without pytest": {
        "pyproject.toml": '[project]\nname = "x"\n',
        **{"tox.ini": "[pytest]\npython_files = x_*.py\n", "x_a.py": TEST, "test_b.py": TEST},
    },
    "setup.cfg": {"setup.cfg": "[tool:pytest]\npython_files =\n    *_spec.py\n", "a_spec.py": TEST, "test_b.py": TEST},
    "order": {
        "tox.ini": "[pytest]\npython_files = x_*.py\n",
        **{"setup.cfg": "[tool:pytest]\npython_files = y_*.py\n", "x_a.py": TEST, "y_b.py": TEST},
    },
    "testpaths glob": {
        "pytest.ini": "[pytest]\ntestpaths = */tests\n",
        **{"a/tests/test_a.py": TEST, "b/tests/test_b.py": TEST, "tests/test_c.py": TEST},
    },
    "testpaths deep glob": {
        "pytest.ini": "[pytest]\ntestpaths = src/**/tests\n",
        **{"src/a/b/tests/test_a.py": TEST, "src/tests/test_b.py": TEST, "other/tests/test_c.py": TEST},
    },
    "testpaths that are not there": {"pytest.ini": "[pytest]\ntestpaths = nowhere\n", "test_a.py": TEST},
    "testpaths file": {"pytest.ini": "[pytest]\ntestpaths = checks.py\n", "checks.py": TEST, "test_b.py": TEST},
    "norecursedirs": {
        "pytest.ini": "[pytest]\nnorecursedirs = data old*\n",
        **{
            "tests/test_a.py": TEST,
            "tests/data/test_b.py": BROKEN,
            "older/test_c.py": TEST,
            "sub/build/test_d.py": TEST,
        },
    },
    "norecursedirs with a slash": {
        "pytest.ini": "[pytest]\nnorecursedirs = tests/data\n",
        **{"tests/test_a.py": TEST, "tests/data/test_b.py": BROKEN, "data/test_c.py": TEST},
    },
    "ignore": {
        "pytest.ini": "[pytest]\naddopts = -ra --ignore=tests/old --ignore tests/test_b.py --ignore-glob=*_slow.py\n",
        **{
            "tests/test_a.py": TEST,
            "tests/old/test_c.py": BROKEN,
            "tests/test_b.py": BROKEN,
            "tests/test_slow.py": TEST,
        },
    },
    "ignore glob": {
        "pytest.ini": "[pytest]\naddopts = --ignore-glob='tests/old*'\n",
        **{"tests/test_a.py": TEST, "tests/older/test_c.py": BROKEN},
    },
    "addopts names a folder": {
        "pytest.ini": "[pytest]\naddopts = -ra --strict-markers tests\ntestpaths = other\n",
        **{"tests/test_a.py": TEST, "other/test_b.py": TEST},
    },
    "override": {"pytest.ini": "[pytest]\naddopts = -o python_files=x_*.py\n", "x_a.py": TEST, "test_b.py": TEST},
    "python_files with a slash": {
        "pytest.ini": "[pytest]\npython_files = checks/*.py\n",
        **{"a/checks/one.py": TEST, "checks/two.py": TEST, "test_b.py": TEST},
    },
    "doctest modules": {
        "pytest.ini": "[pytest]\naddopts = --doctest-modules\n",
        "doc.py": DOC,
        "setup.py": DOC,
        "__main__.py": DOC,
    },
    "doctest text": {
        "pytest.ini": "[pytest]\naddopts = --doctest-glob=*.md\n",
        "README.md": ">>> 1\n1\n",
        "x.rst": ">>> 1\n",
    },
    "doctest default": {"test_it.txt": ">>> 1\n1\n", "other.txt": ">>> 1\n1\n", "sub/test.txt": ">>> 1\n1\n"},
    "doctest testpaths": {
        "pytest.ini": "[pytest]\naddopts = --doctest-modules\ntestpaths = pkg\n",
        **{"pkg/__init__.py": "", "pkg/doc.py": DOC, "other.py": DOC},
    },
}


def write(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def collected(root: Path) -> set[str]:
    """Files that pytest itself collects something from."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--collect-only",
            "-q",
            "-p",
            "no:cacheprovider",
            "--continue-on-collection-errors",
        ],
        cwd=root,
        env=environment | {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )
    lines = [line for line in done.stdout.splitlines() if "::" in line or line.startswith("ERROR")]
    assert done.returncode in (0, 5), done.stdout + done.stderr
    return {line.split("::")[0] for line in lines} - {""}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_are_those_that_pytest_collects(layout: str, tmp_path: Path) -> None:
    root = write(tmp_path / "p", {"mod.py": MOD, **LAYOUTS[layout]})
    project = Project.load(root)
    assert {*project.tests, *project.doctests} == collected(root)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_in_memory_as_on_disk(layout: str, tmp_path: Path) -> None:
    files = {"mod.py": MOD, **LAYOUTS[layout]}
    assert Project.from_files("p", files) == Project.load(write(tmp_path / "p", files))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"pytest.ini": "[pytest\n"}, r"pytest\.ini, line 1 cannot be read"),
        ({"pyproject.toml": "[tool\n"}, r"pyproject\.toml is not valid TOML"),
        ({"pyproject.toml": "[tool.pytest]\naddopts = '-q'\n"}, "must be a list of strings"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = 3\n"}, "must be text or a list of strings"),
        (
            {"pyproject.toml": "[tool.pytest]\naddopts = ['-q']\n[tool.pytest.ini_options]\nx = 'y'\n"},
            "keep one of them",
        ),
        ({"pyproject.toml": "tool = 3\n"}, "tool must be a table"),
        ({"pyproject.toml": "[tool]\npytest = 3\n"}, "pytest must be a table"),
        ({"pytest.toml": "pytest = 3\n"}, "pytest must be a table"),
        ({"setup.cfg": "[pytest]\naddopts = -q\n"}, r"call it \[tool:pytest\]"),
        ({"pytest.ini": "[pytest]\naddopts = '\n"}, "cannot be split into words"),
        ({"pytest.ini": b"[pytest]\n# \xff\n"}, "is not UTF-8"),
    ],
)
def test_configuration_that_pytest_would_refuse(files: dict[str, str | bytes], message: str) -> None:
    with pytest.raises(ProjectError, match=message) as caught:
        Project.from_files("p", {"mod.py": MOD, "test_a.py": TEST, **files})
    assert "\n" not in str(caught.value)


def test_what_the_configuration_says() -> None:
    text = (
        "[tool.pytest.ini_options]\npythonpath = 'src tests/helpers'\naddopts = '--import-mode=importlib -p x -pno:y'\n"
        "python_classes = ['Spec*']\nrequired_plugins = ['pytest-mock>=1']\n"
    )
    config = read_configuration({"pyproject.toml": text})
    assert config.file == "pyproject.toml"
    assert config.pythonpath == ("src", "tests/helpers")
    assert config.addopts == ("--import-mode=importlib", "-p", "x", "-pno:y")
    assert config.options.plugins == ("x", "no:y")
    assert (config.is_test_class("SpecAdd"), config.is_test_class("TestAdd")) == (True, False)
    assert config.required_plugins == ("pytest-mock>=1",)


def test_configuration_of_the_folder_that_is_given() -> None:
    files = {"tests/pytest.ini": "[pytest]\npythonpath = lib\n", "pytest.ini": "[pytest]\n", "tests/test_a.py": ""}
    assert read_configuration(files, ["tests"]).pythonpath == ("tests/lib",)
    assert read_configuration(files, ["tests/test_a.py"]).file == "tests/pytest.ini"
    assert read_configuration(files, ["tests", "."]).file == "pytest.ini"
    assert read_configuration(files).file == "pytest.ini"


FUNCTIONS = "def check_a(): add()\ndef it_b(): add()\ndef test_c(): add()\n"
CLASSES = "class SpecA:\n    def test_a(self): add()\nclass TestB:\n    def test_b(self): 1\n"
CASES = "import unittest\nclass Box(unittest.TestCase):\n    def test_a(self): add()\n    def check_b(self): 1\n"


@pytest.mark.parametrize(
    ("config", "text", "expected"),
    [
        ("python_functions = check_* it", FUNCTIONS, {"check_a", "it_b"}),
        ("python_classes = Spec *Case", CLASSES, {"SpecA::test_a"}),
        ("python_functions = check_*", CASES, {"Box::test_a"}),
    ],
)
def test_names_of_tests(config: str, text: str, expected: set[str]) -> None:
    files = {"mod.py": MOD, "test_a.py": "from mod import add\n" + text, "pytest.ini": f"[pytest]\n{config}\n"}
    project = Project.from_files("p", files)
    assert {name.removeprefix("test_a.py::") for name in project.test_targets} == expected
    assert "add()" in project.tests_for(project.targets[0])


def test_doctests_mention_targets() -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/mod.py": DOC.replace("1 + 1", "add(1, 1)"),
        "README.md": ">>> from pkg.mod import add\n>>> add(1, 2)\n3\n",
        "pytest.ini": "[pytest]\naddopts = --doctest-modules --doctest-glob=*.md\n",
    }
    project = Project.from_files("p", files)
    assert project.test_targets == {
        "README.md::README.md": {"pkg/mod.py::add"},
        "pkg/mod.py::pkg.mod.add": {"pkg/mod.py::add"},
    }


@pytest.mark.parametrize("name", ["test.py", "tests.py"])
def test_a_test_file_that_pytest_does_not_see(name: str) -> None:
    files = {"mod.py": MOD, name: "from mod import add\n" + TEST}
    with pytest.raises(ProjectError, match=rf'add tests = \["{name}"\] below \[tool.blampert\]'):
        Project.from_files("p", files)
    files["pyproject.toml"] = f'[tool.blampert]\ntests = ["{name}"]\n'
    project = Project.from_files("p", files)
    assert list(project.tests) == [name]
    assert project.arguments == (name,)
    assert list(project.sources) == ["mod.py"]


def test_no_tests_says_how_to_name_them() -> None:
    with pytest.raises(ProjectError, match=r"python_files or with \[tool.blampert\] tests"):
        Project.from_files("p", {"mod.py": MOD, "checks/check_a.py": TEST})


def test_what_pytest_does_not_collect_refuses_nothing() -> None:
    files: dict[str, str | bytes] = {
        "mod.py": MOD,
        "tests/test_a.py": TEST,
        "other/test_b.py": BROKEN,
        "other/test_c.py": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
        "templates/{{name}}.py": "{% if x %}\n",
        "pkg/legacy.py": "print 'python 2'\n",
        "pkg/latin.py": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
        "pytest.ini": "[pytest]\ntestpaths = tests\n",
    }
    project = Project.from_files("p", files)
    assert list(project.tests) == ["tests/test_a.py"]
    assert list(project.sources) == ["mod.py"]
    assert set(files) - {"mod.py", "tests/test_a.py"} == set(project.support)


def test_every_python_file_may_be_a_test() -> None:
    files = {
        "mod.py": MOD,
        "checks.py": "import mod\n" + TEST,
        "cases.py": "import unittest\nclass A(unittest.TestCase): pass\n",
        "pytest.ini": "[pytest]\npython_files = *.py\n",
    }
    project = Project.from_files("p", files)
    assert list(project.sources) == ["mod.py"]
    assert list(project.tests) == ["cases.py", "checks.py"]


@pytest.mark.parametrize(
    ("path", "text", "refused"),
    [
        ("other.py", "def f(:\n    # TODO: implement\n", True),
        ("other.py", "def f(:\n    # TODO\n", True),
        ("other.py", "print 'x'  # TODO: python 3\n", False),
        ("docs/other.py", "def f(:\n    # TODO: implement\n", False),
    ],
)
def test_a_broken_file_refuses_if_it_asks_for_a_function(path: str, text: str, refused: bool) -> None:
    files = {"mod.py": MOD, "test_a.py": TEST, path: text}
    if refused:
        with pytest.raises(ProjectError, match=rf"{path}, line 1 .*correct the syntax"):
            Project.from_files("p", files)
    else:
        assert path in Project.from_files("p", files).support


def test_hidden_files_count_and_secrets_do_not(tmp_path: Path) -> None:
    files = {
        "mod.py": MOD,
        "test_a.py": TEST,
        ".pytest.ini": "",
        "tests/.data": "1",
        ".version": "1",
        ".coveragerc": "",
    }
    left_out = {".env": "SECRET=1", ".netrc": "", ".coverage": "", ".git/config": "", ".tox/a.py": "", ".env.local": ""}
    root = write(tmp_path / "p", {**files, **left_out})
    project = Project.load(root)
    assert {*project.sources, *project.tests, *project.support} == set(files)
    (root / ".pytest.ini").write_text("[pytest]\naddopts = -q\n")
    assert Project.load(root) != project
