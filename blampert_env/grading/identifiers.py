"""Who names whom in the tests: by identifiers only, so that it holds across files and errs on the safe side."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = tuple[Iterable[str], frozenset[str]]
"""Names, and the names that what they stand for is made of."""

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def named(node: ast.AST, context: type[ast.expr_context] | None = None) -> frozenset[str]:
    """Identifiers in a tree, those of attributes and imports, too.

    Args:
        node: The tree.
        context: ``ast.Store`` for what it sets, ``ast.Load`` for what it uses; both by default.
    """
    return frozenset(name for part in ast.walk(node) for name in _names(part, context))


def _names(node: ast.AST, context: type[ast.expr_context] | None) -> Iterator[str]:
    if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, context or ast.expr_context):
        yield node.id if isinstance(node, ast.Name) else node.attr
    elif isinstance(node, ast.alias):
        yield from [node.asname or node.name] if context is ast.Store else re.findall(r"\w+", node.name)
    elif isinstance(node, ast.ImportFrom) and context is not ast.Store:
        yield from (node.module or "").split(".")
    elif isinstance(node, _SCOPES) and context is None:
        yield node.name


def used(trees: Iterable[ast.AST]) -> frozenset[str]:
    """Names that are used anywhere, in strings, too (``depends=["test_a"]``), but not in docstrings."""
    found: set[str] = set()
    for tree in trees:
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):  # other imports name modules only
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.Name | ast.Attribute):
                found.update(_names(node, None))
            elif isinstance(node, ast.arg):  # a fixture is asked for by a parameter
                found.add(node.arg)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                found.update(re.findall(r"\w+", node.value))
    return frozenset(found)


def spread(seeds: frozenset[str], definitions: Iterable[Definition]) -> frozenset[str]:
    """The names that stand for something made of one of the seeds, and the seeds."""
    found, left = set(seeds), list(definitions)
    while touched := [names for names, parts in left if not found.isdisjoint(parts)]:
        left = [(names, parts) for names, parts in left if found.isdisjoint(parts)]
        found.update(*touched)
    return frozenset(found)


def definitions(body: Sequence[ast.stmt]) -> Iterator[Definition]:
    """What the functions, classes, variables and attributes of some statements are made of."""
    for part in body:
        if isinstance(part, _SCOPES):
            yield [part.name], named(part)
        if isinstance(part, Function):
            for node in ast.walk(part):
                if isinstance(node, ast.Assign):
                    yield [target.attr for target in node.targets if isinstance(target, ast.Attribute)], named(node)
            continue
        inner = list(blocks(part))
        head = [node for node in ast.iter_child_nodes(part) if not isinstance(node, ast.stmt)] if inner else [part]
        yield _joined(head, ast.Store), _joined(head)
        for block in inner:
            yield from definitions(block)


def local_definitions(function: Function) -> Iterator[Definition]:
    """The same for the variables of a function; its parameters are made of what its decorators name."""
    arguments = [node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)]
    yield arguments, _joined(function.decorator_list)
    yield from definitions(function.body)


def _joined(nodes: Iterable[ast.AST], context: type[ast.expr_context] | None = None) -> frozenset[str]:
    return frozenset(name for node in nodes for name in named(node, context))


def blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements right under a statement."""
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        parts = getattr(node, field, None)
        if isinstance(parts, list) and parts:
            if isinstance(parts[0], ast.stmt):
                yield parts
            else:
                for part in parts:
                    yield from blocks(part)
