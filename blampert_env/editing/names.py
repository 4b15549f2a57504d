"""Names: what a file defines, what code uses, and where the names come from."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import lru_cache

from blampert_env.projects.syntax import FunctionNode, last_name

Origin = tuple[object, ...]  # ("import", "a.b", None), ("from", 0, "a", "b") or ("defined",)
DEFINED: Origin = ("defined",)


@lru_cache(maxsize=256)
def origins(node: ast.Module | ast.ClassDef) -> Mapping[str, Set[Origin]]:
    """Every name that a module or class body binds, with where it comes from; not what functions bind inside."""
    bound: dict[str, set[Origin]] = {}
    for statement in node.body:
        for name, origin in _bindings(statement):
            bound.setdefault(name, set()).add(origin)
    return bound


def _bindings(node: ast.AST) -> Iterator[tuple[str, Origin]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield bound_name(node, alias), import_origin(node, alias)
    elif isinstance(node, FunctionNode | ast.ClassDef):
        yield node.name, DEFINED
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id, DEFINED
    elif isinstance(node, ast.If) and last_name(node.test) == "TYPE_CHECKING":
        for statement in node.orelse:
            yield from _bindings(statement)
    elif not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _bindings(child)


def bound_name(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    """The name that an import binds: ``os`` for ``import os.path``, ``*`` for a star."""
    if alias.asname:
        return alias.asname
    return alias.name.split(".")[0] if isinstance(node, ast.Import) else alias.name


def import_origin(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> Origin:
    """What an import binds, comparable: two imports with the same origin are the same."""
    if isinstance(node, ast.Import):
        return ("import", alias.name, alias.asname)
    return ("from", node.level, node.module, alias.name)


def rendered(statement: ast.Import | ast.ImportFrom, names: list[ast.alias]) -> list[str]:
    """An import with only these of its names, as one line; nothing if there are none."""
    if not names:
        return []
    if isinstance(statement, ast.Import):
        return [ast.unparse(ast.Import(names=names))]
    return [ast.unparse(ast.ImportFrom(module=statement.module, names=names, level=statement.level))]


def clashes(origin: Origin, others: Set[Origin]) -> bool:
    """Whether binding ``origin`` would take the name away from what it is bound to."""
    if origin[0] == "import" and origin[2] is None:  # "import a.b" and "import a" bind the same module
        root = str(origin[1]).split(".")[0]
        return any(o[0] != "import" or o[2] is not None or str(o[1]).split(".")[0] != root for o in others)
    return bool(others)


def used_names(nodes: Iterable[ast.AST]) -> tuple[set[str], set[str]]:
    """Names and attribute names that occur in code, wherever in it."""
    names: set[str] = set()
    attributes: set[str] = set()
    for part in (part for node in nodes for part in ast.walk(node)):
        if isinstance(part, ast.Name):
            names.add(part.id)
        elif isinstance(part, ast.Attribute):
            attributes.add(part.attr)
    return names, attributes


def assigned_names(node: ast.stmt) -> list[str]:
    """Names that a helper statement defines: a function, a class, or a plain assignment; none for anything else."""
    if isinstance(node, FunctionNode | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        targets = [part for target in node.targets for part in getattr(target, "elts", [target])]
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets = [node.target]
    else:
        return []
    return [part.id for part in targets if isinstance(part, ast.Name)] if _all_names(targets) else []


def _all_names(targets: Iterable[ast.AST]) -> bool:
    return all(isinstance(part, ast.Name) for part in targets)
