"""Members of a class in few words."""

from __future__ import annotations

import ast

import pytest

from blampert_env.coding.members import attributes_set, bare_header
from blampert_env.projects.syntax import FunctionNode

INIT = """def __init__(self, key: str, *, size: int | None = None, **more: t.Any) -> None:
    '''Doc.'''
    # a comment
    self.key: bytes = encode(key)
    if size is None:
        size = self.default
    self.size = self.length = size
    self.key = again(key)
    self.table[key] = 1
    other.key = 2
    self.long = [{}]
""".format(", ".join(map(str, range(40))))


def function(text: str) -> FunctionNode:
    node = ast.parse(text).body[0]
    assert isinstance(node, FunctionNode)
    return node


def test_attributes_stand_with_what_they_are_set_to() -> None:
    assert attributes_set(function(INIT)) == (
        "    def __init__(self, key, *, size=None, **more):\n"
        "        self.key = encode(key)\n"
        "        self.size = size\n"
        "        self.length = size\n"
        "        self.key = again(key)\n"
        "        self.long = ...\n"
    )


def test_a_method_that_sets_nothing() -> None:
    assert attributes_set(function("def __init__(this):\n    pass\n")) == "    def __init__(this):\n        ...\n"


@pytest.mark.parametrize(
    ("text", "header"),
    [
        (
            "def get(self, name: str = 'x', /, *rest: int) -> list[str]:\n    return []",
            "    def get(self, name='x', /, *rest): ...\n",
        ),
        ("@property\ndef size(self) -> int:\n    return 1", "    @property\n    def size(self): ...\n"),
        (
            "@a.b.cached_property\n@log('x')\ndef size(self): return 1",
            "    @a.b.cached_property\n    def size(self): ...\n",
        ),
        ("async def read(self): return 1", "    async def read(self): ...\n"),
    ],
)
def test_headers(text: str, header: str) -> None:
    assert bare_header(function(text)) == header
