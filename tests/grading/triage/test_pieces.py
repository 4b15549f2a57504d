"""What an edit changed is found by its lines: the statements that are left out are the same in the whole file."""

from __future__ import annotations

import ast
import random

import pytest

from blampert_env.grading.triage.pieces import changed
from blampert_env.projects.syntax import tree_of

from .project_for_edits import METHOD, SOURCE, STUB, reasons

ODD = """a = 1; b = 2
class One: x = 1; y = 2
@staticmethod
def f(): pass; g = 1
class Two(One,
          object):
    # first
    @property
    def p(self):
        return '''
    text
'''
    z = [
        1]; w = 2

    def q(self): return 1
if a:
    def r(): pass
else:
    s = 1
class Three:
    \"\"\"Text.\"\"\"
    @(
        property
    )
    def p(self):
        return 1
"""
LINES = [
    "", "    ", "# comment", "    # comment", "x = 1", "    x = 1", "        x = 1", "x = 1; y = 2", "else:",
    "    else:", "try:", "except ValueError:", "finally:", "@evil", "    @evil", "@(", ")", "    )", "(", "'''",
    '    """', "x = '''", "\\", "    \\", "x = 1 \\", "def f():", "    def f(self):", "    pass", "        pass",
    "class One:", "    class One:", "if 1:", "    if 1:", "\f", "\fx = 1", "    \fx = 1", "\tx = 1",
    "        return 1", "    return 2", "import os", "    import os", "pass; import os", "async def f():",
    "with x:", "match x:", "    case 1:", "lambda:", 'f"{', '}"', "]", "[", "global x",
]  # fmt: skip


def mutated(text: str, pick: random.Random) -> str:
    lines = text.split("\n")[:-1]
    for _ in range(pick.randint(1, 4)):
        place = pick.randrange(len(lines) + 1)
        kind = pick.randrange(4)
        if kind == 0:
            lines.insert(place, pick.choice(LINES))
        elif kind == 1:
            lines[place : place + pick.randint(1, 3)] = []
        elif kind == 2:
            lines[place : place + 1] = [pick.choice(LINES)]
        else:
            lines.insert(place, pick.choice(lines) if lines else "")
    return "\n".join([*lines, ""])


def dumps(body: list[ast.stmt]) -> list[str]:
    return [ast.dump(node, include_attributes=True) for node in body]


def shapes(body: list[ast.stmt]) -> list[str]:
    return [ast.dump(node) for node in body]


def block(tree: ast.Module, owner: str) -> list[ast.stmt]:
    return next(n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == owner) if owner else tree.body


def is_sound(old: str, new: str) -> bool:
    """Whether the piece, put in its place, makes the statements of the whole file."""
    before, after = ast.parse(old), tree_of(new)
    piece = changed(before, old, new)
    if piece is None or after is None:
        return piece is None
    body, whole = block(before, piece.owner), block(after, piece.owner)
    if piece.owner:
        number = next(n for n, node in enumerate(before.body) if getattr(node, "body", None) is body)
        other = [*before.body[:number], *before.body[number + 1 :]]
        if shapes(other) != shapes([*after.body[:number], *after.body[number + 1 :]]):
            return False
    cut, added = len(piece.old), len(piece.new)
    return any(
        shapes(body[:k]) == shapes(whole[:k])
        and list(piece.old) == body[k : k + cut]
        and dumps(list(piece.new)) == dumps(whole[k : k + added])
        and shapes(body[k + cut :]) == shapes(whole[k + added :])
        for k in range(len(body) - cut + 1)
    )


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("text", [ODD, SOURCE[: SOURCE.index("def set_by_name")]], ids=["odd", "project"])
def test_a_piece_in_its_place_is_the_whole_file(text: str) -> None:
    pick = random.Random(1)
    parsing = 0
    for _ in range(1_500):
        new = mutated(text, pick)
        parsing += tree_of(new) is not None
        assert is_sound(text, new), new
    assert parsing >= 150


@pytest.mark.parametrize(
    "code",
    [
        STUB.replace("    raise", "    # a comment\n    raise") + "\nimport os\nos.abort()\n",
        STUB + "if LIMIT:\n    TABLE.clear()\n",
        STUB + "else:\n    pass\n",
        "@frame\n" + STUB,
        "TABLE.clear(); LIMIT = 1\n" + STUB,
        STUB.rstrip("\n") + "; TABLE.clear()\nTABLE.clear()\n",
    ],
)
def test_what_stands_around_a_function_is_looked_at(code: str) -> None:
    assert reasons(SOURCE.replace(STUB, code))


@pytest.mark.parametrize(
    "code",
    [
        METHOD + "    kinds.append(1)\n",
        METHOD + "\nTABLE.clear()\n\nclass More:\n",
        "    @frame\n" + METHOD,
        METHOD + "    def __eq__(self, other):\n        return True\n",
        METHOD + "if LIMIT:\n    TABLE.clear()\n",
    ],
)
def test_what_stands_around_a_method_is_looked_at(code: str) -> None:
    assert reasons(SOURCE.replace(METHOD, code))
