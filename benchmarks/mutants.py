"""Random mutants: one small change inside a function, the rest of its file as it was.

The kinds are the classic ones (DeMillo, Lipton and Sayward 1978): comparison and arithmetic operators swapped,
constants off by one, a statement dropped, a condition negated, None returned. Only the changed piece is written anew.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass

from blampert_env.projects.syntax import Function, docstring_node, functions, split_lines

_COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
_DROPPED = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Delete)
# Plain pytest runs mutants unconfined: what touches files, processes or memory of its own accord is not mutated.
_RISKY = {
    "os", "sys", "shutil", "subprocess", "socket", "signal", "pathlib", "Path", "open", "exec", "eval", "compile",
    "ctypes", "tempfile", "remove", "unlink", "rmtree", "rename", "kill", "system",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A file with one change.

    Attributes:
        kind: ``comparison``, ``arithmetic``, ``constant``, ``dropped``, ``negated`` or ``none``.
        line: Where, in the original file.
        text: The whole file.
    """

    kind: str
    line: int
    text: str


@dataclass(frozen=True)
class _Change:
    kind: str
    node: ast.expr | ast.stmt
    new: str


def find(text: str, qualname: str) -> Function | None:
    """The function of that name, as targets are named."""
    return next((function for function in functions(text) if function.qualname == qualname), None)


def exchanged(text: str, other: str, qualname: str) -> str:
    """The file with one function as it stands in another version of the file.

    Raises:
        ValueError: One of the two has no such function.
    """
    old, new = find(text, qualname), find(other, qualname)
    if old is None or new is None:
        raise ValueError(f"no function {qualname} to exchange")
    lines, others = split_lines(text), split_lines(other)
    return "".join([*lines[: old.first - 1], *others[new.first - 1 : new.last], *lines[old.last :]])


def rewritten(text: str, qualname: str, number: int) -> str:
    """The file with an assignment more in that function: the same to every test, another program to whoever judges it.

    As it is where the function looks at its own variables, or its body does not start on a line of its own.
    """
    function = find(text, qualname)
    if function is None or _names(function.node) & {"locals", "vars", "eval", "exec"}:
        return text
    rest = function.node.body[docstring_node(function.node) is not None :]
    if not rest:
        return text
    first = rest[0]
    lines = split_lines(text)
    start = min([first.lineno, *(one.lineno for one in getattr(first, "decorator_list", []))])
    indent = lines[start - 1][: len(lines[start - 1]) - len(lines[start - 1].lstrip())]
    if len(indent.encode()) != first.col_offset:
        return text
    return "".join([*lines[: start - 1], f"{indent}_number_of_this_run = {number}\n", *lines[start - 1 :]])


def is_safe(function: ast.AST) -> bool:
    """Whether it names nothing that reaches files or processes, so that a mutant of it can be let loose."""
    return not _names(function) & _RISKY


def _names(function: ast.AST) -> set[str | None]:
    return {getattr(node, "id", None) or getattr(node, "attr", None) for node in ast.walk(function)}


def mutants(text: str, qualname: str, count: int, seed: int) -> list[Mutant]:
    """At most ``count`` different mutants of a function, of different kinds as far as there are.

    Each parses, compiles and differs from the original as a program. None if the function is not there or not safe.
    """
    function = find(text, qualname)
    if function is None or not is_safe(function.node):
        return []
    draw = random.Random(f"{seed} {qualname}")
    changes = list(_changes(function.node))
    draw.shuffle(changes)
    found: list[Mutant] = []
    original = ast.dump(ast.parse(text))
    while changes and len(found) < count:
        seen = {mutant.kind for mutant in found}
        change = next((one for one in changes if one.kind not in seen), changes[0])
        changes.remove(change)
        new = _applied(text, change)
        if _compiles(new) and ast.dump(ast.parse(new)) != original:
            found.append(Mutant(change.kind, change.node.lineno, new))
    return found


def _compiles(text: str) -> bool:
    try:
        compile(text, "<mutant>", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _changes(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[_Change]:
    """Every change that could be made to the body."""
    for statement in function.body:
        for node in _walk(statement):
            yield from _expression(node)
            yield from _statement(node)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Without f-strings, whose parts have no place of their own before Python 3.12, and without patterns."""
    if isinstance(node, ast.JoinedStr | ast.pattern):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk(child)


def _expression(node: ast.AST) -> Iterator[_Change]:
    match node:
        case ast.Compare(left, [operator, *rest], comparators) if type(operator) in _COMPARISONS:
            swapped = ast.Compare(left, [_COMPARISONS[type(operator)](), *rest], comparators)
            yield _Change("comparison", node, f"({ast.unparse(swapped)})")
        case ast.BinOp(left, operator, right) if type(operator) in _ARITHMETIC:
            swapped = ast.BinOp(left, _ARITHMETIC[type(operator)](), right)
            yield _Change("arithmetic", node, f"({ast.unparse(swapped)})")
        case ast.Constant(int(value)) if not isinstance(value, bool):
            yield _Change("constant", node, str(value + 1))
            if value > 0:
                yield _Change("constant", node, str(value - 1))
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            yield _Change("negated", test, f"(not ({ast.unparse(test)}))")


def _statement(node: ast.AST) -> Iterator[_Change]:
    match node:
        case ast.Expr(ast.Constant()):
            pass  # a docstring
        case ast.stmt() if isinstance(node, _DROPPED):
            yield _Change("dropped", node, "pass")
        case ast.Return(ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield _Change("none", node, "return None")


def _applied(text: str, change: _Change) -> str:
    """The file with that piece replaced; columns of ``ast`` count UTF-8 bytes."""
    lines = text.encode().splitlines(keepends=True)
    node = change.node
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    head, tail = lines[node.lineno - 1][: node.col_offset], lines[node.end_lineno - 1][node.end_col_offset :]
    lines[node.lineno - 1 : node.end_lineno] = [head + change.new.encode() + tail]
    return b"".join(lines).decode()
