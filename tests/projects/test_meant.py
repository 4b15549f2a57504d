"""Which functions are to be written, and which are empty, or marked, for reasons of their own."""

import pytest

from blampert_env.errors import ProjectError
from blampert_env.projects import Project

TARGET = "def wanted():\n    # TODO: implement\n    raise NotImplementedError\n"


def targets(source: str, test: str = "", **more: str) -> list[str]:
    """Names of the targets beside one that is always there."""
    files = {"m.py": source, "w.py": TARGET, "test_m.py": test or "def test_w(): pass\n", **more}
    return [target.qualname for target in Project.from_files("p", files).targets if target.path != "w.py"]


@pytest.mark.parametrize(
    "body",
    [
        "    # TODO\n    return 0\n",
        "    # FIXME: wrong\n    return []\n",
        "    # TODO: sum of squares\n    result = None\n    return result\n",
        "    # TODO: memoize\n    raise NotImplementedError\n",
        "    # TODO: Implement addition\n    result = 0\n    log.append(f'{a} + {b} = {result}')\n    return result\n",
        "    # TODO(ann): please write it\n    for x in a:\n        print(x)\n",
        "    pass  # TODO\n",
    ],
)
def test_marks_that_ask_for_a_function(body: str) -> None:
    assert targets(f"def f(a, b):\n{body}") == ["f"]


@pytest.mark.parametrize(
    "body",
    [
        "    # TODO: memoize\n    return [x for x in a]\n",
        "    return sorted(a)  # FIXME: stable?\n",
        "    # TODO: better messages\n    if a:\n        raise ValueError(b)\n    return b\n",
        "    # TODO\n    self.a = a\n    self.b = None\n",
        "    # TODO: implement caching\n" + "".join(f"    x{n} = a + {n}\n" for n in range(12)) + "    return x0\n",
    ],
)
def test_marks_in_working_code_ask_for_nothing(body: str) -> None:
    assert targets(f"def f(self, a, b):\n{body}") == []


def test_working_code_with_a_bare_mark_counts_if_a_test_is_about_it() -> None:
    source = "def f(a, b):\n    # TODO\n    return a - b\n"
    assert targets(source) == []
    assert targets(source, "from m import f\ndef test_f(): assert f(1, 2) == 3\n") == ["f"]


def test_a_mark_above_an_empty_function_counts() -> None:
    assert targets("# TODO: implement\ndef f(a): ...\n\n\ndef g(a): ...\n") == ["f"]


def test_working_code_with_marks_alone_is_no_project() -> None:
    files = {"m.py": "def f(a):\n    # TODO: memoize\n    return sorted(a)\n", "test_m.py": "def test_f(): 1\n"}
    with pytest.raises(ProjectError, match=r"m\.py::f has one, but a working body.*\[tool.blampert\] targets"):
        Project.from_files("p", files)
    assert Project.from_files("p", {**files, "w.py": TARGET}).doubtful == ("m.py::f",)


@pytest.mark.parametrize("body", ["pass", "...", "raise NotImplementedError", "raise NotImplementedError('later')"])
def test_an_empty_function_counts_if_a_test_mentions_it(body: str) -> None:
    source = f'def f(a):\n    """Double a."""\n    {body}\n'
    assert targets(source) == []
    assert targets(source, "import m\ndef test_f(): assert m.f(1) == 2\n") == ["f"]


EVERYTHING = """
import pytest
from m import *
import m

def test_everything(x):
    with Base() as b: pass
    assert [m.f(1), f, Base, Child, Alt, Oops, Lock, Shape, hook, command, noop, b.go(1), x.close(), x.visit_a(1)]
    assert [x.area(), x.read(), x.on_start(), x.describe(), Oops().code()]
"""


@pytest.mark.parametrize(
    "source",
    [
        "class Base:\n    def go(self, a): pass\nclass Child(Base):\n    def go(self, a): return a\n",
        'class Base:\n    def go(self, a):\n        """Subclasses say how."""\n        raise NotImplementedError\n',
        'class Base:\n    def go(self, a):\n        """A hook: called before each run."""\n',
        "class Base:\n    def go(self, a):\n        pass  # nothing to do here: a no-op\n",
        "import abc\nclass Shape(abc.ABC):\n    def area(self): raise NotImplementedError\n",
        "import abc\nclass Shape(metaclass=abc.ABCMeta):\n    @abc.abstractmethod\n    def area(self): ...\n",
        "from abc import ABC\nclass Root(ABC): ...\nclass Shape(Root):\n    def area(self): pass\n",
        "from typing import Protocol\nclass Base(Protocol):\n    def read(self): ...\n",
        "class Base:\n    def close(self): pass\n    def __exit__(self, *a): pass\n    def __enter__(self): pass\n",
        "class Base:\n    def visit_a(self, node): pass\n    def on_start(self): pass\n",
        "class Oops(Exception):\n    def code(self): pass\n",
        "try:\n    from n import f\nexcept ImportError:\n    def f(a): pass\n",
        "import sys\nif sys.platform == 'x':\n    def f(a): pass\nelse:\n    def f(a): return a + 1\n",
        "try:\n    from x import Lock\nexcept ImportError:\n    class Lock:\n        def go(self, a): pass\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    def f(a): ...\n",
        "from typing import overload\n@overload\ndef f(a: int): ...\n@overload\ndef f(a): ...\ndef f(a): return a\n",
        "from pluggy import HookspecMarker\nspec = HookspecMarker('x')\n@spec\ndef hook(): pass\n",
        "import click\n@click.group()\ndef command(): pass\n",
        'def noop():\n    """Return ``None``."""\n',
        "def noop(*a):\n    pass\n",
    ],
)
def test_empty_on_purpose(source: str) -> None:
    assert targets(source, EVERYTHING) == []


