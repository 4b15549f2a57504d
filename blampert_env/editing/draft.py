"""Draft: the text of an edit, read as Python in whatever form an LM wrote it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from blampert_env.editing.edit import Edit
from blampert_env.errors import EditRejected
from blampert_env.projects.syntax import Function, functions, indent_of, parse, split_lines, unix

WRAPPER = "if True:\n"  # lets indented code parse as it is, so that no string literal is dedented
# models that learnt from exercise sites wrap whatever they are asked for in this class
_HABITUAL_CLASS = "Solution"
_NUMBERED = re.compile(r"@\d+$")


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of an edit that parses.

    Attributes:
        text: The text with ``\\n`` line ends, below an ``if True:`` if it is indented.
        lines: Its lines; line numbers of ``body`` and ``functions`` count in them.
        body: The top-level statements.
        functions: All functions and methods.
    """

    text: str
    lines: Sequence[str]
    body: list[ast.stmt]
    functions: tuple[Function, ...]


def read_draft(edit: Edit, max_chars: int) -> Draft:
    """Check and parse the text of an edit.

    Raises:
        EditRejected: empty, binary, too_large or syntax_error.
    """
    source: object = edit.source
    if not isinstance(source, str) or "\0" in source or not _encodable(source):
        raise EditRejected("binary", "the edit is not text: give Python source as str")
    if len(source) > max_chars:
        raise EditRejected("too_large", f"the edit has {len(source):,} characters: at most {max_chars:,} are allowed")
    if not source.strip():
        raise EditRejected("empty", "the edit is empty: give the whole function")
    text = unix(source).rstrip() + "\n"
    failure: SyntaxError | None = None
    for candidate in _readings(text):
        try:
            tree, found = parse(candidate), functions(candidate)
        except SyntaxError as error:
            failure = failure or error
            continue
        body = tree.body
        if candidate is not text:
            wrapper = body[0]
            body = [*(wrapper.body if isinstance(wrapper, ast.If) else []), *body[1:]]
        if not body:
            raise EditRejected("empty", "the edit holds only comments: give the whole function")
        return Draft(candidate, split_lines(candidate), body, found)
    raise EditRejected("syntax_error", describe(failure, text))


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _readings(text: str) -> Iterator[str]:
    """Ways to read the text: as it is, as indented code, as indented code whose first line was stripped."""
    code = [line for line in split_lines(text) if line.strip() and not line.lstrip().startswith("#")]
    if code and indent_of(code[0]):
        yield WRAPPER + text
        return
    yield text
    indents = [indent_of(line) for line in code if line.lstrip().startswith(("def ", "async def ", "@", "class "))]
    stripped = dict.fromkeys(indent for indent in (*indents, *map(indent_of, code)) if indent)
    yield from (WRAPPER + indent + text for indent in list(stripped)[:3])


def describe(error: SyntaxError | None, text: str) -> str:
    """One line about a syntax error, with the line that is wrong."""
    message = " ".join((error.msg if error else "invalid syntax").split())
    lines = split_lines(text)
    if error is None or not error.lineno:
        return message
    quoted = lines[error.lineno - 1].strip()[:80] if error.lineno <= len(lines) else ""
    return f"line {error.lineno}: {message}" + (f": {quoted!r}" if quoted else "")


def find_function(draft: Draft, qualname: str) -> Function:
    """The definition of a target in a draft: qualified, wrapped in its class (or ``Solution``), or bare; the last wins.

    Raises:
        EditRejected: wrong_name.
    """
    for form in (qualname, _NUMBERED.sub("", qualname), qualname.split("@")[0]):
        matching = [function for function in draft.functions if _is_suffix(function.qualname, form)]
        if matching:
            return max(matching, key=lambda function: (len(function.classes), function.node.lineno))
    class_name, _, name = _NUMBERED.sub("", qualname).rpartition(".")
    habitual = [function for function in draft.functions if function.qualname == f"{_HABITUAL_CLASS}.{name}"]
    if class_name and habitual:
        return habitual[-1]
    defined = ", ".join(dict.fromkeys(function.qualname for function in draft.functions)) or "no function"
    raise EditRejected("wrong_name", f"the edit must define {qualname.split('@')[0]!r}; it defines {defined[:200]}")


def _is_suffix(name: str, qualname: str) -> bool:
    """Whether a name in the draft can mean the target; of several definitions of it, each one can."""
    plain = name if "@" in qualname and name == qualname else _NUMBERED.sub("", name)
    return f".{qualname}".endswith(f".{plain}")
