"""Layout: pieces of source text by position, moved from one indentation and line end to another."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from blampert_env.projects.syntax import FunctionNode, functions, indent_of


def header_end(node: FunctionNode, lines: Sequence[str]) -> tuple[int, int]:
    """Where a function's header ends: line number and the character index after its colon.

    Behind the last annotation or default only brackets, commas and comments can stand before the colon.
    """
    parts: list[Any] = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, *node.args.defaults]
    parts += [part for part in (*node.args.kw_defaults, node.args.vararg, node.args.kwarg, node.returns) if part]
    parts += getattr(node, "type_params", [])  # from Python 3.12 on
    line, column = max(
        ((part.end_lineno or 0, part.end_col_offset or 0) for part in parts), default=(node.lineno, node.col_offset)
    )
    start = characters(lines[line - 1], column)
    while line <= len(lines):
        code = lines[line - 1]
        comment = code.find("#", start)
        colon = code.find(":", start, comment if comment >= 0 else len(code))
        if colon >= 0:
            return line, colon + 1
        line, start = line + 1, 0
    raise ValueError("no colon")  # the text has been parsed: it is there


def characters(line: str, column: int) -> int:
    """A column of the syntax tree (UTF-8 bytes) as an index into the line."""
    return len(line.encode("utf-8")[:column].decode("utf-8"))


def segment(node: ast.stmt | ast.expr, lines: Sequence[str]) -> str:
    """The exact text of a node."""
    first, last = node.lineno, node.end_lineno or node.lineno
    end = characters(lines[last - 1], node.end_col_offset or 0)
    start = characters(lines[first - 1], node.col_offset)
    if first == last:
        return lines[first - 1][start:end]
    return "".join([lines[first - 1][start:], *lines[first : last - 1], lines[last - 1][:end]])


def reindent(
    lines: Sequence[str],
    first: int,
    last: int,
    keep: frozenset[int],
    old: str,
    new: str,
    units: tuple[str, str] = ("", ""),
) -> list[str]:
    """Lines ``first`` to ``last`` moved from indentation ``old`` to ``new``.

    Args:
        lines: The text they are taken from.
        first: 1-based.
        last: Inclusive.
        keep: Lines that stay as they are, because they start inside a string.
        old: Indentation to take away.
        new: Indentation to put there.
        units: One level of indentation beyond ``old`` as it is and as it should be.
    """
    moved = []
    for number, line in enumerate(lines[first - 1 : last], start=first):
        if number in keep or not line.strip() or not line.startswith(old):
            moved.append(line)
            continue
        rest = line[len(old) :]
        moved.append(new + _with_unit(rest, *units))
    return moved


def _with_unit(line: str, old: str, new: str) -> str:
    if not old or old == new:
        return line
    depth = 0
    while line.startswith(old, depth * len(old)):
        depth += 1
    return new * depth + line[depth * len(old) :]


def body_unit(node: FunctionNode | ast.ClassDef, lines: Sequence[str]) -> str:
    """One level of indentation as a body uses it; ``""`` if it stands on the header's line."""
    outer, inner = indent_of(lines[node.lineno - 1]), indent_of(lines[node.body[0].lineno - 1])
    on_own_line = not lines[node.body[0].lineno - 1][: node.body[0].col_offset].strip()
    return inner.removeprefix(outer) if on_own_line and inner.startswith(outer) else ""


def usual_unit(text: str, lines: Sequence[str]) -> str:
    """One level of indentation as the first function of a file that shows it has it; four spaces if none does."""
    return next((unit for function in functions(text) if (unit := body_unit(function.node, lines))), "    ")


def leading_comments(lines: Sequence[str], line: int) -> int:
    """The line on which the unindented comments directly above ``line`` begin; ``line`` if there are none."""
    while line > 1 and lines[line - 2].startswith("#"):
        line -= 1
    return line