def test_a_test_that_expects_nothing_is_no_evidence() -> None:
    test = "import m, pytest\ndef test_f():\n    with pytest.raises(NotImplementedError): m.f(1)\n"
    assert targets("def f(a): raise NotImplementedError\n", test) == []


def test_a_double_in_the_tests_overrides() -> None:
    test = "from m import Base\nclass Double(Base):\n    def go(self, a): return a\ndef test_a(): Double().go(1)\n"
    assert targets("class Base:\n    def go(self, a): raise NotImplementedError\n", test) == []


def test_what_lies_beside_the_sources_has_no_unmarked_targets() -> None:
    test = "from m import f\nfrom docs.g import g\ndef test_a(): f(1), g(1)\n"
    more = {"docs/g.py": "def g(a): pass\n", "tests/double.py": "def f(a): pass\n"}
    assert targets("def f(a): pass\n", test, **more) == ["f"]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"m.py": "def f(a): return 2\ndef g(a): pass\n"}, ["f"]),
        ({"m.py": "def f(a):\n    '''Doc.'''\n    pass\ndef g(a): return 1\n"}, ["g"]),
        ({"w.py": "def wanted(): return 1\n"}, []),
    ],
)
def test_the_reference_says_which_are_meant(reference: dict[str, str], expected: list[str]) -> None:
    files = {
        "m.py": "def f(a): pass\ndef g(a): pass\n",
        "w.py": TARGET,
        "test_m.py": "from m import f, g\ndef test_m(): assert f(1), g(1)\n",
    }
    project = Project.from_files("p", files, solution=reference)
    assert [target.qualname for target in project.targets] == [*expected, "wanted"]
    inside = Project.from_files("p", {**files, **{f"solution/{path}": text for path, text in reference.items()}})
    assert inside == project
    assert (project == Project.from_files("p", files)) == (len(expected) == 2)


def test_working_code_counts_where_the_reference_has_another_body() -> None:
    files = {"m.py": "def f(a):\n    # TODO: stable\n    return sorted(a)\n", "test_m.py": "def test(): 1\n"}
    project = Project.from_files("p", files, solution={"m.py": "def f(a): return list(a)\n"})
    assert [target.id for target in project.targets] == ["m.py::f"]


NAMED = """
import abc
class Box(abc.ABC):
    def put(self, a): return a
    @abc.abstractmethod
    def take(self): ...
    @property
    def size(self): return 1
    @size.setter
    def size(self, value): self.x = value
if abc:
    def twice(a): return a
else:
    def twice(a): return a + a
def f(a):
    # TODO: implement
    raise NotImplementedError
"""


def named(*names: str, **more: str) -> Project:
    toml = f"[tool.blampert]\ntargets = {list(names)!r}\n"
    files = {"pkg/m.py": NAMED, "other.py": "def g(): pass\n", "test_a.py": "def test_a(): 1\n"}
    return Project.from_files("p", {**files, "pyproject.toml": toml, **more})


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["pkg/m.py::Box.put"], ["Box.put named"]),
        (["f", "Box.put"], ["Box.put named", "f todo"]),
        (["pkg/m.py::Box.size@setter"], ["Box.size@setter named"]),
        (["pkg/m.py::twice@2", "pkg/m.py::twice@2"], ["twice@2 named"]),
        (["pkg/m.py::twice@1"], ["twice named"]),
    ],
)
def test_only_what_is_named_counts(names: list[str], expected: list[str]) -> None:
    assert [f"{target.qualname} {target.kind}" for target in named(*names).targets] == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pkg/m.py::Box.pt", r"not there: did you mean 'pkg/m.py::Box.put'"),
        ("Box.pt", r"not there: did you mean 'pkg/m.py::Box.put'"),
        ("pkg/n.py::f", r"there is no pkg/n\.py: did you mean 'pkg/m.py'"),
        ("test_a.py::test_a", r"test_a\.py is no source"),
        ("pkg/m.py::twice", r"is there 2 times: name one of pkg/m\.py::twice@1 \(line 12\), pkg/m\.py::twice@2"),
        ("pkg/m.py::Box.take", "is abstract or an overload"),
        ("zzz", "is not there: correct the name"),
    ],
)
def test_a_name_that_cannot_be_meant(name: str, message: str) -> None:
    with pytest.raises(ProjectError, match=message) as caught:
        named(name)
    assert "\n" not in str(caught.value)


def test_two_files_with_one_name() -> None:
    with pytest.raises(ProjectError, match=r"is there 2 times: name one of b\.py::f@1.*pkg/m\.py::f"):
        named("f", **{"b.py": "def f(): pass\n"})


def test_a_named_file_must_be_python_and_others_need_not() -> None:
    broken = "def f(:  # TODO\n"
    assert named("pkg/m.py::f", **{"b.py": broken}).targets
    with pytest.raises(ProjectError, match=r"b\.py, line 1 "):
        named("b.py::f", **{"b.py": broken})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("test = ['a']", "unknown key 'test': did you mean 'tests'"),
        ("targets = 'f'", "targets must be a list of strings"),
        ("tests = [1]", "tests must be a list of strings"),
        ("tests = ['nowhere.py']", "which is not there"),
    ],
)
def test_settings_that_are_wrong(table: str, message: str) -> None:
    with pytest.raises(ProjectError, match=message) as caught:
        named("f", **{"pyproject.toml": f"[tool.blampert]\n{table}\n"})
    assert "\n" not in str(caught.value)
