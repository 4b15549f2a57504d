"""Plain edits: one function's lines change and nothing else, so the rest of the file need not be read again.

A definition takes whole lines. Where the lines that take its place hold exactly one definition at the same indentation,
the rest of the file reads and compiles as before. Only edits for which this is certain are made here; all others, and
every refusal for what the code holds, go the long way (:mod:`blampert_env.editing.apply`).
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping

from blampert_env.editing.check import check_signature
from blampert_env.editing.draft import WRAPPER, Draft
from blampert_env.editing.function import compose, expected_body, same_meaning
from blampert_env.editing.placement import spliced
from blampert_env.projects.syntax import Function, check_compiles, functions, indent_of, parse, split_lines, unix

Spans = Mapping[str, tuple[int, int]]  # qualified name to first and last line

# (untouched file, file as it is): files that plain edits alone made of the untouched one, which compiles
_known: dict[tuple[str, str], Spans] = {}
_MAX_KNOWN = 1_024


def plain_edit(original_text: str, text: str, draft: Draft, new: Function, original: Function) -> str | None:
    """The file's new text, or None if the edit is not plain.

    Args:
        original_text: The untouched file.
        text: The file as it is.
        draft: Holds the new function.
        new: The new function in the draft.
        original: The target in the untouched file.

    Raises:
        EditRejected: signature_changed or decorators_changed.
    """
    spans = _spans(original_text, text)
    if spans is None or not _is_alone(draft, new):
        return None
    check_signature(original.node, new.node)
    indent = indent_of(split_lines(unix(original_text))[original.node.lineno - 1])
    lines = next(compose(draft, new, original, original_text, indent, ()))
    if not _fits(lines, indent, new, original, parse(original_text)):
        return None
    first, last = spans[original.qualname]
    result = spliced(text, [(first - 1, last, lines)])
    _remember(original_text, result, _moved(spans, original.qualname, len(lines)))
    return result


def remember(original_text: str, before: str, after: str) -> None:
    """Note that an edit that went the long way changed no more than one function after all."""
    if _spans(original_text, before) is not None:
        _remember(original_text, after, _read_spans(after))


def _remember(original_text: str, text: str, spans: Spans) -> None:
    if len(_known) >= _MAX_KNOWN:
        _known.clear()
    _known[original_text, text] = spans


def _spans(original_text: str, text: str) -> Spans | None:
    if text == original_text:
        return _read_spans(text)
    return _known.get((original_text, text))


def _read_spans(text: str) -> Spans:
    return {function.qualname: (function.first, function.last) for function in functions(text)}


def _moved(spans: Spans, qualname: str, length: int) -> Spans:
    """Where the functions are once ``qualname`` has ``length`` lines."""
    start, end = spans[qualname]
    by = length - (end - start + 1)
    moved = {name: (first + by, last + by) if first > start else (first, last) for name, (first, last) in spans.items()}
    return {**moved, qualname: (start, end + by)}


def _is_alone(draft: Draft, new: Function) -> bool:
    """Whether the draft holds the function, bare or in its classes, and nothing else."""
    bodies = [draft.body, *(outer.body for outer in new.classes)]
    return all(len(body) == 1 for body in bodies) and bodies[-1][0] is new.node


def _fits(lines: list[str], indent: str, new: Function, original: Function, tree: ast.Module) -> bool:
    """Whether the lines are one definition that compiles, has the old decorators and means what the draft does."""
    text = (WRAPPER if indent else "") + "".join(lines)
    try:
        body, found = parse(text).body, functions(text)
        if indent and isinstance(body[0], ast.If):
            body = [*body[0].body, *body[1:]]
        if len(body) != 1 or len(found) != 1 or found[0].node is not body[0] or found[0].last != len(split_lines(text)):
            return False
        check_compiles(_in_classes(found[0], original, tree))
    except SyntaxError:
        return False
    node = found[0].node
    return same_meaning(node.decorator_list, original.node.decorator_list) and same_meaning(
        node.body, expected_body(new, original, ())
    )


def _in_classes(function: Function, original: Function, tree: ast.Module) -> ast.Module:
    """A function with all that its compilation depends on: the ``__future__`` imports and the classes around it."""
    statement: ast.stmt = function.node
    for outer in reversed(original.classes):
        bare = copy.copy(outer)
        bare.bases, bare.keywords, bare.decorator_list, bare.body = [], [], [], [statement]
        statement = bare
    future = [part for part in tree.body if isinstance(part, ast.ImportFrom) and part.module == "__future__"]
    return ast.Module(body=[*future, statement], type_ignores=[])
