"""Target: a function that waits for its implementation."""

from __future__ import annotations

import ast
import copy
import re
from dataclasses import dataclass
from typing import Literal

from blampert_env.projects.syntax import (
    Function,
    FunctionNode,
    comments,
    docstring_node,
    functions,
    indent_of,
    last_name,
    split_lines,
    string_lines,
    unix,
)

Kind = Literal["todo", "not_implemented", "pass", "ellipsis", "named"]

_TODO = re.compile(r"^#[#!:*\s-]*@?(?i:todo|fixme)\b|\b(?:TODO|FIXME)\b")
_MAY_BE_MARKED = re.compile(r"#[^\n]*(?:todo|fixme)", re.IGNORECASE)
_NEVER_IMPLEMENTED = {"abstractmethod", "abstractproperty", "abstractclassmethod", "abstractstaticmethod", "overload"}


@dataclass(frozen=True, slots=True)
class Target:
    """A function with a TODO.

    Attributes:
        path: POSIX path relative to the project root, such as ``"calculator.py"``.
        qualname: ``"factorial"`` or ``"Calculator.add"``; a property's setter is ``"Box.size@setter"``, a second
            definition of the same name ``"add@2"``.
        kind: What marks it: a TODO comment; a body that is only ``raise NotImplementedError``, ``pass`` or ``...``; or
            nothing but its name in ``[tool.blampert] targets``.
        start_line: First line in the untouched file, 1-based, decorators included.
        end_line: Last line, inclusive.
        signature: ``"def add(self, a: float, b: float) -> float"``: one line, no colon.
        docstring: As ``inspect.getdoc`` shows it.
        source: The function's text, dedented, decorators included, ``\\n`` line ends.
    """

    path: str
    qualname: str
    kind: Kind
    start_line: int
    end_line: int
    signature: str
    docstring: str | None
    source: str

    @property
    def id(self) -> str:
        """``"calculator.py::Calculator.add"``, unique in its project."""
        return f"{self.path}::{self.qualname}"

    @property
    def name(self) -> str:
        """The function's own name: ``"add"``."""
        return self.qualname.split("@")[0].rpartition(".")[2]

    @property
    def class_name(self) -> str | None:
        """The enclosing class, dotted if it is nested, or None."""
        return self.qualname.split("@")[0].rpartition(".")[0] or None

    @property
    def is_async(self) -> bool:
        """Whether it is an ``async def``."""
        return self.signature.startswith("async ")

    @property
    def is_attempt(self) -> bool:
        """Whether it has code to be repaired: it is named as a target, and neither marked by a TODO nor empty."""
        if self.kind != "named":
            return False
        node = functions(self.source)[0].node
        return len(node.body) > 1 or docstring_node(node) is None


def is_todo(comment: str) -> bool:
    """Whether a comment (with its ``#``) is a TODO or FIXME."""
    return bool(_TODO.search(comment))


def find_targets(path: str, source: str) -> tuple[Target, ...]:
    """The functions of one source file that look as if they waited for an implementation, in file order.

    Abstract methods, members of a ``Protocol`` and overloads are meant to have no body and are left out. Which of the
    others a project means is decided in ``meant.py``.

    Args:
        path: POSIX path to put into the targets.
        source: Text of the file.

    Raises:
        SyntaxError: The text is not Python.
    """
    marks = comments(source) if _MAY_BE_MARKED.search(source) else ()
    todo_lines = [line for line, comment in marks if is_todo(comment)]
    found = []
    for function in functions(source):
        has_todo = any(function.node.lineno <= line <= function.last for line in todo_lines)
        kind = "todo" if has_todo else empty_kind(function.node)
        if kind and not is_declaration(function):
            found.append(make_target(path, source, function, kind))
    return tuple(found)


def empty_kind(node: FunctionNode) -> Kind | None:
    """The kind of a body with one statement that does nothing, its docstring aside."""
    body = node.body[1:] if docstring_node(node) else node.body
    if len(body) != 1:
        return None
    match body[0]:
        case ast.Pass():
            return "pass"
        case ast.Expr(value=ast.Constant(value=value)) if value is ...:
            return "ellipsis"
        case ast.Raise(exc=ast.expr() as raised) if last_name(raised) == "NotImplementedError":
            return "not_implemented"
    return None


def is_declaration(function: Function) -> bool:
    """Whether the function is there to be overridden or to be read by type checkers."""
    if any(last_name(decorator) in _NEVER_IMPLEMENTED for decorator in function.node.decorator_list):
        return True
    return bool(function.classes) and any(last_name(base) == "Protocol" for base in function.classes[-1].bases)


def make_target(path: str, source: str, function: Function, kind: Kind) -> Target:
    """The target that a function of a file is."""
    return Target(
        path=path,
        qualname=function.qualname,
        kind=kind,
        start_line=function.first,
        end_line=function.last,
        signature=signature_of(function.node),
        docstring=ast.get_docstring(function.node),
        source=dedented(source, function.first, function.last),
    )


def signature_of(node: FunctionNode) -> str:
    """The header on one line, without decorators and colon."""
    bare = copy.copy(node)
    bare.body, bare.decorator_list = [], []
    return " ".join(ast.unparse(bare).split("\n")).strip().removesuffix(":")


def dedented(source: str, first: int, last: int) -> str:
    """Lines ``first`` to ``last`` without the first one's indentation; the values of strings stay as they are."""
    lines = split_lines(unix(source))
    keep = string_lines(source, first, last)
    prefix = indent_of(lines[first - 1])
    return "".join(
        line if number in keep else line.removeprefix(prefix)
        for number, line in enumerate(lines[first - 1 : last], start=first)
    )
