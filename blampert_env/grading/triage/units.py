"""A file as a row of units, each the whole lines of one statement, so that an edit costs the lines that it changed.

Pieces of text that each parse by themselves as whole statements parse, one after the other, as the statements of the
one and then of the other: no piece can end inside a string, a bracket or a continued line. So where a candidate's text
has a trusted unit's lines in the same order, only what lies between has to be parsed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from blampert_env import parsing

_BLANK = re.compile(r"(?:[ \t\f]*(?:#[^\n]*)?\n)*")
_WRAPPER = "if 1:\n"


@dataclass(frozen=True, eq=False)
class Unit:
    """Statements of a trusted file that share lines, with the comments before them."""

    text: str
    nodes: tuple[ast.stmt, ...]

    @cached_property
    def inside(self) -> tuple[str, str, tuple[Unit, ...]] | None:
        """Of a class: its header, its body's indentation and its members; None if it is no class, or has one line."""
        node = self.nodes[0]
        if len(self.nodes) != 1 or not isinstance(node, ast.ClassDef):
            return None
        lines = _lines(self.text)
        before = (node.end_lineno or 0) - len(lines)  # lines of the file before the unit
        first = _first(node.body[0])
        if first <= node.lineno or any(
            getattr(base, "end_lineno", 0) == first for base in (*node.bases, *node.keywords)
        ):
            return None
        header = "".join(lines[: first - 1 - before])
        if any(part.lstrip().startswith("@") for part in lines[node.lineno - before : first - 1 - before]):
            return None  # "@(" of the first member, on a line of its own
        line = lines[first - 1 - before]
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        return header, indent, tuple(units_of(node.body, lines, before, first - 1))


@dataclass(frozen=True)
class Gap:
    """Where a candidate differs: the trusted units, the text in their place, and the line before it."""

    units: tuple[Unit, ...]
    text: str
    line: int


def _lines(text: str) -> list[str]:
    return [line + "\n" for line in text.split("\n")][: text.count("\n")]


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])


def units_of(body: Sequence[ast.stmt], lines: Sequence[str], before: int, end: int) -> Iterator[Unit]:
    """The units of statements; ``lines`` are the file's from ``before`` on, and the first unit starts after ``end``."""
    group: list[ast.stmt] = []
    start = end
    for node in body:
        if group and _first(node) > end:
            yield Unit("".join(lines[start - before : end - before]), tuple(group))
            group, start = [], end
        group.append(node)
        end = max(end, node.end_lineno or node.lineno)
    if group:
        yield Unit("".join(lines[start - before : end - before]), tuple(group))


def split(text: str, tree: ast.Module) -> tuple[Unit, ...]:
    """The units of a file whose lines end with ``\\n``."""
    return tuple(units_of(tree.body, _lines(text), 0, 0))


def gap(units: Sequence[Unit], text: str, line: int = 0) -> Gap:
    """What is between the units that a candidate begins with and those that it ends with; its first is after a line."""
    start, first = 0, 0
    while first < len(units) and text.startswith(units[first].text, start):
        start += len(units[first].text)
        first += 1
    end, last = len(text), len(units)
    while end > start and text[line_start := text.rfind("\n", start, end - 1) + 1 or start] in "#\n":
        end = line_start  # blank lines and comments at the end
    while last > first and text.endswith(units[last - 1].text, start, end):
        before = end - len(units[last - 1].text)
        if before > start and text[before - 1] != "\n":
            break
        end, last = before, last - 1
    return Gap(tuple(units[first:last]), text[start:end], line + text.count("\n", 0, start))


def statements(gap: Gap, indent: str | None = None) -> list[ast.stmt] | None:
    """The statements of a gap, with the lines that they have in the file; None if its text does not parse by itself.

    Args:
        gap: Where a candidate differs.
        indent: Of the class that the gap is in; None at the top of a file.
    """
    if _BLANK.fullmatch(gap.text):
        return []
    if gap.text.rstrip("\n").endswith("\\"):
        return None
    try:
        body = parsing.parse(gap.text if indent is None else _WRAPPER + gap.text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if indent is not None:
        if len(body) != 1 or not isinstance(body[0], ast.If) or body[0].orelse:
            return None
        body = body[0].body
        line = _lines(gap.text)[_first(body[0]) - 2]
        if line[: len(line) - len(line.lstrip(" \t\f"))] != indent:
            return None
    for node in body:
        ast.increment_lineno(node, gap.line - (indent is not None))
    return body
