"""Relevance: which tests mention which targets, read from the tests' syntax trees. Nothing is run.

A test mentions a function if it names it, and a method if it uses an attribute of that name; where several classes
have such a method, those that the test names are meant. Special methods such as ``__init__`` or ``__add__`` are
seldom named: using the class is enough. What a test's fixtures, helpers, set-up methods and module-level values use
counts as well, through any number of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from blampert_env.projects.project import Project
from blampert_env.projects.syntax import first_line, parse, split_lines, unix
from blampert_env.projects.target import Target
from blampert_env.projects.testfile import TestFile, Uses


@dataclass(frozen=True, slots=True)
class _Suite:
    """A project's visible tests: syntax trees of test files and conftests, and the tests in them, by path."""

    trees: dict[str, ast.Module]
    tests: dict[str, TestFile]


@lru_cache(maxsize=64)
def _suite(project: Project) -> _Suite:
    conftests = {path: tree for path in _conftests(project) if (tree := _parsed(project.support[path]))}
    trees = {path: parse(text) for path, text in project.tests.items()}
    tests = {}
    for path, tree in trees.items():
        folder = path.rpartition("/")[0]
        above = [name for name in conftests if f"{folder}/".startswith(name.removesuffix("conftest.py"))]
        tests[path] = TestFile(tree, [conftests[name] for name in sorted(above, key=len)])
    return _Suite({**conftests, **trees}, tests)


def _conftests(project: Project) -> list[str]:
    return [path for path in project.support if path.rpartition("/")[2] == "conftest.py"]


def _parsed(content: bytes) -> ast.Module | None:
    try:
        return parse(content.decode("utf-8", "replace"))
    except SyntaxError:  # pytest will say so
        return None


def mentions(project: Project) -> dict[str, frozenset[str]]:
    """Static test id to the ids of the targets that the test mentions, in file order."""
    return {
        f"{path}::{name}": frozenset(target.id for target in mentioned(project.targets, uses))
        for path, file in _suite(project).tests.items()
        for name, uses in file.uses.items()
    }


def render_tests(project: Project, target: Target) -> str:
    """Source of the tests that mention a target with what they use, one file after the other."""
    suite = _suite(project)
    nodes: set[ast.AST] = set()
    for file in suite.tests.values():
        for uses in file.uses.values():
            if target in mentioned(project.targets, uses):
                nodes |= uses.nodes
    parts = {}
    for path in sorted(suite.trees):
        text = project.tests[path] if path in project.tests else project.support[path].decode("utf-8", "replace")
        if excerpt := _excerpt(text, suite.trees[path].body, nodes):
            parts[path] = excerpt
    if len(parts) == 1:
        return next(iter(parts.values()))
    return "\n\n".join(f"# {path}\n{text}" for path, text in parts.items())


def mentioned(targets: Iterable[Target], uses: Uses) -> list[Target]:
    """The targets that a test with these uses mentions."""
    targets = list(targets)
    found = [target for target in targets if _mentions(target, uses)]
    if not found:  # a module that came out of a fixture: any attribute may be one of its functions
        found = [target for target in targets if target.name in uses.attributes]
    return [target for target in found if _is_meant(target, found, uses)]


def _mentions(target: Target, uses: Uses) -> bool:
    name = target.name
    if target.class_name is None:
        return name in uses.names or name in uses.module_attributes or name in uses.strings
    if name.startswith("__") and name.endswith("__") and _names_class(target, uses):
        return True
    return name in uses.attributes or name in uses.strings


def _is_meant(target: Target, found: list[Target], uses: Uses) -> bool:
    """Whether a target is among the best of those with its name: of a class or a module that the test names."""
    rivals = [
        other for other in found if other.name == target.name and bool(other.class_name) == bool(target.class_name)
    ]
    is_named = _names_class if target.class_name else _names_module
    return is_named(target, uses) or not any(is_named(rival, uses) for rival in rivals)


def _names_class(target: Target, uses: Uses) -> bool:
    owner = (target.class_name or "").rpartition(".")[2]
    return owner in uses.names or owner in uses.attributes


def _names_module(target: Target, uses: Uses) -> bool:
    parts = target.path.removesuffix(".py").removesuffix("/__init__").split("/")
    return any(module.rpartition(".")[2] == parts[-1] for module in uses.modules.get(target.name, ()))


def _excerpt(text: str, body: list[ast.stmt], nodes: set[ast.AST]) -> str:
    """A file's imports and its statements among ``nodes``, with the blank lines above them; empty if there are none."""
    if not any(_is_used(statement, nodes) for statement in body):
        return ""
    lines = split_lines(unix(text))
    ranges = [span for statement in body for span in _spans(statement, nodes, lines)]
    pieces: list[str] = []
    last = 0
    for first, end in ranges:
        if first <= last:  # two statements on one line
            continue
        blank = 0
        while pieces and blank < 2 and first - blank >= 2 and not lines[first - blank - 2].strip():
            blank += 1
        pieces += ["\n" * blank, *lines[first - 1 : end]]
        last = end
    return "".join(pieces).rstrip() + "\n"


def _spans(statement: ast.stmt, nodes: set[ast.AST], lines: Sequence[str]) -> list[tuple[int, int]]:
    """Line ranges of a statement that are wanted: all of it, or a class's header and some of its members."""
    whole = (first_line(statement, lines), statement.end_lineno or statement.lineno)
    if isinstance(statement, ast.Import | ast.ImportFrom) or statement in nodes:
        return [whole]
    if not _is_used(statement, nodes):
        return []
    inner = statement.body[0] if isinstance(statement, ast.ClassDef) else statement
    if not isinstance(statement, ast.ClassDef) or first_line(inner, lines) == statement.lineno:
        return [whole]
    members = [span for member in statement.body for span in _spans(member, nodes, lines)]
    return [(whole[0], first_line(inner, lines) - 1), *members]


def _is_used(statement: ast.stmt, nodes: set[ast.AST]) -> bool:
    return any(part in nodes for part in ast.walk(statement) if isinstance(part, ast.stmt))
