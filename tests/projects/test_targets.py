"""Which functions are targets, where they lie, and how they read."""

import warnings

import pytest

from blampert_env.projects import find_targets


def names(source: str) -> list[str]:
    return [target.qualname for target in find_targets("m.py", source)]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("    # TODO: implement\n    return 0\n", "todo"),
        ("    # todo implement\n    return 0\n", "todo"),
        ("    #TODO\n    return 0\n", "todo"),
        ("    # FIXME: wrong\n    return 0\n", "todo"),
        ("    return 0  # TODO(ann): implement\n", "todo"),
        ("    # we must still do this, TODO\n    return 0\n", "todo"),
        ('    """Doc."""\n    # TODO: the comment ends the body\n', "todo"),
        ("    raise NotImplementedError\n", "not_implemented"),
        ('    """Doc."""\n    raise NotImplementedError("later")\n', "not_implemented"),
        ("    pass\n", "pass"),
        ('    """Doc."""\n    ...\n', "ellipsis"),
        ("    def inner():\n        # TODO\n        pass\n    return inner()\n", "todo"),
        ("    return 0\n", None),
        ('    """Doc, TODO: not a comment."""\n    return 0\n', None),
        ('    return "# TODO"\n', None),
        ('    text = """\n    # TODO\n    """\n    return text\n', None),
        ("    return f'{0}# TODO'\n", None),
        ('    """Only a docstring."""\n', None),
        ("    raise ValueError\n", None),
        ("    # todolist is a word\n    return 0\n", None),
        ("    if x:\n        raise NotImplementedError\n    return 1\n", None),
        ("    def inner():\n        pass\n    return inner()\n", None),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_what_marks_a_target(body: str, kind: str | None, newline: str) -> None:
    source = f"def f(x):\n{body}\n\ndef done():\n    return 1\n".replace("\n", newline)
    assert [(target.qualname, target.kind) for target in find_targets("m.py", source)] == (
        [("f", kind)] if kind else []
    )


SHAPES = """
import abc, functools
from typing import Protocol, overload, Generic, TypeVar
T = TypeVar("T")

class Box(Generic[T]):
    # TODO: this one is in no function
    @property
    def size(self): ...
    @size.setter
    def size(self, value): ...
    @staticmethod
    def make(): pass
    @classmethod
    def other(cls): pass
    @functools.lru_cache(maxsize=None)
    def cached(self): pass
    async def wait(self): pass
    class Inner:
        def deep(self): pass

class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self):
        # TODO: subclasses
        ...
    @property
    @abc.abstractmethod
    def name(self): ...

class Reader(Protocol[T]):
    def read(self): ...

@overload
def f(x: int) -> int: ...
@overload
def f(x: str) -> str: ...
def f(x): pass

try:
    import numpy
except ImportError:
    def g(): pass
else:
    def g(): pass

if __name__ == "__main__":
    def main(): pass

def outer():
    class Local:
        def method(self): pass
    return Local
"""


def test_shapes_of_functions() -> None:
    assert names(SHAPES) == [
        "Box.size",
        "Box.size@setter",
        "Box.make",
        "Box.other",
        "Box.cached",
        "Box.wait",
        "Box.Inner.deep",
        "f@3",
        "g",
        "g@2",
    ]
    by_name = {target.qualname: target for target in find_targets("m.py", SHAPES)}
    setter = by_name["Box.size@setter"]
    assert (setter.id, setter.name, setter.class_name) == ("m.py::Box.size@setter", "size", "Box")
    assert by_name["Box.wait"].is_async
    assert not by_name["Box.make"].is_async
    assert by_name["Box.Inner.deep"].class_name == "Box.Inner"
    assert by_name["g@2"].name == "g"
    assert by_name["g"].class_name is None
    assert by_name["Box.cached"].source.startswith("@functools.lru_cache(maxsize=None)\ndef cached(self): pass")


SOURCE = '''class A:

    @(
        staticmethod
    )
    def f(
        x: "int",  # first: a comment
        *,
        y=(1, 2),
    ) -> dict[str,
              int]:
        """Summary.

            indented
        less
        """
        text = """
        kept as it is
"""
        # TODO

        # still part of it
    # not part of it
    z = 1
'''


def test_extent_signature_docstring_and_source() -> None:
    (target,) = find_targets("a/b.py", SOURCE)
    assert target.id == "a/b.py::A.f"
    assert (target.start_line, target.end_line) == (3, 22)
    assert target.signature == "def f(x: 'int', *, y=(1, 2)) -> dict[str, int]"
    assert target.docstring == "Summary.\n\n    indented\nless"
    lines = target.source.splitlines()
    assert lines[0] == "@("
    assert lines[3] == "def f("
    assert lines[9] == '    """Summary.'
    assert lines[15:18] == ["        kept as it is", '"""', "    # TODO"]  # the string's value is not dedented
    assert lines[-1] == "    # still part of it"


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
def test_lines_are_those_of_python(newline: str) -> None:
    source = "\ufeffx = '\x0c\u2028\x85'\n\ndef f():\n    pass\n".replace("\n", newline)
    (target,) = find_targets("m.py", source)
    assert (target.start_line, target.end_line) == (3, 4)
    assert target.source == "def f():\n    pass\n"


def test_last_line_without_newline() -> None:
    (target,) = find_targets("m.py", "def f():\n    pass")
    assert target.source == "def f():\n    pass"


def test_no_warning_about_the_source_whatever_the_filters() -> None:
    for action in ("error", "always"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter(action)  # type: ignore[arg-type]
            assert names(f"def f():\n    '{action} \\d'\n    pass\n") == ["f"]
            assert not caught


def test_filters_of_others_are_not_touched() -> None:
    find_targets("m.py", "def f():\n    '\\d'\n")
    with pytest.warns(UserWarning, match="mine"):
        warnings.warn("mine", UserWarning, stacklevel=1)


@pytest.mark.parametrize("source", ["def f(:\n", "def f():\npass\n", "x = '''", "\0", "(" * 300, "-" * 100_000 + "1"])
def test_bad_source_is_a_syntax_error(source: str) -> None:
    with pytest.raises(SyntaxError):
        find_targets("m.py", source)
