"""Mutants: each compiles, differs, changes one place, and comes out the same for the same seed."""

from __future__ import annotations

import ast
import difflib

import pytest
from mutants import exchanged, is_safe, mutants, rewritten

SOURCE = '''\
"""Größe: columns count bytes."""
import os


def grow(items, ß=1):  # a comment stays
    """Grow."""
    found = []
    for number, item in enumerate(items):
        if (
            item < 3  # so does this one
        ):
            found.append("ß" + str(item - ß)); continue
        found += [item * 2]
    return f"{len(found) + 1}", found


class Box:
    @property
    def size(self):
        return self._size

    @size.setter
    def size(self, value):
        assert value > 0
        self._size = value

    def remove(self, path):
        if path:
            os.remove(path)


def nothing():
    """Nothing to change."""
'''


def changed_lines(text: str) -> list[str]:
    return [line for line in difflib.ndiff(SOURCE.splitlines(), text.splitlines()) if line.startswith(("- ", "+ "))]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("qualname", ["grow", "Box.size", "Box.size@setter"])
def test_each_is_another_program(qualname: str, seed: int) -> None:
    found = mutants(SOURCE, qualname, 50, seed)
    assert len({mutant.text for mutant in found} | {SOURCE}) == len(found) + 1 >= 2
    for mutant in found:
        compile(mutant.text, "mutant", "exec")
        assert ast.dump(ast.parse(mutant.text)) != ast.dump(ast.parse(SOURCE))
        assert 1 <= len(changed_lines(mutant.text)) <= 4


def test_every_kind_is_made() -> None:
    kinds = {mutant.kind for mutant in mutants(SOURCE, "grow", 50, 0)}
    assert kinds == {"comparison", "arithmetic", "constant", "dropped", "negated", "none"}


def test_kinds_come_before_repetitions() -> None:
    for seed in range(10):
        assert len({mutant.kind for mutant in mutants(SOURCE, "grow", 6, seed)}) == 6


def test_the_seed_decides() -> None:
    assert mutants(SOURCE, "grow", 2, 1) == mutants(SOURCE, "grow", 2, 1)
    assert len({tuple(mutant.text for mutant in mutants(SOURCE, "grow", 2, seed)) for seed in range(8)}) > 1


@pytest.mark.parametrize("qualname", ["Box.remove", "nothing", "absent"])
def test_none_where_none_may_be(qualname: str) -> None:
    assert mutants(SOURCE, qualname, 2, 0) == []


@pytest.mark.parametrize(
    ("body", "safe"),
    [("return 1 + 1", True), ("os.unlink(path)", False), ("open(path)", False), ("Path(path).rename(1)", False)],
)
def test_what_reaches_files_is_left_alone(body: str, safe: bool) -> None:
    assert is_safe(ast.parse(body)) == safe


def test_exchanged_takes_one_function() -> None:
    other = SOURCE.replace("return self._size", "raise NotImplementedError").replace("assert value > 0", "pass")
    assert exchanged(SOURCE, other, "Box.size") == SOURCE.replace("return self._size", "raise NotImplementedError")
    with pytest.raises(ValueError, match="no function absent"):
        exchanged(SOURCE, other, "absent")


@pytest.mark.parametrize("qualname", ["grow", "Box.size", "Box.size@setter"])
def test_rewritten_is_another_program_that_does_the_same(qualname: str) -> None:
    found = rewritten(SOURCE, qualname, 7)
    assert ast.dump(ast.parse(found)) != ast.dump(ast.parse(SOURCE))
    assert [line.strip() for line in changed_lines(found)] == [changed_lines(found)[0].strip()]
    spaces: dict[str, dict[str, object]] = {"before": {}, "after": {}}
    exec(SOURCE, spaces["before"])
    exec(found, spaces["after"])
    assert spaces["after"]["grow"]([1, 5]) == spaces["before"]["grow"]([1, 5]) == ("3", ["ß0", 10])  # type: ignore[operator]
    assert ast.get_docstring(ast.parse(found)) == ast.get_docstring(ast.parse(SOURCE))


@pytest.mark.parametrize(
    "text", ["def f(): return 1\n", "def f():\n    'No more.'\n", "def f():\n    a = 1\n    return locals()\n"]
)
def test_rewritten_leaves_alone_what_would_notice(text: str) -> None:
    assert rewritten(text, "f", 1) == text
