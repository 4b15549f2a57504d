"""What a candidate changes: which functions have other code, and whether that is all.

Where only the code of functions differs from what a collected session has loaded, it can be exchanged there
(`jail/stages/swap.py`), and only the tests that reach such a function can have another outcome.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from blampert_env.projects.syntax import parse

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_BLOCKS = ("body", "orelse", "finalbody")


@dataclass(frozen=True)
class Edits:
    """The difference between two states of the sources.

    Attributes:
        functions: ``path::qualname``, as code objects have it, of each function with other code.
        swaps: Path of each file that differs, and the numbers of its top-level statements that are new.
        rest: What else differs, one line; "" if nothing does.
        docs: Whether a docstring does, which can be read without a call.
        kinds: Whether a function makes a generator now and did not, or the other way round, which can be asked for.
    """

    functions: frozenset[str] = frozenset()
    swaps: tuple[tuple[str, tuple[int, ...]], ...] = ()
    rest: str = ""
    docs: bool = False
    kinds: bool = False

    @property
    def exchanged(self) -> list[tuple[str, tuple[int, ...], list[str]]]:
        """As a collected session is told: file, its new statements, its functions with other code."""
        names = [one.split("::") for one in sorted(self.functions)]
        return [(path, added, [name for where, name in names if where == path]) for path, added in self.swaps]


class _More(Exception):
    """More differs than the code of functions; says what."""


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> Edits:
    """What differs in ``after``; never raises for what it holds."""
    functions: set[str] = set()
    swaps: list[tuple[str, tuple[int, ...]]] = []
    docs = kinds = False
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        try:
            if old is None or new is None:
                raise _More("a file")
            one, other = _text(old), _text(new)
            found, added = _differences(one, other)
        except _More as more:
            return Edits(rest=f"{path}: {more}")
        except SyntaxError as error:
            return Edits(rest=f"{path}: does not parse ({error.msg})")
        functions |= {f"{path}::{one.name}" for one in found}
        docs, kinds = docs or any(one.docs for one in found), kinds or any(one.kinds for one in found)
        swaps.append((path, tuple(added)))
    return Edits(frozenset(functions), tuple(swaps), docs=docs, kinds=kinds)


class _Change(NamedTuple):
    """A function with other code, and whether its docstring and what a call of it makes are others, too."""

    name: str
    docs: bool
    kinds: bool


class _Text:
    """A file's tree and lines."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = parse(text)
        self.lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def segment(self, node: ast.stmt) -> Sequence[str]:
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        return self.lines[first - 1 : node.end_lineno]


@lru_cache(maxsize=64)
def _text(text: str) -> _Text:
    """A file, parsed once: the same one is compared with the untouched and with the right one."""
    return _Text(text)


def _differences(old: _Text, new: _Text) -> tuple[list[_Change], list[int]]:
    """Functions that differ, and numbers of new top-level statements.

    Raises:
        _More: More differs.
    """
    known = _known_names(old.text)
    functions: list[_Change] = []
    added: list[int] = []
    waiting = list(old.tree.body)
    for number, node in enumerate(new.tree.body):
        if waiting and _matches(waiting[0], node, old, new):
            functions += _changed(waiting.pop(0), node, old, new, "")
        elif _may_be_added(node) and not known & set(_bound(node)):
            added.append(number)
        else:
            raise _More(f"line {node.lineno} is no function that was there")
    if waiting:
        raise _More(f"what stood at line {waiting[0].lineno} is gone")
    return functions, added


def _matches(old: ast.stmt, new: ast.stmt, one: _Text, other: _Text) -> bool:
    """Whether a statement may be a later state of another one."""
    if type(old) is not type(new):
        return False
    if isinstance(old, _Function | ast.ClassDef):
        return old.name == getattr(new, "name", None)
    return one.segment(old) == other.segment(new) or hasattr(old, "body") or ast.dump(old) == ast.dump(new)


