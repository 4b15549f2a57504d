"""What belongs to the tests wherever it lies, and what the tests share with the sources."""

import pytest

from blampert_env.projects import Project

MOD = "def add(a, b):\n    # TODO: implement\n    raise NotImplementedError\n"
PLUGINS = "pytest_plugins = ['fixtures']\n"
HELP = "def check(a, b):\n    assert a == b\n"


def python(project: Project) -> tuple[set[str], set[str]]:
    """Sources and support."""
    return set(project.sources), {path for path in project.support if path.endswith(".py")}


@pytest.mark.parametrize(
    ("more", "own"),
    [
        ({"test_a.py": "import mod, checks\n", "checks.py": HELP}, {"checks.py"}),
        ({"test_a.py": "from checks import check\n", "checks.py": HELP}, {"checks.py"}),
        ({"tests/test_a.py": "import checks\n", "checks.py": HELP}, {"checks.py"}),
        (
            {"test_a.py": "import helpers.checks\n", "helpers/__init__.py": "", "helpers/checks.py": HELP},
            {"helpers/__init__.py", "helpers/checks.py"},
        ),
        ({"test_a.py": "from helpers import checks\n", "helpers/checks.py": HELP}, {"helpers/checks.py"}),
        (  # a helper of a helper, and what a conftest loads by name
            {"test_a.py": "", "conftest.py": PLUGINS, "fixtures.py": "import data\n", "data.py": "X = 1\n"},
            {"fixtures.py", "data.py"},
        ),
        ({"test_a.py": "def test_a():\n    import checks\n", "checks.py": HELP}, {"checks.py"}),
        ({"test_a.py": "import importlib\nc = importlib.import_module('checks')\n", "checks.py": HELP}, {"checks.py"}),
        ({"test_a.py": "import x\n", "lib/x.py": HELP, "pytest.ini": "[pytest]\npythonpath = lib\n"}, {"lib/x.py"}),
        ({"test_a.py": "import sys\nsys.path.insert(0, 'other')\nimport x\n", "other/x.py": HELP}, {"other/x.py"}),
        (
            {"pkg/test_a.py": "from . import util\n", "pkg/__init__.py": "", "pkg/util.py": HELP},
            {"pkg/__init__.py", "pkg/util.py"},
        ),
        (
            {"checks/check_a.py": "", "checks/util.py": HELP, "pytest.ini": "[pytest]\npython_files = check_*.py\n"},
            {"checks/util.py"},
        ),
        (
            {"test_a.py": "", "testing/util.py": HELP, "docs/conf.py": "", "benchmarks/b.py": "", "tools/t.py": ""},
            {"testing/util.py", "docs/conf.py", "benchmarks/b.py", "tools/t.py"},
        ),
        ({"test_a.py": "", "tests/helpers/util.py": HELP, "noxfile.py": "", "setup.py": ""}, set()),
        ({"test_a.py": "", "app/main.py": HELP}, set()),
    ],
)
def test_what_only_tests_import_is_theirs(more: dict[str, str], own: set[str]) -> None:
    project = Project.from_files("p", {"mod.py": MOD, **more})
    never = {path for path in more if path.endswith(".py")} & {
        *("conftest.py", "setup.py", "noxfile.py", "tests/helpers/util.py"),
    }
    sources = {path for path in more if path.endswith(".py")} - own - never - set(project.tests)
    assert python(project) == ({"mod.py", *sources}, own | never)
    assert not project.shared


@pytest.mark.parametrize(
    "more",
    [
        {"mod.py": "import both\n" + MOD, "test_a.py": "import both\n", "both.py": HELP},
        {
            "mod.py": "import other\n" + MOD,
            "other.py": "import both",
            "test_a.py": "from both import check\n",
            "both.py": HELP,
        },
        {"mod.py": MOD + "    import both\n", "test_a.py": "import both\n", "both.py": HELP},
        {"cli.py": "import both, mod\n", "test_a.py": "import both\n", "both.py": HELP},
    ],
)
def test_what_both_import_stays_a_source_and_is_shared(more: dict[str, str]) -> None:
    project = Project.from_files("p", {"mod.py": MOD, **more})
    assert "both.py" in project.sources
    assert project.shared == {"both.py"}


def test_the_package_of_a_target_is_shared() -> None:
    files = {
        "src/pkg/__init__.py": "from .core import add\nfrom .names import NAMES\n",
        "src/pkg/core.py": MOD,
        "src/pkg/names.py": "NAMES = 1\n",
        "src/pkg/_testing.py": HELP,
        "tests/test_a.py": "from pkg import add\nfrom pkg._testing import check\n",
    }
    project = Project.from_files("p", files)
    assert python(project) == (set(files) - {"src/pkg/_testing.py", "tests/test_a.py"}, {"src/pkg/_testing.py"})
    assert project.shared == {"src/pkg/__init__.py", "src/pkg/names.py"}


def test_a_file_with_a_target_is_never_the_tests() -> None:
    files = {"mod.py": MOD, "examples/demo.py": MOD, "test_a.py": "import mod\nfrom examples import demo\n"}
    project = Project.from_files("p", files)
    assert set(project.sources) == {"mod.py", "examples/demo.py"}
    assert not project.shared


def test_the_fingerprint_knows_the_targets() -> None:
    toml = "[tool.blampert]\ntargets = ['{}']\n"
    files = {"mod.py": MOD + "def sub(a, b): return a\n", "test_a.py": "import mod\n"}
    add, sub = (Project.from_files("p", {**files, "pyproject.toml": toml.format(name)}) for name in ("add", "sub"))
    assert add != sub
