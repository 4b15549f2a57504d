"""Which statements of a trusted file an edit changed, so that it costs what it changed and not the whole file.

Pieces of text that each parse by themselves as whole statements parse, one after the other, as the statements of the
one and then of the other: no piece can end inside a string, a bracket or a continued line. So where a candidate has a
trusted statement's lines in the same order, only what lies between has to be parsed.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from blampert_env.parsing import parse

_WRAPPER = "if 1:\n"


@dataclass(frozen=True)
class Piece:
    """Statements of one block, the module's or a class's, and what the candidate has in their place."""

    old: Sequence[ast.stmt]
    new: Sequence[ast.stmt]
    owner: str = ""


def changed(tree: ast.Module, old: str, new: str) -> Piece | None:
    """The smallest piece that holds all that differs; None if the candidate does not parse.

    Args:
        tree: Of the trusted text.
        old: The trusted text; its lines end with ``\\n``.
        new: The candidate's; its lines too.
    """
    before, offsets = _layout(old)
    head, tail = _alike(old, new)
    block: ast.Module | ast.ClassDef = tree
    start, stop = 0, len(before)
    while True:
        body, (firsts, ends) = block.body, _bounds(block)
        kept = bisect_right(ends, head)
        last = max(kept, bisect_right(firsts, len(before) - tail))
        one = body[kept] if last == kept + 1 else None
        if block is not tree or not isinstance(one, ast.ClassDef) or not _is_inside(one, before, head, tail):
            break
        block, start, stop = one, one.body[0].lineno - 1, _end(one)
    start = ends[kept - 1] if kept else start
    stop = firsts[last] - 1 if last < len(body) else stop
    owner = block.name if isinstance(block, ast.ClassDef) else ""
    indent = before[body[0].lineno - 1][: body[0].col_offset] if owner else ""
    if not (start and before[start - 1].endswith("\\")):
        found = _parsed(new[offsets[start] : len(new) - len(old) + offsets[stop]], indent, start)
        if found or (found is not None and not owner):  # a class without a body does not parse
            return Piece(body[kept:last], found, owner)
    whole = _parsed(new, "", 0)
    return Piece(tree.body, whole) if whole is not None else None


@lru_cache(maxsize=64)
def _layout(text: str) -> tuple[list[str], list[int]]:
    """The lines of a trusted text, and where each begins."""
    lines = text.split("\n")
    return lines, [0, *accumulate(len(line) + 1 for line in lines[:-1]), len(text)]


def _alike(old: str, new: str) -> tuple[int, int]:
    """How many whole lines are the same at the beginning, and how many others at the end."""
    shorter = min(len(old), len(new))
    found = []
    for at_end in (False, True):
        low, high = 0, shorter
        while low < high:
            middle = (low + high + 1) // 2
            parts = [text[len(text) - middle : len(text) - low] if at_end else text[low:middle] for text in (old, new)]
            low, high = (middle, high) if parts[0] == parts[1] else (low, middle - 1)
        found.append(low)
    head, tail = old.count("\n", 0, found[0]), old.count("\n", len(old) - found[1])
    return head, min(tail, old.count("\n") - head, new.count("\n") - head)


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


@lru_cache(maxsize=256)
def _bounds(block: ast.Module | ast.ClassDef) -> tuple[list[int], list[int]]:
    """First and last lines of a block's statements; of those that share a line, of all of them.

    To a decorated one belongs all that stands before it: a decorator is known by its name's line, not by its ``@``.
    """
    body = block.body
    firsts, ends = [node.lineno for node in body], [_end(node) for node in body]
    for number, node in enumerate(body):
        if getattr(node, "decorator_list", None):
            firsts[number] = ends[number - 1] + 1 if number else 1
    shared = [number for number in range(1, len(body)) if firsts[number] <= ends[number - 1]]
    for number in shared:
        firsts[number] = firsts[number - 1]
    for number in reversed(shared):
        ends[number - 1] = ends[number]
    return firsts, ends


def _is_inside(node: ast.ClassDef, lines: Sequence[str], head: int, tail: int) -> bool:
    """Whether all that differs lies in the body of a class, below its head."""
    first = node.body[0]
    of_head: list[ast.expr | ast.keyword] = [*node.bases, *node.keywords]
    below = max([node.lineno, *(part.end_lineno or 0 for part in of_head)])
    is_below = first.lineno > below and not getattr(first, "decorator_list", None)
    return is_below and first.lineno - 1 <= head and len(lines) - tail <= _end(node)


def _parsed(text: str, indent: str, line: int) -> list[ast.stmt] | None:
    """The statements of some lines, numbered as in the file; None if they do not parse by themselves."""
    lines = text.split("\n")
    if all(one.strip(" \t\f") == "" or one.lstrip(" \t\f").startswith("#") for one in lines):
        return []
    if text.rstrip("\n").endswith("\\"):
        return None
    try:
        body = parse(_WRAPPER + text if indent else text).body  # a tree of one's own: its lines are numbered anew
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if indent:
        if len(body) != 1 or not isinstance(body[0], ast.If) or body[0].orelse:
            return None
        body = body[0].body
        decorators = getattr(body[0], "decorator_list", [])
        written = lines[min(one.lineno for one in (body[0], *decorators)) - 2]
        if written[: len(written) - len(written.lstrip(" \t\f"))] != indent:
            return None
    for node in body if line or indent else ():
        ast.increment_lineno(node, line - bool(indent))
    return body