def _changed(old: ast.AST, new: ast.AST, one: _Text, other: _Text, prefix: str) -> Iterator[_Change]:
    """The functions in a statement that differ.

    Raises:
        _More: Something else in it does.
    """
    if isinstance(old, ast.stmt) and isinstance(new, ast.stmt) and one.segment(old) == other.segment(new):
        return
    if type(old) is not type(new):
        raise _More(f"line {getattr(new, 'lineno', 0)} is another statement")
    if isinstance(old, _Function):
        assert isinstance(new, _Function)
        if _header(old) != _header(new):
            raise _More(f"line {new.lineno} has another header")
        if list(map(ast.dump, old.body)) == list(map(ast.dump, new.body)):
            return  # a comment, or how it is laid out
        if _uses_class(new) and not _uses_class(old):  # a function cannot be given the cell of its class later
            raise _More(f"line {new.lineno}: super() where there was none")
        docs = ast.get_docstring(old, clean=False) != ast.get_docstring(new, clean=False)
        yield _Change(f"{prefix}{old.name}", docs, _yields(old) != _yields(new))
        return
    if not hasattr(old, "body"):
        if ast.dump(old) != ast.dump(new):
            raise _More(f"line {getattr(new, 'lineno', 0)} differs")
        return
    if _header(old) != _header(new):
        raise _More(f"line {getattr(new, 'lineno', 0)} differs")
    inner = f"{prefix}{old.name}." if isinstance(old, ast.ClassDef) else prefix
    for name in (*_BLOCKS, "handlers", "cases"):
        mine, theirs = getattr(old, name, []), getattr(new, name, [])
        if len(mine) != len(theirs):
            raise _More(f"line {getattr(new, 'lineno', 0)} holds more or less than it did")
        for left, right in zip(mine, theirs, strict=True):
            if isinstance(left, _Function | ast.ClassDef) and left.name != getattr(right, "name", None):
                raise _More(f"line {right.lineno} has another name")
            yield from _changed(left, right, one, other, inner)


def _header(node: ast.AST) -> list[Any]:
    """Everything of a compound statement but the statements in it."""
    skipped = (*_BLOCKS, "handlers", "cases")
    return [_dumped(getattr(node, name, None)) for name in node._fields if name not in skipped]


def _dumped(value: Any) -> Any:
    if isinstance(value, list):
        return [_dumped(part) for part in value]
    return ast.dump(value) if isinstance(value, ast.AST) else value


def _uses_class(node: _Function) -> bool:
    """Whether the compiler gives the function the cell of its class."""
    return any(isinstance(part, ast.Name) and part.id in ("super", "__class__") for part in ast.walk(node))


def _yields(node: _Function) -> bool:
    """Whether a call of the function makes a generator."""
    todo: list[ast.AST] = list(node.body)
    while todo:
        part = todo.pop()
        if isinstance(part, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(part, _Function | ast.ClassDef | ast.Lambda):
            todo += ast.iter_child_nodes(part)
    return False


def _may_be_added(node: ast.stmt) -> bool:
    """Whether a new statement does the same at the end of the import as at its place: it only binds new names."""
    if isinstance(node, ast.ImportFrom):
        return node.module != "__future__" and all(alias.name != "*" for alias in node.names)
    if isinstance(node, _Function):
        headers = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
        return not node.decorator_list and all(isinstance(part, ast.Constant) for part in headers)
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Name) for target in node.targets) and _is_literal(node.value)
    return isinstance(node, ast.Import)


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


@lru_cache(maxsize=256)
def _known_names(text: str) -> frozenset[str]:
    """Names that a new statement may not bind: what the file has, and builtins, which it would hide."""
    return frozenset([*dir(builtins), *(name for node in parse(text).body for name in _bound(node))])


def _bound(node: ast.stmt) -> Iterator[str]:
    """Names that a statement binds, wherever in it."""
    for part in ast.walk(node):
        if isinstance(part, _Function | ast.ClassDef):
            yield part.name
        elif isinstance(part, ast.alias):
            yield (part.asname or part.name).split(".")[0]
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id
