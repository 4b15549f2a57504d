"""Right code that nobody has judged before: the same functions, each with a statement more that does nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from blampert_env.projects import Target
from blampert_env.projects.syntax import docstring_node, functions, indent_of, parse, split_lines


def probe(files: Mapping[str, str], targets: Iterable[Target]) -> dict[str, str]:
    """The same files, with other text in each of these functions: no report that is kept answers for them.

    Args:
        files: Path to text, of right code.
        targets: The functions; those that are not there, or are written on one line, stay as they are.
    """
    made = dict(files)
    for target in targets:
        if target.path in made:
            made[target.path] = _with_statement(made[target.path], target.qualname)
    return made


def _with_statement(text: str, qualname: str) -> str:
    try:
        node = next((function.node for function in functions(text) if function.qualname == qualname), None)
    except SyntaxError:
        return text
    if node is None:
        return text
    docstring = docstring_node(node)
    body = node.body[1:] if docstring else node.body
    if not body:
        return text
    before = docstring.end_lineno if docstring else node.lineno
    first = min([body[0].lineno, *(part.lineno for part in getattr(body[0], "decorator_list", []))])
    lines = list(split_lines(text))
    indent = indent_of(lines[first - 1])
    if first <= (before or 0) or len(indent.expandtabs()) <= node.col_offset:
        return text
    lines.insert(first - 1, f"{indent}pass  # {secrets.token_hex(8)}\n")
    made = "".join(lines)
    try:
        parse(made)
    except SyntaxError:
        return text
    return made
