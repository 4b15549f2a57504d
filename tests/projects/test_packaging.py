"""What packaging files say: folders on the path, and distributions asked for."""

import pytest

from blampert_env.projects import Project

MOD = "def add(a, b):\n    # TODO: implement\n    raise NotImplementedError\n"
TEST = "def test_a(): pass\n"


def project(**files: str) -> Project:
    return Project.from_files("p", {"mod.py": MOD, "test_a.py": TEST, **files})


@pytest.mark.parametrize(
    ("files", "roots"),
    [
        ({}, (".",)),
        ({"src/pkg/__init__.py": ""}, ("src", ".")),
        ({"src/__init__.py": "", "src/pkg.py": ""}, (".",)),
        ({"lib/pkg/a.py": "", "pyproject.toml": "[tool.setuptools.package-dir]\n'' = 'lib'\n"}, ("lib", ".")),
        ({"lib/p/a.py": "", "pyproject.toml": "[tool.setuptools.packages.find]\nwhere = ['lib']\n"}, ("lib", ".")),
        (
            {"lib/p/a.py": "", "pyproject.toml": "[tool.hatch.build.targets.wheel]\npackages = ['lib/p']\n"},
            ("lib", "."),
        ),
        ({"lib/p/a.py": "", "pyproject.toml": "[tool.hatch.build.targets.wheel]\nsources = ['lib']\n"}, ("lib", ".")),
        (
            {"lib/p/a.py": "", "pyproject.toml": "[tool.poetry]\npackages = [{include = 'p', from = 'lib'}]\n"},
            ("lib", "."),
        ),
        ({"lib/p/a.py": "", "pyproject.toml": "[tool.pdm.build]\npackage-dir = 'lib'\n"}, ("lib", ".")),
        ({"python/p/a.py": "", "pyproject.toml": "[tool.maturin]\npython-source = 'python'\n"}, ("python", ".")),
        ({"lib/p/a.py": "", "setup.cfg": "[options]\npackage_dir =\n    = lib\n"}, ("lib", ".")),
        ({"lib/p/a.py": "", "setup.cfg": "[options.packages.find]\nwhere = lib\n"}, ("lib", ".")),
        (
            {"lib/p/a.py": "", "setup.py": "from setuptools import setup\nsetup(package_dir={'': 'lib'})\n"},
            ("lib", "."),
        ),
        ({"pyproject.toml": "[tool.setuptools.package-dir]\n'' = 'nowhere'\n"}, (".",)),
    ],
)
def test_import_roots(files: dict[str, str], roots: tuple[str, ...]) -> None:
    assert project(**files).import_roots == roots


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("requirements.txt", "pytest_mock>=1  # mocks\n-r other.txt\n"),
        ("requirements-dev.txt", "Pytest.Mock[x]==1; python_version>'3'\n"),
        ("requirements/test.txt", "pytest-mock\n--hash=sha256:0\n"),
        ("requirements/test.in", "pytest-mock @ https://example.org/x.whl\n"),
        ("dev-requirements.txt", "pytest-mock~=3.0\n"),
        ("pyproject.toml", "[project]\ndependencies = ['pytest-mock']\n"),
        ("pyproject.toml", "[project.optional-dependencies]\nwhatever = ['pytest-mock']\n"),
        ("pyproject.toml", "[dependency-groups]\na = [{include-group = 'b'}]\nb = ['pytest-mock']\n"),
        ("pyproject.toml", "[tool.poetry.group.test.dependencies]\npytest-mock = '^1'\npython = '>=3'\n"),
        ("pyproject.toml", "[tool.poetry.dev-dependencies]\npytest-mock = {version = '1', optional = true}\n"),
        ("pyproject.toml", "[tool.hatch.envs.default]\ndependencies = ['pytest-mock']\n"),
        ("pyproject.toml", "[tool.hatch.envs.hatch-test]\nextra-dependencies = ['pytest-mock']\n"),
        ("pyproject.toml", "[tool.pdm.dev-dependencies]\ntest = ['pytest-mock']\n"),
        ("pyproject.toml", "[tool.uv]\ndev-dependencies = ['pytest-mock']\n"),
        ("pyproject.toml", '[tool.tox]\nlegacy_tox_ini = """\n[testenv]\ndeps =\n  pytest-mock\n"""\n'),
        ("pyproject.toml", "[tool.tox.env_run_base]\ndeps = ['pytest-mock']\n"),
        ("tox.ini", "[testenv:py]\ndeps =\n    -r x.txt\n    py3{8,9}: pytest-mock>=1\n"),
        ("setup.cfg", "[options.extras_require]\ntests =\n    pytest-mock\n"),
        ("setup.cfg", "[options]\ntests_require = pytest-mock\n"),
        ("setup.py", "from setuptools import setup\nsetup(extras_require={'test': ['pytest-mock>1']})\n"),
        ("setup.py", "tests_require = ['pytest-mock']\n"),
        ("noxfile.py", "def tests(session):\n    session.install('pytest-mock')\n"),
        ("Pipfile", "[dev-packages]\npytest-mock = '*'\n"),
        ("pytest.ini", "[pytest]\nrequired_plugins = pytest-mock>=1\n"),
    ],
)
def test_plugins_are_named_somewhere(path: str, text: str) -> None:
    assert "pytest-mock" in project(**{path: text}).plugin_requirements
    assert not {"python", "r", "hash"} & set(project(**{path: text}).plugin_requirements)


def test_requirements_are_still_those_of_the_one_file() -> None:
    made = project(**{"requirements.txt": "a>1\n", "requirements-dev.txt": "b\n"})
    assert made.requirements == ("a>1",)
    assert made.plugin_requirements == ("a", "b")


@pytest.mark.parametrize("path", ["setup.py", "noxfile.py", "Pipfile", "tox.toml"])
def test_packaging_that_cannot_be_read_refuses_nothing(path: str) -> None:
    assert project(**{path: "(((\n"}).plugin_requirements == ()
