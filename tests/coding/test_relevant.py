"""What a prompt shows of the rest of a project: what the target needs, within a budget."""

from __future__ import annotations

import ast

import pytest

from blampert_env.coding.relevant import relevant
from blampert_env.projects import Project, Target

LICENCE = '"""' + "Permission is hereby granted. " * 100 + '"""\n'
MODULE = (
    LICENCE
    + '''import re
import unused_one
from collections import OrderedDict
from .keys import hashkey, other

__all__ = ["Cache", "merge", "merge_two"]
LIMIT = 10
NOISE = 1


def merge_two(a, b):
    """Merge two sorted lists.

    A long story that nobody needs.
    """
    return sorted([*a, *b])


def merge(*seqs, limit=LIMIT):
    """Merge sorted lists by :func:`merge_two`."""
    # TODO: implement


def nothing_like_it(x):
    return x


def caller(seqs):
    return merge(*seqs)


class Cache:
    """Keeps things."""

    size = 3

    def __init__(self, size):
        self.__order = OrderedDict()

    def get(self, key):
        """What was put there."""
        # TODO: implement

    def put(self, key, value):
        self.__order[hashkey(key)] = value


if True:
    def hidden():
        return 1
'''
)
KEYS = '''def hashkey(*args):
    """A key."""
    return tuple(args)


def unrelated(q):
    return q
'''
FILES = {
    "pack/__init__.py": "",
    "pack/core.py": MODULE,
    "pack/keys.py": KEYS,
    "test_pack.py": "from pack.core import Cache, merge, nothing_like_it\n\n\n"
    "def test_merge():\n    assert merge([1], [0]) == [0, 1]\n\n\n"
    "def test_get():\n    assert Cache(1).get(1) is None\n",
}
PROJECT = Project.from_files("pack", FILES)


def shown(name: str, budget: int = 2000, files: dict[str, str] | None = None) -> str:
    target = next(one for one in PROJECT.targets if one.qualname == name)
    return relevant(target, files or dict(PROJECT.sources), PROJECT.tests_for(target), budget)


def test_what_the_docstring_the_header_and_the_name_speak_of_comes_and_the_licence_does_not() -> None:
    text = shown("merge")
    assert "def merge_two(a, b):" in text
    assert "return sorted([*a, *b])" in text
    assert "LIMIT = 10" in text
    assert "return merge(*seqs)" in text, "who calls it shows how"
    assert "Permission" not in text
    assert "long story" not in text, "of a docstring the first line"
    assert "# TODO: implement" not in text.replace("def get", ""), "not the target itself"
    assert "nothing_like_it" not in text, "that the tests' file imports it is no use of it"


def test_a_method_sees_its_class_and_what_makes_its_attributes() -> None:
    text = shown("Cache.get")
    assert text.index("class Cache:") < text.index("def __init__") < text.index("def put")
    assert text.count("class Cache:") == 1
    assert "def get" not in text


def test_what_is_imported_from_the_project_comes_along() -> None:
    text = shown("Cache.get")
    assert "def hashkey(*args):" in text
    assert "def unrelated" not in text


@pytest.mark.parametrize("name", ["merge", "Cache.get"])
@pytest.mark.parametrize("budget", [0, 1, 40, 120, 300, 700, 5000])
def test_the_budget_holds_and_what_is_shown_is_python(name: str, budget: int) -> None:
    text = shown(name, budget)
    assert len(text) <= budget
    ast.parse(text)


def test_a_small_budget_goes_to_what_counts_most() -> None:
    assert "merge_two" in shown("merge", 150)
    assert "caller" not in shown("merge", 150)


def test_lines_that_moved_do_not_matter() -> None:
    files = {**PROJECT.sources, "pack/core.py": MODULE.replace("LIMIT = 10\n", "LIMIT = 10\n" + "\n" * 20 + "X = 1\n")}
    assert "# TODO: implement" not in shown("merge", files=files).replace("def get", "")
    assert "def merge(" not in shown("merge", files=files)


@pytest.mark.parametrize("broken", ["pack/core.py", "pack/keys.py"])
def test_a_file_that_does_not_parse_shows_nothing(broken: str) -> None:
    text = shown("merge", files={**PROJECT.sources, broken: "def f(:"})
    assert ("merge_two" in text) == (broken != "pack/core.py")


@pytest.mark.parametrize(
    "source",
    [
        "class A: x = 1\n\n\ndef f(x): return A\n\n\ndef g(x):\n    '''As f.'''\n    # TODO\n",
        "def f(x):\n    '''Doc.'''\n\n\ndef g(x):\n    '''As f.'''\n    # TODO\n",
        "@property\n@deco(1)\ndef f(\n    x,\n):\n    '''A \"quoted\" \\\\ doc.\n\n    more\n    '''\n"
        "    return x\n\n\n"
        "def g(x):\n    '''As f.'''\n    # TODO\n",
        "\ufeffdef f(x):\r\n    return x\r\n\r\n\r\ndef g(x):\r\n    '''As f.'''\r\n    # TODO\r\n",
    ],
)
def test_odd_layouts(source: str) -> None:
    tests = {"test_m.py": "from m import g\n\n\ndef test_g():\n    assert g(1) == 1\n"}
    project = Project.from_files("odd", {"m.py": source, **tests})
    target: Target = next(one for one in project.targets if one.name == "g")
    for budget in (60, 120, 2000):
        text = relevant(target, project.sources, project.tests_for(target), budget)
        assert len(text) <= budget
        ast.parse(text)
    assert "def f(" in text


LARGE = '''import typing as t


class Signer:
    salt = b""

    @t.overload
    def __init__(self, key: str): ...

    def __init__(self, key, salt=None):
        """Doc."""
        self.keys = [key]

    def dumps(self, value):
        """Sign with :meth:`make` what :meth:`prepare` gives."""
        # TODO: implement

    def prepare(self, value: bytes) -> bytes:
        return bytes(value)

''' + "".join(
    f"    def other_{n}(self, value: bytes = b'', *, more: int = {n}):\n        return {'value + ' * 20}value\n"
    for n in range(8)
)


def test_every_method_of_the_own_class_is_shown_by_its_header_before_any_is_shown_whole() -> None:
    project = Project.from_files(
        "m", {"m.py": LARGE, "test_m.py": "from m import Signer\n\n\ndef test():\n    assert Signer\n"}
    )
    target = next(one for one in project.targets if one.name == "dumps")
    text = relevant(target, project.sources, "", 900)
    ast.parse(text)
    assert [f"def other_{n}(self, value" in text for n in range(8)] == [True] * 8
    assert text.count("value + value") < 8 * 19, "they do not fit whole"
    assert "self.keys = [key]" in text
    assert "return bytes(value)" in text, "what the docstring names comes whole"
    assert text.count("def __init__") == 1, "an overload says nothing more"
