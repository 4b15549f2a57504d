"""Placement: where imports and helpers go in a file, as splices of its lines."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from blampert_env.editing.draft import Draft
from blampert_env.editing.extras import Extras
from blampert_env.editing.layout import body_unit, leading_comments, reindent, segment
from blampert_env.editing.names import assigned_names
from blampert_env.projects.syntax import (
    Function,
    FunctionNode,
    docstring_node,
    first_line,
    indent_of,
    parse,
    split_lines,
    string_lines,
)

BOM = "\ufeff"
Splice = tuple[int, int, list[str]]  # lines [start, end), 0-based, and what takes their place, with "\n" ends

_CODING = re.compile(r"^[ \t\f]*#.*?coding[:=]")


def splices(
    draft: Draft, extras: Extras, text: str, current: Function, new: list[str], indent: str, unit: str
) -> list[Splice]:
    """Put a new function and its extras in place; what an earlier edit left of the same helpers goes away.

    Args:
        draft: Holds the helpers.
        extras: Imports and helpers that the file lacks.
        text: The file as it is.
        current: The target in it.
        new: The target's new lines.
        indent: Indentation of the target.
        unit: One level of indentation for the helpers; ``""`` to leave them as they are.
    """
    lines = split_lines(text.removeprefix(BOM))
    owner = current.classes[-1].body if current.classes else []
    members, earlier = _changes(
        owner, [(member, moved(draft, member, indent, unit)) for member in extras.members], lines
    )
    found = [(current.first - 1, current.last, [*new, *(line for part in members for line in ["\n", *part])])]
    for first, last in [*earlier, *_spans(extras.leftovers.members, lines)]:
        found.append((first - 2 if not lines[first - 2].strip() else first - 1, last, []))
    tree = parse(text)
    helpers, earlier = _changes(tree.body, [(part, moved(draft, part, "", unit)) for part in extras.helpers], lines)
    for first, last in [*earlier, *_spans(extras.leftovers.helpers, lines)]:
        blank = [not line.strip() for line in lines[last : last + 2]]
        found.append((first - 1, last + (2 if blank == [True, True] else sum(blank[:1])), []))
    if helpers:
        start = max(_import_place(tree, lines), leading_comments(lines, first_line(current.top, lines)) - 1)
        above = ["\n", "\n"] if start and lines[start - 1].strip() else []
        found.append((start, start, [*above, *(line for part in helpers for line in [*part, "\n", "\n"])]))
    found += [_import_removal(statement, line, lines) for statement, line in extras.leftovers.imports]
    return [*found, *_import_splices(extras.imports, lines, tree)]


def _spans(statements: list[ast.stmt], lines: Sequence[str]) -> list[tuple[int, int]]:
    return [(first_line(statement, lines), statement.end_lineno or statement.lineno) for statement in statements]


def _import_removal(statement: ast.stmt, line: str | None, lines: Sequence[str]) -> Splice:
    """Replace an import by what is left of it; if nothing is, a blank line around it goes away, too."""
    start, end = statement.lineno - 1, statement.end_lineno or statement.lineno
    if line is not None:
        return start, end, [line + "\n"]
    is_alone = (start == 0 or not lines[start - 1].strip()) and end < len(lines) and not lines[end].strip()
    return start, end + is_alone, []


def _changes(
    body: list[ast.stmt], new: list[tuple[ast.stmt, list[str]]], lines: Sequence[str]
) -> tuple[list[list[str]], list[tuple[int, int]]]:
    """Lines of the helpers that are not yet there, and where in ``body`` other versions of them are."""
    missing, earlier = [], []
    for statement, text in new:
        names = assigned_names(statement)
        found = [(first_line(old, lines), old.end_lineno or old.lineno) for old in body if assigned_names(old) == names]
        if any(_same(lines[first - 1 : last], text) for first, last in found):
            continue
        missing.append(text)
        earlier += found
    return missing, earlier


def _same(old: Sequence[str], new: Sequence[str]) -> bool:
    return [line.rstrip("\r\n") for line in old] == [line.rstrip("\n") for line in new]


def moved(draft: Draft, statement: ast.stmt, indent: str, unit: str = "") -> list[str]:
    """A helper's lines at another indentation."""
    if not isinstance(statement, FunctionNode | ast.ClassDef):  # may share its line with others
        return list(split_lines(indent + segment(statement, draft.lines) + "\n"))
    old = indent_of(draft.lines[statement.lineno - 1])
    first, last = first_line(statement, draft.lines), statement.end_lineno or statement.lineno
    units = (body_unit(statement, draft.lines) if unit else "", unit)
    return reindent(draft.lines, first, last, string_lines(draft.text), old, indent, units)


def _import_splices(imports: list[str], lines: Sequence[str], tree: ast.Module) -> list[Splice]:
    """New imports follow the block of imports at the top, or make one."""
    if not imports:
        return []
    place = _import_place(tree, lines)
    new = [line + "\n" for line in imports]
    block = [node.end_lineno for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    if place not in block:
        above = ["\n"] if place and lines[place - 1].strip() else []
        below = ["\n"] if place < len(lines) and lines[place].strip() else []
        new = [*above, *new, *below]
    return [(place, place, new)]


def _import_place(tree: ast.Module, lines: Sequence[str]) -> int:
    """Index of the line before which new imports go: after the docstring and the block of imports at the top."""
    place = 0
    for node in tree.body:
        is_docstring = node is tree.body[0] and docstring_node(tree) is not None
        if not is_docstring and not isinstance(node, ast.Import | ast.ImportFrom):
            break
        place = node.end_lineno or node.lineno
    return place or _after_head_comments(lines)


def _after_head_comments(lines: Sequence[str]) -> int:
    """After a comment block at the top if a blank line follows it, else after the shebang and the coding line."""
    end = 0
    while end < len(lines) and lines[end].startswith("#"):
        end += 1
    if end < len(lines) and not lines[end].strip():
        return end
    place = 1 if lines and lines[0].startswith("#!") else 0
    return place + 1 if place < min(end, 2) and _CODING.match(lines[place]) else place


def spliced(text: str, changes: list[Splice]) -> str:
    """Put splices into a file, in its own line ends; a file without a newline at its end keeps it that way."""
    bom = BOM if text.startswith(BOM) else ""
    lines = list(split_lines(text.removeprefix(BOM)))
    newline = next((found for line in lines if (found := _line_end(line))), "\n")
    bare_end = not _line_end(lines[-1])
    for start, end, new in sorted(changes, key=lambda change: change[:2], reverse=True):
        ends = [newline] * (len(new) - 1) + [_line_end(lines[end - 1]) if end > start else newline]
        lines[start:end] = [line.rstrip("\n") + ending for line, ending in zip(new, ends, strict=False)]
    if bare_end:  # also where lines were put after what was the last one
        lines[-1] = lines[-1].rstrip("\r\n")
    return bom + "".join(lines)


def _line_end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]
