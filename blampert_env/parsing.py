"""``ast.parse`` that holds when several threads parse at once."""

import ast
from typing import Any

_TRIES = 100


def parse(source: str, filename: str = "<unknown>") -> ast.Module:
    """The tree of a module, as :func:`ast.parse` gives it.

    CPython before 3.12 counts the depth of a tree that it converts once for the whole interpreter: where another thread
    parses in the middle (a finalizer hands over the interpreter), it takes the count for unbalanced and raises
    ``SystemError`` over sound code (CPython issue 106905). Nothing is wrong with the source, so it is parsed again.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: As :func:`ast.parse`.
    """
    tree: ast.Module = _parse(source, filename, "exec")
    return tree


def parse_expression(source: str) -> ast.Expression:
    """The tree of an expression, as :func:`ast.parse` gives it in mode ``eval``; see :func:`parse`."""
    tree: ast.Expression = _parse(source, "<unknown>", "eval")
    return tree


def _parse(source: str, filename: str, mode: str) -> Any:
    for _ in range(_TRIES - 1):
        try:
            return ast.parse(source, filename, mode)
        except SystemError:
            continue
    return ast.parse(source, filename, mode)
