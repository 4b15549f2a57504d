"""Which tests mention which targets, and what prompts show of them."""

import pytest

from blampert_env.projects import Project

CALC = """
class Calculator:
    def __init__(self): pass  # TODO
    def __len__(self): pass  # TODO
    def add(self, a, b): pass  # TODO
    def sub(self, a, b): pass  # TODO

class Other:
    def add(self, a, b): pass  # TODO

def fact(n): pass  # TODO
def fib(n): pass  # TODO
def merge(x): pass  # TODO
"""


def targets_of(test: str, **support: str) -> dict[str, set[str]]:
    files = {"calc.py": CALC, "test_calc.py": test, **{f"{name}.py": text for name, text in support.items()}}
    mentioned = Project.from_files("x", files).test_targets
    prefix = "test_calc.py::"
    return {
        key.removeprefix(prefix): {target.removeprefix("calc.py::") for target in value}
        for key, value in mentioned.items()
    }


CLASS = {"Calculator.__init__", "Calculator.__len__"}


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("from calc import fact\ndef test_a():\n    assert fact(1) == 1\n", {"test_a": {"fact"}}),
        ("from calc import fact as f\ndef test_a():\n    assert f(1) == 1\n", {"test_a": {"fact"}}),
        ("import calc\ndef test_a():\n    assert calc.fact(1) == 1\n", {"test_a": {"fact"}}),
        ("import calc\ndef test_a():\n    assert getattr(calc, 'fact')(1) == 1\n", {"test_a": {"fact"}}),
        ("from calc import *\nasync def test_a():\n    fib(1)\n", {"test_a": {"fib"}}),
        ("from calc import fact, fib\ndef test_a():\n    def fact(n): ...\n", {"test_a": set()}),
        ("from calc import fact\ndef test_a(): x = {}; x.merge(1); fact(1)\n", {"test_a": {"fact"}}),
        (
            "from calc import Calculator\ndef test_a():\n    Calculator().add(1, 2)\n",
            {"test_a": {"Calculator.add", *CLASS}},
        ),
        ("from calc import Calculator\ndef test_a():\n    len(Calculator())\n", {"test_a": CLASS}),
        ("def test_a(anything):\n    anything.sub(1, 2)\n", {"test_a": {"Calculator.sub"}}),
        ("def test_a(anything):\n    anything.add(1, 2)\n", {"test_a": {"Calculator.add", "Other.add"}}),
        ("def test_a(module):\n    module.fact(1)\n", {"test_a": {"fact"}}),
        ("import calc\nCASES = [(calc.fact, 1)]\ndef test_a():\n    for f, n in CASES: f(n)\n", {"test_a": {"fact"}}),
        (
            "import pytest, calc\n@pytest.mark.parametrize('f', [calc.fact, calc.fib])\ndef test_a(f): f(1)\n",
            {"test_a": {"fact", "fib"}},
        ),
        (
            "import pytest, calc\n@pytest.mark.parametrize('n', ['fact'])\ndef test_a(n): getattr(calc, n)(1)\n",
            {"test_a": {"fact"}},
        ),
        (
            "from calc import fact\ndef _deep(): return fact(1)\ndef check(): return _deep()\ndef test_a(): check()\n"
            "def test_b(): pass\n",
            {"test_a": {"fact"}, "test_b": set()},
        ),
        (
            "import pytest\nfrom calc import Calculator\n@pytest.fixture\ndef c(): return Calculator()\n"
            "def test_a(c): c.sub(2, 1)\ndef test_b(): pass\n",
            {"test_a": {"Calculator.sub", *CLASS}, "test_b": set()},
        ),
        (
            "import pytest, calc\n@pytest.fixture(name='c')\ndef make_c(): return calc.fact\ndef test_a(c): c(1)\n",
            {"test_a": {"fact"}},
        ),
        (
            "import pytest, calc\n@pytest.fixture\ndef c(): calc.fib\n@pytest.mark.usefixtures('c')\ndef test_a(): 1\n",
            {"test_a": {"fib"}},
        ),
        (
            "import pytest, calc\n@pytest.fixture(autouse=True)\ndef c(): calc.fib(1)\ndef test_a(): ...\n",
            {"test_a": {"fib"}},
        ),
        (
            "import unittest\nfrom calc import Calculator\nclass Checks(unittest.TestCase):\n"
            "    def setUp(self): self.c = Calculator()\n"
            "    def check(self): self.c.sub(1, 2)\n    def test_a(self): self.check()\n    def test_b(self): ...\n",
            {"Checks::test_a": {"Calculator.sub", *CLASS}, "Checks::test_b": CLASS},
        ),
        (
            "from calc import fact\nclass Base:\n    def test_a(self): fact(1)\n    def test_b(self): fact(1)\n"
            "class TestX(Base):\n    def test_b(self): ...\n    class TestIn:\n        def test_c(self): fact(1)\n",
            {"TestX::test_a": {"fact"}, "TestX::test_b": set(), "TestX::TestIn::test_c": {"fact"}},
        ),
        ("class TestX:\n    def __init__(self): ...\n    def test_a(self): ...\ndef helper(): ...\n", {}),
        (
            "try:\n    import calc\nexcept ImportError:\n    pass\nelse:\n    def test_a(): calc.fib(1)\n",
            {"test_a": {"fib"}},
        ),
    ],
)
def test_mentions(test: str, expected: dict[str, set[str]]) -> None:
    assert targets_of(test) == expected


