"""What a candidate changes: functions whose code can be exchanged, and whether that is all."""

from __future__ import annotations

import pytest

from blampert_env.grading.edits import compare

BASE = '''import math


def one(x, y=1):
    """Doc."""
    raise NotImplementedError


class Box:
    size = 1

    def __init__(self, x):
        self.x = x

    @property
    def area(self):
        raise NotImplementedError

    class Inner:
        def deep(self):
            return 1


if math:
    def two():
        return 2
'''


def changed(old: str, new: str) -> tuple[set[str], tuple[tuple[str, tuple[int, ...]], ...], str]:
    """What differs after a replacement."""
    assert old in BASE
    edits = compare({"m.py": BASE, "other.py": ""}, {"m.py": BASE.replace(old, new), "other.py": ""})
    return {name.partition("::")[2] for name in edits.functions}, edits.swaps, edits.rest


@pytest.mark.parametrize(
    ("old", "new", "functions", "added"),
    [
        ('    """Doc."""\n    raise NotImplementedError', '    """Other."""\n    return x + y', {"one"}, ()),
        ("return 1", "return 3", {"Box.Inner.deep"}, ()),
        ("        raise NotImplementedError\n", "        return self.x\n", {"Box.area"}, ()),
        ("return 2", "return 3", {"two"}, ()),
        ("import math\n", "import math\nimport re\nfrom json import loads\n", set(), (1, 2)),
        ("import math\n", "import math\n\n\ndef helper(x, n=3):\n    return x\n", set(), (1,)),
        ("import math\n", "import math\nTABLE = {1: [2, 3]}\n", set(), (1,)),
        ("        self.x = x", "        # a comment\n        self.x  =  x", set(), ()),
    ],
)
def test_functions(old: str, new: str, functions: set[str], added: tuple[int, ...]) -> None:
    assert changed(old, new) == (functions, (("m.py", added),), "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("y=1", "y=2"),
        ("def one(x, y=1)", "@lru_cache\ndef one(x, y=1)"),
        ("def one(x, y=1)", "def one(x: int, y=1)"),
        ("def one(x, y=1)", "async def one(x, y=1)"),
        ("def one(", "def uno("),
        ("size = 1", "size = 2"),
        ("class Box:", "class Box(dict):"),
        ("import math\n", "import math\nfrom json import *\n"),
        ("import math\n", "import math\nlen = 3\n"),
        ("import math\n", "import math\nBox = 3\n"),
        ("import math\n", "import math\nTABLE = one(3)\n"),
        ("import math\n", "import math\nprint(1)\n"),
        ("import math\n", "import math\n\n\nclass More:\n    pass\n"),
        ("import math\n", "import math\n\n\ndef helper(x=one):\n    pass\n"),
        ("    size = 1\n", "    size = 1\n\n    def more(self):\n        pass\n"),
        ("        self.x = x", "        super().__init__()"),
        ("if math:", "if not math:"),
        ("def one(x, y=1):", "def one(x, y=1:"),
        ("    def two():\n        return 2\n", "    pass\n"),
    ],
)
def test_more_than_functions(old: str, new: str) -> None:
    assert changed(old, new)[2]


@pytest.mark.parametrize("after", [{"m.py": BASE}, {"m.py": BASE, "other.py": "", "more.py": ""}, {}])
def test_files(after: dict[str, str]) -> None:
    assert compare({"m.py": BASE, "other.py": ""}, after).rest


@pytest.mark.parametrize("text", ["\0", "(" * 500, "\udcff", "def f(:", "x = '\n"])
def test_nothing_raises(text: str) -> None:
    assert compare({"m.py": BASE}, {"m.py": text}).rest.startswith("m.py: does not parse")
