"""The target's new text: the original header, the original docstring if there is no new one, the new body."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from blampert_env.editing.check import check_decorators
from blampert_env.editing.draft import Draft
from blampert_env.editing.layout import body_unit, header_end, reindent, segment, usual_unit
from blampert_env.projects.syntax import Function, docstring_node, indent_of, parse, split_lines, string_lines, unix
from blampert_env.projects.target import is_todo


def compose(
    draft: Draft, new: Function, original: Function, original_text: str, indent: str, imports: Sequence[str]
) -> Iterator[list[str]]:
    """Ways to write the function, best first: with the draft's own text, or unparsed from its syntax tree.

    Args:
        draft: Holds the new function.
        new: The new function in the draft.
        original: The function in the untouched project.
        original_text: Its file.
        indent: Indentation of its ``def`` in the file.
        imports: Imports that go into its body.

    Yields:
        Lines with ``\\n`` ends.
    """
    lines = split_lines(unix(original_text))
    old_indent = indent_of(lines[original.node.lineno - 1])
    last, column = header_end(original.node, lines)
    header = reindent(lines, original.node.lineno, last, string_lines(original_text), old_indent, indent)
    comment = lines[last - 1][column:].strip()
    end = f"  {comment}\n" if comment.startswith("#") and not is_todo(comment) else "\n"
    cut = len(lines[last - 1]) - column
    header[-1] = header[-1][: len(header[-1]) - cut] + end

    decorators = _decorators(draft, new, original, original_text, indent)
    unit = body_unit(original.node, lines) or usual_unit(original_text, lines)
    inner = indent + unit
    docstring, has_own = docstring_node(original.node), docstring_node(new.node) is not None
    preamble = () if has_own or docstring is None else split_lines(f"{inner}{_docstring(docstring, lines)}\n")
    local = [inner + line + "\n" for line in imports]
    own_unit = body_unit(new.node, draft.lines)
    for units in dict.fromkeys([(own_unit, unit), ("", "")]):
        head, body = _body(draft, new, indent, inner, units, bool(local))
        yield [*decorators, *header, *preamble, *head, *local, *body]
    yield [*decorators, *header, *preamble, *_unparsed(new, imports, inner)]


def _decorators(draft: Draft, new: Function, original: Function, original_text: str, indent: str) -> list[str]:
    if check_decorators(original.node, new.node):
        function, text, lines = new, draft.text, draft.lines
    else:
        function, text, lines = original, original_text, split_lines(unix(original_text))
    old = indent_of(lines[function.node.lineno - 1])
    return reindent(lines, function.first, function.node.lineno - 1, string_lines(text), old, indent)


def _docstring(node: ast.Expr, lines: Sequence[str]) -> str:
    text = segment(node, lines)
    try:
        parse(text)
    except SyntaxError:  # several literals in brackets
        return repr(getattr(node.value, "value", ""))
    return text


def _body(
    draft: Draft, new: Function, indent: str, inner: str, units: tuple[str, str], split: bool
) -> tuple[list[str], list[str]]:
    """The body's own lines: up to the end of its docstring if something goes in there, and the rest."""
    line, column = header_end(new.node, draft.lines)
    rest: list[str] = []
    if new.node.body[0].lineno == line:
        rest, line = [inner + draft.lines[line - 1][column:].lstrip()], line + 1
    else:
        line += 1
    old = indent_of(draft.lines[new.node.lineno - 1])
    keep = string_lines(draft.text)
    docstring = docstring_node(new.node)
    head_end = (docstring.end_lineno or 0) if split and docstring else line - 1
    if split and docstring and rest:
        rest, head = rest[1:], rest
    else:
        head = []
    head += reindent(draft.lines, line, head_end, keep, old, indent, units)
    rest += reindent(draft.lines, max(line, head_end + 1), new.last, keep, old, indent, units)
    return head, rest


def _unparsed(new: Function, imports: Sequence[str], inner: str) -> list[str]:
    """The body from its syntax tree: comments are lost, the meaning is not."""
    body = list(new.node.body)
    position = 1 if docstring_node(new.node) else 0
    body[position:position] = [statement for line in imports for statement in parse(line).body]
    text = "\n".join(ast.unparse(statement) for statement in body) + "\n"
    lines = split_lines(text)
    return reindent(lines, 1, len(lines), string_lines(text), "", inner)


def expected_body(new: Function, original: Function, imports: Sequence[str]) -> list[ast.stmt]:
    """The statements that the new body has to mean once it is in the file."""
    docstring = docstring_node(new.node) or docstring_node(original.node)
    body = new.node.body[1:] if docstring_node(new.node) else new.node.body
    local = [statement for line in imports for statement in parse(line).body]
    return [*([docstring] if docstring else []), *local, *body]


def same_meaning(one: object, other: object) -> bool:
    """Whether two pieces of code have the same syntax tree, positions and the text of strings that stand alone aside.

    Those strings are docstrings, and their indentation follows the code.
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, ast.AST):
        if _stands_alone(one) and _stands_alone(other):
            return True
        return all(same_meaning(getattr(one, name, None), getattr(other, name, None)) for name in one._fields)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_meaning, one, other))
    return one == other


def _stands_alone(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