def test_fixture_of_a_conftest() -> None:
    conftest = "import pytest\nfrom calc import Other\n@pytest.fixture\ndef thing(): return Other()\n"
    assert targets_of("def test_a(thing): thing.add(1, 2)\n", conftest=conftest) == {"test_a": {"Other.add"}}


def test_broken_conftest_is_pytests_business() -> None:
    assert targets_of("import calc\ndef test_a(): calc.fib(1)\n", conftest="def (") == {"test_a": {"fib"}}


def test_same_name_in_two_modules() -> None:
    files = {
        "pkg/a.py": "def f(): pass\n",
        "pkg/b.py": "def f(): pass\n",
        "tests/test_f.py": "from pkg.a import f\n\ndef test_f(): f()\n",
    }
    assert Project.from_files("x", files).test_targets == {"tests/test_f.py::test_f": {"pkg/a.py::f"}}


TESTS = '''"""Tests."""
import pytest

from calc import Calculator, fact  # the code

LIMIT = 3
UNUSED = 4


@pytest.fixture
def calc():
    return Calculator()


def close(a, b):
    return abs(a - b) < LIMIT


@pytest.mark.parametrize("n", [1, 2])
def test_fact(n):
    assert fact(n)


class TestCalc:
    """A class."""

    SIZE = 1

    @pytest.fixture
    def two(self):
        return 2

    def test_add(self, calc, two):
        assert close(calc.add(1, two), 3)

    def test_sub(self, calc):
        assert calc.sub(1, 2)


def test_last(calc): assert calc.add(1, 1)
'''


def test_rendered_tests_hold_what_they_need_and_no_more() -> None:
    project = Project.from_files("x", {"calc.py": CALC, "test_calc.py": TESTS.replace("\n", "\r\n")})
    assert (
        project.tests_for(project.target("calc.py::Calculator.add"))
        == """import pytest

from calc import Calculator, fact  # the code

LIMIT = 3


@pytest.fixture
def calc():
    return Calculator()


def close(a, b):
    return abs(a - b) < LIMIT


class TestCalc:

    @pytest.fixture
    def two(self):
        return 2

    def test_add(self, calc, two):
        assert close(calc.add(1, two), 3)


def test_last(calc): assert calc.add(1, 1)
"""
    )
    assert (
        project.tests_for(project.target("calc.py::fact"))
        == """import pytest

from calc import Calculator, fact  # the code


@pytest.mark.parametrize("n", [1, 2])
def test_fact(n):
    assert fact(n)
"""
    )
    assert project.tests_for(project.target("calc.py::fib")) == ""


def test_several_files_are_named() -> None:
    files = {
        "calc.py": CALC,
        "conftest.py": "import pytest, calc\n\n@pytest.fixture\ndef c():\n    return calc\n\ndef unused(): ...\n",
        "test_b.py": "def test_b(c):\n    c.fact(1)\n",
        "test_a.py": "def test_a(c):\n    c.fact(1)\n",
    }
    project = Project.from_files("x", files)
    assert project.tests_for(project.target("calc.py::fact")) == (
        "# conftest.py\nimport pytest, calc\n\n@pytest.fixture\ndef c():\n    return calc\n"
        "\n\n# test_a.py\ndef test_a(c):\n    c.fact(1)\n\n\n# test_b.py\ndef test_b(c):\n    c.fact(1)\n"
    )


def test_rendered_tests_parse_for_every_target() -> None:
    project = Project.from_files("x", {"calc.py": CALC, "test_calc.py": TESTS})
    for target in project.targets:
        compile(project.tests_for(target), "tests", "exec")
