"""What the wire between tests and candidate carries, and that it says what it does not."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable

import pytest

from blampert_env.grading import Grader
from blampert_env.grading.jailed import Options
from blampert_env.grading.process import Run
from blampert_env.projects import Project

Make = Callable[..., Project]
STUB = "def work(*args): raise NotImplementedError  # TODO\n"


def split(project: Project, source: str) -> Run:
    """A run with tests and candidate in two processes, whatever the grader would choose."""
    return Grader(project, cache_size=0)._engine.run("split", {"tiny.py": source}, Options(20.0))


def outcomes(run: Run) -> list[str]:
    """Of its tests."""
    return [str(record["outcome"]) for record in run.records.of_kind("outcome")]


CARRIED = {
    "attributes that are named as methods of plain values are": ("""
        def test_it():
            box = tiny.Box()
            assert box.items == [1] and box.values == (2,) and box.count == 3 and box.title == 'x'
        """, """
        class Box:
            def __init__(self): self.items, self.values, self.count, self.title = [1], (2,), 3, 'x'
        """, "class Box:\n    def __init__(self): ...\n"),
    "an equality that the stub lacks": ("""
        def test_it(): assert tiny.Box(1) == tiny.Box(1) and tiny.Box(1) == 1 and tiny.Box(1) != tiny.Box(2)
        """, """
        class Box:
            def __init__(self, n): self.n = n
            def __eq__(self, other): return self.n == getattr(other, 'n', other)
        """, "class Box:\n    def __init__(self, n): ...\n"),
    "a mock that is called with a keyword": ("""
        from unittest import mock
        def test_it():
            for kind in (mock.Mock, mock.MagicMock):
                seen = kind(return_value=3)
                assert tiny.work(seen) == 3
                assert seen.mock_calls == [mock.call(1, b=[2])]
        """, "def work(f): return f(1, b=[2])\n", STUB),
    "an exception that hides another": ("""
        def test_it():
            with pytest.raises(ValueError) as caught: tiny.work()
            assert caught.value.__suppress_context__ and caught.value.__cause__ is None
            assert type(caught.value.__context__) is KeyError and caught.value.__notes__ == ['z']
        """, """
        def work():
            try: {}['x']
            except KeyError:
                error = ValueError('y')
                error.add_note('z')
                raise error from None
        """, STUB),
    "the file of an error": ("""
        def test_it():
            with pytest.raises(FileNotFoundError) as caught: tiny.work('/no/where')
            assert caught.value.filename == '/no/where' and caught.value.errno == 2
        """, "def work(path): return open(path)\n", STUB),
    "an OSError of the tests' own callback": ("""
        def test_it():
            def bad(): raise ConnectionResetError('x')
            with pytest.raises(ConnectionResetError): tiny.work(bad)
            assert tiny.work(lambda: 4) == 4
        """, "def work(f): return f()\n", STUB),
    "containers of collections": ("""
        from collections import Counter, OrderedDict, defaultdict, deque
        def test_it():
            for value in (OrderedDict(b=1, a=2), Counter('aab'), deque([1, 2], 2), defaultdict(list, {1: [2]})):
                found = tiny.work(value)
                assert found is value and list(found) == list(value) and type(found) is type(value)
        def test_order(): assert list(tiny.work(OrderedDict(b=1, a=2)).items()) == [('b', 1), ('a', 2)]
        """, "def work(value): return value\n", STUB),
    "times, numbers and paths": ("""
        import datetime as d, decimal, fractions, pathlib, uuid
        VALUES = [
            d.date(2024, 1, 2), d.datetime(2024, 1, 2, 3, fold=1), d.time(1, 2, tzinfo=d.timezone.utc), 10**40, 2j,
            decimal.Decimal('1.50'), b'\\xff', fractions.Fraction(1, 3), pathlib.Path('a/b'), uuid.UUID(int=7),
            range(1, 9, 2), frozenset([1]), ..., d.timedelta(1, 2), bytearray(b'ab'),
        ]
        @pytest.mark.parametrize('value', VALUES, ids=str)
        def test_it(value):
            found = tiny.work(value)
            assert type(found) is type(value) and repr(found) == repr(value)
        """, "def work(value): return (lambda x: x)(value)\n", STUB),
    "members of an enumeration": ("""
        def test_it():
            assert tiny.work('r') is tiny.Color.RED and tiny.Color['RED'].value == 1
            assert [color.name for color in tiny.Color] == ['RED', 'BLUE'] and len(tiny.Color) == 2
        """, """
        import enum
        class Color(enum.Enum):
            RED = 1
            BLUE = 2
        def work(letter): return {'r': Color.RED}[letter]
        """, "import enum\nclass Color(enum.Enum):\n    RED = 1\n    BLUE = 2\n" + STUB),
}  # fmt: skip

# what is not carried: tests, source, what the last record says; "pass" would have been the outcome in one process
NOT_CARRIED = {
    "a coroutine": ("def test_it(): tiny.work()\n", "async def work(): return 1\n", "a coroutine"),
    "an array": ("""
        numpy = pytest.importorskip('numpy')
        def test_it(): assert tiny.work(2).sum() == 2
        """, "import numpy\ndef work(n): return numpy.ones(n)\n", "a ndarray"),
    "a number with more to it": (
        "def test_it(): assert tiny.work() == 3\n",
        "class N(int): pass\ndef work(): return N(3)\n", "a N"),
    "an argument": ("def test_it(): tiny.work(memoryview(b'x'))\n", "def work(value): return 1\n", "a memoryview"),
    "a zone by name": (
        "import datetime, zoneinfo\n"
        "def test_it(): tiny.work(datetime.datetime(2024, 1, 2, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')))\n",
        "def work(value): return 1\n", "a datetime with more to it"),
    "the fields of a dataclass": (
        "import dataclasses\ndef test_it(): dataclasses.asdict(tiny.Box())\n",
        "import dataclasses\n@dataclasses.dataclass\nclass Box:\n    n: int = 3\n", "__dataclass_fields__"),
    "a class that the tests extend": (
        "def test_it():\n    class More(tiny.Box): pass\n    More()\n",
        "class Box: pass\n", "the class More, which extends"),
    "a number of too many digits": (
        "def test_it(): tiny.work()\n", "def work(): return 1 << 99999\n", "4300 digits"),
    "a class of a library": (
        "import argparse\ndef test_it(): tiny.work()\n",
        "import argparse\ndef work(): return argparse.Namespace\n", "the class argparse.Namespace"),
    "a method that the stub lacks": (
        "def test_it(): assert tiny.Box().update(3) == 3\n",
        "class Box:\n    def update(self, n): return n\n", "the method update"),
    "an operator that the stub lacks": (
        "def test_it(): assert 3 in tiny.Box()\n",
        "class Box:\n    def __contains__(self, n): return n == 3\n", "__contains__ of a Box"),
    "a file of the tests' own": (
        "import pathlib\ndef test_it(): tiny.work(pathlib.Path(__file__))\n",
        "def work(path): return 1\n", "a file of the tests' own folder"),
    "a copy": ("import copy\ndef test_it(): copy.copy(tiny.Box())\n", "class Box: pass\n", "a copy of a Box"),
    "a signature": ("import inspect\ndef test_it(): inspect.signature(tiny.work)\n",
                    "def work(a): pass\n", "__signature__"),
    "output": ("def test_it(capsys): tiny.work()\n", "def work(): print('x')\n", "output"),
    "a log record": ("import logging\ndef test_it(caplog): tiny.work()\n",
                     "import logging\ndef work(): logging.warning('x')\n", "a log record"),
    "a warning": ("def test_it(): tiny.work()\n", "import warnings\ndef work(): warnings.warn('x')\n", "a warning"),
    "random numbers": ("import random\ndef test_it(): tiny.work()\n",
                       "import random\ndef work(): random.random()\n", "random numbers"),
    "an environment": ("def test_it(monkeypatch): monkeypatch.setenv('A', 'b'); tiny.work()\n",
                       "def work(): pass\n", "another environment"),
    "its own environment": ("def test_it(): tiny.work()\n",
                            "import os\ndef work(): os.environ['A'] = 'b'\n", "another environment"),
    "a folder": ("def test_it(monkeypatch, tmp_path): monkeypatch.chdir(tmp_path); tiny.work()\n",
                 "def work(): pass\n", "another working folder"),
    "a patch": ("def test_it(monkeypatch): monkeypatch.setattr('time.time', lambda: 3); tiny.work()\n",
                "def work(): pass\n", "a patch of time.time"),
    "a mocked library": (
        "from unittest import mock\ndef test_it():\n    with mock.patch('time.sleep'): tiny.work()\n",
        "def work(): pass\n", "a patch of time.sleep"),
    "an attribute of the tests' object": ("def test_it():\n    class A: pass\n    tiny.work(A())\n",
                                          "def work(a): a.b = 1\n", "'set' of an object of the tests"),
    "what a callback gives": ("def test_it(): tiny.work(lambda: memoryview(b'x'))\n",
                              "def work(f):\n    try: f()\n    except Exception: pass\n", "a memoryview"),
    "a value of an error": (
        "def test_it():\n    with pytest.raises(ValueError): tiny.work()\n",
        "def work(): raise ValueError(memoryview(b'x'))\n", "a memoryview"),
    "attributes of a library's error": (
        "import json\ndef test_it():\n    with pytest.raises(json.JSONDecodeError): tiny.work()\n",
        "import json\ndef work(): json.loads('{')\n", "the attributes of a JSONDecodeError"),
    "an exception of the tests through the candidate": (
        "def test_it():\n    with tiny.Quiet(): raise KeyError\n",
        "class Quiet:\n    def __enter__(self): pass\n    def __exit__(self, *a): return True\n",
        "an exception of the tests' own"),
}  # fmt: skip


@pytest.mark.parametrize("name", CARRIED)
def test_carried(project_of: Make, name: str) -> None:
    tests, source, stub = CARRIED[name]
    run = split(project_of("import pytest, tiny\n" + textwrap.dedent(tests), stub), textwrap.dedent(source))
    assert set(outcomes(run)) == {"passed"}, run.records.of_kind("outcome")
    assert run.records.all[-1]["unsupported"] == []


@pytest.mark.parametrize("name", NOT_CARRIED)
def test_not_carried(project_of: Make, name: str) -> None:
    tests, source, said = NOT_CARRIED[name]
    stub = stub_of(textwrap.dedent(source))
    run = split(project_of("import pytest, tiny\n" + textwrap.dedent(tests), stub), textwrap.dedent(source))
    assert "passed" not in outcomes(run)
    assert said in " ".join(run.records.all[-1]["unsupported"])


def stub_of(source: str) -> str:
    """The same names, doing nothing; classes without their methods."""
    made = ["def todo(): raise NotImplementedError  # TODO"]
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            made.append(f"class {node.name}: pass")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            made.append(f"def {node.name}(*args): raise NotImplementedError")
    return "\n".join(made) + "\n"


def test_what_passes_in_spite_of_it_does_not_pass(project_of: Make) -> None:
    """A candidate that is refused something in one test gains nothing by it in that test, and loses none in others."""
    tests = "import tiny\ndef test_a(): tiny.work(1)\ndef test_b(): assert tiny.work(0) == 2\n"
    source = "import warnings\ndef work(n):\n    if n: warnings.warn('x')\n    return 2\n"
    assert sorted(outcomes(split(project_of(tests, STUB), source))) == ["failed", "passed"]


@pytest.mark.parametrize(
    ("tests", "files"),
    [
        ("import tiny\nVALUE = tiny.work(2)\ndef test_it(): assert VALUE == 4\n", {}),
        ("def test_it(value): assert value == 4\n",
         {"conftest.py": "import pytest, tiny\nVALUE = tiny.work(2)\n@pytest.fixture\ndef value(): return VALUE\n"}),
        ("from tiny import FOUR\ndef test_it(): assert FOUR == 4\n", {}),
        ("from tiny import work\ndef test_it(): assert isinstance(work, type) and work(2).n == 4\n", {}),
    ],
)  # fmt: skip
def test_tests_that_take_more_than_functions_are_imported_anew(
    project_of: Make, tests: str, files: dict[str, str]
) -> None:
    project = project_of(tests, "FOUR = 0\ndef work(n): return 0  # TODO\n", **files)
    made = "class work:\n    def __init__(self, n): self.n = 2 * n\n" if "isinstance" in tests else ""
    source = f"FOUR = 4\n{made or 'def work(n): return 2 * n'}\n"
    engine = Grader(project, cache_size=0)._engine
    for _ in range(2):
        run = engine.run("split", {"tiny.py": source}, Options(20.0))
        assert outcomes(run) == ["passed"], run.records.all


def test_what_could_not_be_sent_does_no_harm_later(project_of: Make) -> None:
    """Neither side takes for known what was in a message that never left."""
    tests = (
        "import tiny\nseen = [memoryview(b'x')]\n"
        "def test_a(): tiny.work(seen)\n"
        "def test_b():\n    seen[0] = 1\n    assert tiny.work(seen) == [1]\n"
        "def test_c(): tiny.kept(True)\n"
        "def test_d(): assert tiny.kept(False) == {'a': [2]}\n"
    )
    source = (
        "KEPT = {'a': [2]}\ndef work(seen): return seen\n"
        "def kept(odd):\n    KEPT.pop('b', None)\n    if odd: KEPT['b'] = memoryview(b'x')\n    return KEPT\n"
    )
    stub = STUB + "def kept(odd): raise NotImplementedError\n"
    assert outcomes(split(project_of(tests, stub), source)) == ["failed", "passed", "failed", "passed"]


def test_packages() -> None:
    files = {
        "shop/__init__.py": "from .total import total\n",
        "shop/total.py": "def total(prices): return None  # TODO\n",
        "shop/tax.py": "RATE = 2\ndef tax(price): return None  # TODO\n",
        "test_shop.py": (
            "import shop.tax\nimport shop.tax as tax\nfrom shop import total, tax as same\nfrom shop.total import *\n"
            "def test_names(): assert shop.tax is tax is same and shop.total is total\n"
            "def test_calls(monkeypatch):\n"
            "    monkeypatch.setattr(tax, 'RATE', 3)\n"
            "    assert total([1, 2]) == 3 and tax.tax(2) == 6\n"
        ),
    }
    solved = {**files, "shop/total.py": "def total(prices): return sum(prices)\n"}
    solved["shop/tax.py"] = "RATE = 2\ndef tax(price): return price * RATE\n"
    run = Grader(Project.from_files("shop", files), cache_size=0)._engine.run("split", solved, Options(20.0))
    assert outcomes(run) == ["passed", "passed"], run.records.all


def test_a_project_with_the_name_of_a_module_that_pytest_uses_leaves_that_alone() -> None:
    files = {
        "pluggy.py": "def work(): return 1  # TODO\n",
        "test_it.py": "import pluggy\ndef test_it(): pluggy.work()\n",
    }
    engine = Grader(Project.from_files("named", files), cache_size=0)._engine
    assert outcomes(engine.run("split", {"pluggy.py": "def work(): return 2\n"}, Options(20.0))) == ["failed"]
