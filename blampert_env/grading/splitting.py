"""Which test files let a candidate live in another process than they do, read from their text."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from blampert_env.grading.jail.walls.linux import words
from blampert_env.projects.modules import Modules
from blampert_env.projects.syntax import tree_of

# third-party imports of tests that work with a candidate in another process
_SPLITTABLE = frozenset({"pytest", "hypothesis", "numpy", "pandas", "_pytest", "pytest_mock"})
# standard modules whose use in tests means that they look into the interpreter they share with the candidate
_LOOKS_INSIDE = frozenset(
    words(
        "subprocess multiprocessing threading concurrent pickle shelve copyreg ctypes gc weakref importlib imp "
        "runpy inspect tracemalloc trace faulthandler code pdb doctest sched queue signal symtable ast dis pkgutil"
    )
)
_LOOKS_INSIDE_CALLS = frozenset({"exec", "eval", "compile", "__import__", "globals"})
_LOOKS_INSIDE_ATTRIBUTES = frozenset(
    words(
        "modules getrefcount getsizeof settrace setprofile setrecursionlimit _getframe system popen fork spawnl "
        "spawnv execv __code__ __globals__ __subclasses__ __closure__ gather create_task TaskGroup ensure_future "
        "wait_for"
    )
)


def reasons_not_to_split(python: Mapping[str, str], tests: Iterable[str], modules: Iterable[str]) -> dict[str, str]:
    """Test file to what in it, in its conftests or in helpers of its needs the candidate in their own process.

    Args:
        python: Path to text of the tests' own Python files.
        tests: Those of them that are test files.
        modules: Names of the candidate's modules.
    """
    trees = dict(_parsed(python))
    graph = Modules(trees, ["."])
    own = {name.split(".")[0] for name in modules}
    own |= {part for path in python for part in PurePosixPath(path).with_suffix("").parts}
    found = {path: next(iter(_looks_inside(tree, own)), "") for path, tree in trees.items()}
    reasons: dict[str, str] = {}
    for test in tests:
        used = graph.reached([test, *_conftests_of(test, trees)])
        reasons[test] = next((f"{path} {found[path]}" for path in sorted(used) if found[path]), "")
    return reasons


def top_imports(text: str) -> Iterator[str]:
    """Modules that a file imports at its top level."""
    for _, tree in _parsed({"": text}):
        for node in tree.body:
            yield from _imported(node)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def _parsed(python: Mapping[str, str]) -> Iterator[tuple[str, ast.Module]]:
    for path, text in python.items():
        tree = tree_of(text)
        if tree is not None:  # else pytest says so, if it collects the file
            yield path, tree


def _conftests_of(test: str, paths: Iterable[str]) -> list[str]:
    return [
        path
        for path in paths
        if PurePosixPath(path).name == "conftest.py" and PurePosixPath(test).is_relative_to(PurePosixPath(path).parent)
    ]


def _looks_inside(tree: ast.Module, own: set[str]) -> Iterable[str]:
    for node in ast.walk(tree):
        for name in _imported(node):
            top = name.split(".")[0]
            if top in _LOOKS_INSIDE or not (top in own or top in sys.stdlib_module_names or top in _SPLITTABLE):
                yield f"uses {top}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _LOOKS_INSIDE_CALLS:
            yield f"calls {node.func.id}()"
        elif isinstance(node, ast.Attribute) and node.attr in _LOOKS_INSIDE_ATTRIBUTES:
            yield f"uses .{node.attr}"
        elif isinstance(node, ast.AsyncFor | ast.AsyncWith):
            yield "uses async for or async with"
