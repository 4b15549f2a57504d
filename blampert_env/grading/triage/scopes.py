"""What a function binds, and to what kind of thing a name is bound."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Binding:
    """What a name stands for.

    Attributes:
        kind: ``local``, ``typeof`` (a local that holds a type that it was not given), ``function``, ``class``,
            ``constant``, ``table``, ``object``, ``logger``, ``module``, ``member``, ``type``, ``own module``, ``bad``.
        what: The module or member, the path and name of what the project defines, or why it is bad.
        nested: Of a table: its elements can be changed too.
    """

    kind: str
    what: str = ""
    nested: bool = False


MODULES = ("module", "own module")
LOCAL = Binding("local")
FRESH = Binding("local", "fresh")  # holds nothing but built-in values that were made here
TYPEOF = Binding("typeof")


def children(node: ast.AST) -> list[ast.AST]:
    """As ``ast.iter_child_nodes``, faster: trusted files are large, and all of them are walked."""
    found: list[ast.AST] = []
    for value in vars(node).values():
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [one for one in value if isinstance(one, ast.AST)]
    return found


def parts(node: ast.AST, names: Iterable[str]) -> list[Any]:
    """Parts of a node by name, those that are not there left out."""
    found = [getattr(node, name) for name in names]
    return [one for part in found for one in (part if isinstance(part, list) else [part]) if one is not None]


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """As ``ast.walk``, in another order."""
    todo = [node]
    while todo:
        one = todo.pop()
        yield one
        todo += children(one)


def here(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Nodes of one scope: nested functions, lambdas and classes are given, not entered."""
    todo = list(nodes)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, SCOPES):
            todo.extend(children(node))


def parameters(arguments: ast.arguments) -> list[ast.arg]:
    """All of them, stars included."""
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return found + [extra for extra in (arguments.vararg, arguments.kwarg) if extra]


def bound_names(node: ast.AST) -> Iterator[str]:
    """Names that a node itself binds, in the scope it stands in; imports are left out."""
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
    elif isinstance(node, FunctionNode | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        if node.name:
            yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[str, str, int]]]:
    """``(local name, (module, member, level))``; member is empty for a module."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, (node.module or "", alias.name, node.level)
        elif alias.asname:
            yield alias.asname, (alias.name, "", 0)
        else:
            yield alias.name.split(".")[0], (alias.name.split(".")[0], "", 0)


def local_names(body: Iterable[ast.AST]) -> dict[str, Binding]:
    """Names that a function's body binds; comprehensions' own variables are left out."""
    found: dict[str, Binding] = {}
    outer: set[str] = set()
    fresh: set[str] = set()  # names in targets of assignments of fresh values; each such target is left out below
    stale: set[str] = set()
    todo = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Global | ast.Nonlocal):
            outer.update(node.names)
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        if isinstance(node, ast.Assign) and isinstance(target, ast.Name) and is_fresh(node.value):
            found.setdefault(target.id, LOCAL)
            fresh.add(target.id)
            todo.append(node.value)
            continue
        for name in bound_names(node):
            found.setdefault(name, LOCAL)
            stale.add(name)
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value and makes_type(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update({target.id: TYPEOF for target in targets if isinstance(target, ast.Name)})
        if isinstance(node, COMPREHENSIONS):
            todo.extend(walrus for walrus in walk(node) if isinstance(walrus, ast.NamedExpr))
        elif not isinstance(node, SCOPES):
            todo.extend(children(node))
    found.update({name: FRESH for name in fresh - stale if found[name] is LOCAL})
    return {name: binding for name, binding in found.items() if name not in outer}


def is_fresh(node: ast.expr) -> bool:
    """Whether an expression makes a new built-in value."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("dict", "list", "set", "str", "sorted", "tuple")
    if isinstance(node, ast.Constant | ast.JoinedStr):
        return True
    return isinstance(node, ast.List | ast.Dict | ast.Set | ast.Tuple | ast.ListComp | ast.DictComp | ast.SetComp)


def makes_type(node: ast.expr) -> bool:
    """``type(x)`` or ``x.__class__``."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "type"
    return isinstance(node, ast.Attribute) and node.attr == "__class__"


def root(node: ast.AST) -> str:
    """``"a"`` for ``a.b.c`` and ``a(...)``; empty if it is no name."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def last_name(node: ast.AST) -> str:
    """``"b"`` for ``a.b``, ``"a"`` for ``a``; empty for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def same(one: object, two: object) -> bool:
    """Whether two trees are the same but for where they stand. Stops at the first difference, unlike two dumps."""
    if type(one) is not type(two):
        return False
    if isinstance(one, ast.AST):
        return all(same(getattr(one, name, None), getattr(two, name, None)) for name in one._fields)
    if isinstance(one, list):
        assert isinstance(two, list)
        return len(one) == len(two) and all(map(same, one, two))
    return one == two and repr(one) == repr(two)  # 0.0 and -0.0 are equal


def is_super(node: ast.AST) -> TypeGuard[ast.Call]:
    """``super()``."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
