"""Which of a project's Python files import which, read from their syntax trees."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping


class Modules:
    """The import graph of a project.

    A name is looked up below every import root and beside the importing file; where that finds nothing, any file whose
    path ends like the name counts, as tests put folders on ``sys.path`` themselves.

    Args:
        trees: Path to syntax tree of the Python files that parse.
        roots: Folders on the path; ``"."`` for the project itself.
        dynamic: Files in which a string that spells a module counts as an import, too (``pytest_plugins``,
            ``import_module``).
    """

    def __init__(self, trees: Mapping[str, ast.Module], roots: Iterable[str], dynamic: Collection[str] = ()) -> None:
        self._trees = trees
        self._dynamic = dynamic
        self._roots = tuple(dict.fromkeys("" if root == "." else root for root in roots))
        self._ending: dict[str, list[str]] = {}
        for path in trees:
            self._ending.setdefault(_stem(path).rpartition("/")[2], []).append(path)
        self._known: dict[str, frozenset[str]] = {}

    def imported(self, path: str) -> frozenset[str]:
        """Files that a file imports, the packages that they lie in included."""
        if path not in self._known:
            found: set[str] = set(self._packages(path))
            for name in set(self._names(path)):
                found.update(self._find(name, path))
            self._known[path] = frozenset(found - {path})
        return self._known[path]

    def reached(self, starts: Iterable[str], enter: Callable[[str], bool] = lambda path: True) -> set[str]:
        """Files that are imported from ``starts``, directly or not, these included; ``enter`` says what to follow."""
        found: set[str] = set()
        todo = [path for path in starts if path in self._trees]
        while todo:
            path = todo.pop()
            if path not in found:
                found.add(path)
                if enter(path):
                    todo += self.imported(path)
        return found

    def _names(self, path: str) -> Iterator[str]:
        """Dotted names that a file imports; relative ones as paths that begin with ``/``."""
        tree = self._trees[path]
        for node in ast.walk(tree) if path in self._dynamic else _statements(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    folder = path.split("/")[: -node.level]
                    base = "/" + "/".join([*folder, *base.split(".")] if base else folder)
                yield base
                separator = "/" if node.level else "."
                yield from (f"{base.rstrip('/')}{separator}{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Constant) and _is_dotted(node.value):
                yield str(node.value)

    def _find(self, name: str, importer: str) -> Iterable[str]:
        if name.startswith("/"):
            return self._at(name.strip("/"))
        parts = name.split(".")
        for root in (*self._roots, posixpath.dirname(importer)):
            if found := self._at(posixpath.join(root, *parts), len(parts)):
                return found
        ending = "/".join(parts)
        for path in self._ending.get(parts[-1], ()):
            if f"/{_stem(path)}".endswith(f"/{ending}"):
                return self._at(_stem(path), len(parts))
        return ()

    def _at(self, stem: str, depth: int = 1) -> list[str]:
        """The file of a module with the packages above it, ``depth`` levels; empty if there is none."""
        for path in (f"{stem}.py", f"{stem}/__init__.py") if stem else ():
            if path in self._trees:
                return [path, *self._packages(path)]
        return []

    def _packages(self, path: str) -> Iterator[str]:
        """The ``__init__.py`` of each package that holds a file: importing it runs them."""
        folder = posixpath.dirname(path)
        while f"{folder}/__init__.py" in self._trees and folder:
            yield f"{folder}/__init__.py"
            folder = posixpath.dirname(folder)


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Statements at any depth, without the expressions in them: much faster than ``ast.walk``."""
    todo: list[ast.AST] = [*tree.body]
    while todo:
        node = todo.pop()
        yield node
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            todo += getattr(node, name, ()) if isinstance(getattr(node, name, ()), list) else ()


def _is_dotted(value: object) -> bool:
    return isinstance(value, str) and all(part.isidentifier() for part in value.split("."))


def _stem(path: str) -> str:
    """``"pkg/mod"`` for ``pkg/mod.py``, ``"pkg"`` for ``pkg/__init__.py``."""
    return path.removesuffix(".py").removesuffix("/__init__")


def tests_own(
    modules: Modules, tests: Collection[str], sources: Collection[str], working: Collection[str], side: Collection[str]
) -> tuple[set[str], set[str]]:
    """What of the sources belongs to the tests.

    A file without a target that tests import, directly or through such files, and that no source imports, is the
    tests' own: they trust it, so it may not run at the candidate's side.

    Args:
        modules: The import graph.
        tests: Test files, conftests and helpers that are known as such.
        sources: Files that may be sources.
        working: Those of them with targets.
        side: Those of them that lie among tests, documentation or examples.

    Returns:
        The tests' own files; and those without targets that tests and sources both import.
    """
    plain = set(sources) - set(working)
    theirs = (modules.reached(tests, lambda path: path not in working) | set(side)) & plain
    library = modules.reached({*working, *(plain - theirs)}) & plain
    return theirs - library, theirs & library
