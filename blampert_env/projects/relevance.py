"""Relevance: which tests mention which targets, read from the tests' syntax trees. Nothing is run.

A test mentions a function if it names it, and a method if it uses an attribute of that name; where several classes
have such a method, those that the test names are meant. Special methods such as ``__init__`` or ``__add__`` are
seldom named: using the class is enough. What a test's fixtures, helpers, set-up methods and module-level values use
counts as well, through any number of them.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from blampert_env.projects.configuration import PytestConfig
from blampert_env.projects.doctests import doctest_uses
from blampert_env.projects.syntax import first_line, split_lines, tree_of, unix
from blampert_env.projects.target import Target
from blampert_env.projects.testfile import TestFile, Uses


class Suite:
    """A project's visible tests: what each of them uses.

    Args:
        tests: Test files, path to text.
        conftests: conftest files, path to content.
        config: What names tests have.
        doctests: Files with doctests that pytest collects, path to text.
        paths: Every Python file of the project.
    """

    def __init__(
        self,
        tests: Mapping[str, str],
        conftests: Mapping[str, bytes],
        config: PytestConfig,
        doctests: Mapping[str, str],
        paths: Collection[str],
    ) -> None:
        self._texts = {path: content.decode("utf-8", "replace") for path, content in conftests.items()} | dict(tests)
        self._trees = {path: tree for path in self._texts if (tree := tree_of(self._texts[path]))}
        self._files: dict[str, TestFile] = {}
        for path in tests:
            folder = path.rpartition("/")[0]
            above = [name for name in conftests if f"{folder}/".startswith(name.removesuffix("conftest.py"))]
            outer = [self._trees[name] for name in sorted(above, key=len) if name in self._trees]
            self._files[path] = TestFile(self._trees[path], outer, config)
        self._doctests = doctest_uses(doctests, paths)

    def mentions(self, targets: Sequence[Target]) -> dict[str, frozenset[str]]:
        """Static test id to the ids of the targets that the test mentions, in file order, doctests last."""
        index = _Index(targets)
        return {test: frozenset(target.id for target in _mentioned(index, uses)) for test, uses in self._uses()}

    def _uses(self) -> Iterator[tuple[str, Uses]]:
        for path, file in self._files.items():
            yield from ((f"{path}::{name}", uses) for name, uses in file.uses.items())
        yield from self._doctests.items()

    def evidence(self, targets: Sequence[Target]) -> set[str]:
        """Ids of the functions that a test mentions and does not expect to be missing."""
        index = _Index(targets)
        found: set[str] = set()
        for _, uses in self._uses():
            if "NotImplementedError" not in uses.names:
                found.update(target.id for target in _mentioned(index, uses) if _could_be(target, uses))
        return found

    def render(self, target: Target, targets: Sequence[Target]) -> str:
        """Source of the tests that mention a target with what they use, one file after the other."""
        index = _Index(targets)
        nodes: set[ast.AST] = set()
        for _, uses in self._uses():
            if target in _mentioned(index, uses):
                nodes |= uses.nodes
        parts = {}
        for path in sorted(self._trees):
            if excerpt := _excerpt(self._texts[path], self._trees[path].body, nodes):
                parts[path] = excerpt
        if len(parts) == 1:
            return next(iter(parts.values()))
        return "\n\n".join(f"# {path}\n{text}" for path, text in parts.items())


class _Index:
    """Targets by name, so that of a thousand functions only those are looked at whose name a test has."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self._by_name: dict[str, list[tuple[int, Target]]] = {}
        for number, target in enumerate(targets):
            self._by_name.setdefault(target.name, []).append((number, target))
        self._special = {name for name in self._by_name if name.startswith("__")}

    def near(self, uses: Uses) -> list[Target]:
        """Targets whose name occurs in a test, in file order; special methods always."""
        words = uses.names | uses.attributes | uses.module_attributes | uses.strings
        names = (words & self._by_name.keys()) | self._special
        return [target for _, target in sorted((pair for n in names for pair in self._by_name[n]), key=lambda p: p[0])]


def _mentioned(index: _Index, uses: Uses) -> list[Target]:
    """The targets that a test with these uses mentions."""
    targets = index.near(uses)
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


def _could_be(target: Target, uses: Uses) -> bool:
    """Whether a mention is more than a method's name on something unknown."""
    if target.name.startswith("__"):  # every class has them
        return _names_class(target, uses)
    return target.class_name is None or _mentions(target, uses)


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
