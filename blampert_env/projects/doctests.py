"""Doctests that pytest collects: their ids, and what each of them uses."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Collection, Iterator, Mapping

from blampert_env.projects.syntax import FunctionNode, docstring_node, parse
from blampert_env.projects.testfile import Uses


def doctest_uses(files: Mapping[str, str], paths: Collection[str]) -> dict[str, Uses]:
    """What the examples of some files use.

    Args:
        files: Files that pytest collects doctests from, path to text.
        paths: Every Python file of the project: where an ``__init__.py`` lies, is a package.

    Returns:
        Test id as pytest has it, ``"pkg/mod.py::pkg.mod.Class.method"`` or ``"README.md::README.md"``, to uses.
    """
    found = {}
    for path, text in files.items():
        if path.endswith(".py"):
            module = _module_name(path, paths)
            for name, docstring in _docstrings(text):
                if uses := _uses(docstring):
                    found[f"{path}::{'.'.join([module, *name])}"] = uses
        elif uses := _uses(text):
            found[f"{path}::{posixpath.basename(path)}"] = uses
    return found


def _module_name(path: str, paths: Collection[str]) -> str:
    """As pytest names the module: from the outermost folder that is a package."""
    folder, name = posixpath.split(path.removesuffix(".py"))
    parts = [] if name == "__init__" else [name]
    while folder and f"{folder}/__init__.py" in paths:
        folder, package = posixpath.split(folder)
        parts.insert(0, package)
    return ".".join(parts)


def _docstrings(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Name and docstring of a module and of its functions and classes; functions within functions have none."""
    try:
        todo: list[tuple[tuple[str, ...], ast.AST]] = [((), parse(text))]
    except SyntaxError:  # pytest will say so
        return
    while todo:
        name, node = todo.pop(0)
        if isinstance(node, FunctionNode | ast.ClassDef | ast.Module) and docstring_node(node):
            yield name, ast.get_docstring(node) or ""
        if not isinstance(node, FunctionNode):
            for child in ast.iter_child_nodes(node):
                if isinstance(child, FunctionNode | ast.ClassDef):
                    todo.append(((*name, child.name), child))
                elif isinstance(child, ast.stmt | ast.ExceptHandler):
                    todo.append((name, child))


def _uses(text: str) -> Uses | None:
    """What the examples in a text use; None if there is none."""
    import doctest

    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:  # pytest will say so
        return None
    if not examples:
        return None
    uses = Uses()
    for example in examples:
        try:
            tree = parse(example.source)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                uses.names.add(node.id)
            elif isinstance(node, ast.Attribute):
                uses.attributes.add(node.attr)
                uses.module_attributes.add(node.attr)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    uses.modules.setdefault(alias.name, set()).add(node.module or "")
    return uses
