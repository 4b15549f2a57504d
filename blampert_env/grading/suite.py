"""What to run of a project: its test files, where its modules are found, how pytest is told."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal

from blampert_env.errors import ProjectError
from blampert_env.grading.blampert_jail.linux import words
from blampert_env.grading.files import encode
from blampert_env.parsing import parse
from blampert_env.projects import Project

Tests = Literal["visible", "held_out", "all"]

_CONFIGS = (
    ("pytest.ini", b""),
    ("pyproject.toml", b"[tool.pytest"),
    ("tox.ini", b"[pytest]"),
    ("setup.cfg", b"[tool:pytest]"),
)  # in pytest's order, with what makes each its configuration
_TEST_FOLDERS = frozenset({"test", "tests"})
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


@dataclass(frozen=True)
class Suite:
    """A project's tests, of one kind.

    Attributes:
        project: The project.
        tests: Which of its tests run.
    """

    project: Project
    tests: Tests

    @cached_property
    def test_files(self) -> list[str]:
        """Paths of the test files to run.

        Raises:
            ProjectError: There are none.
        """
        held_out = [path for path in self.project.held_out if _is_test(path)]
        chosen = {"visible": [*self.project.tests], "held_out": held_out, "all": [*self.project.tests, *held_out]}
        if not chosen[self.tests]:
            kind = "held-out " if self.tests == "held_out" else ""
            raise ProjectError(f"{self.project.name} has no {kind}tests: add a test_*.py file for pytest")
        return chosen[self.tests]

    @cached_property
    def protected(self) -> dict[str, bytes]:
        """Everything but the sources: tests, conftest, configuration, data; held-out files where those are run."""
        files = {**encode(self.project.tests), **self.project.support}
        if self.tests != "visible":
            files.update(self.project.held_out)
        return files

    @cached_property
    def shown(self) -> dict[str, bytes]:
        """Files that a candidate may read while it runs: data and helpers, no tests and nothing beside them."""
        hidden = {"conftest.py", *(name for name, _ in _CONFIGS)}
        return {
            path: content
            for path, content in self.project.support.items()
            if not _TEST_FOLDERS & set(PurePosixPath(path).parts[:-1]) and PurePosixPath(path).name not in hidden
        }

    def whole(self, sources: Mapping[str, bytes]) -> dict[str, bytes]:
        """Every file of a run with tests and candidate in one place."""
        return {**self.protected, **encode(self.project.sources), **sources}

    @cached_property
    def folders(self) -> list[str]:
        """On ``sys.path``: the root, ``src/``, and of each test file the first folder above that is no package."""
        files = {**self.protected, **encode(self.project.sources)}
        folders = ["."]
        if any(path.startswith("src/") for path in files) and "src/__init__.py" not in files:
            folders.append("src")
        for test in self.test_files:
            folder = PurePosixPath(test).parent
            while str(folder) != "." and str(folder / "__init__.py") in files:
                folder = folder.parent
            folders.append(str(folder))
        return list(dict.fromkeys(folders))

    @cached_property
    def config(self) -> str:
        """The project's own pytest configuration, or none."""
        files = self.protected
        return next((name for name, mark in _CONFIGS if name in files and mark in files[name]), os.devnull)

    @cached_property
    def plugins(self) -> list[str]:
        """Distributions that may bring pytest plugins: the project's own requirements."""
        return sorted({_distribution(line) for line in self.project.requirements} - {"pytest"})

    @cached_property
    def top_modules(self) -> dict[str, str]:
        """Top-level module name to the source file that it should come from."""
        modules: dict[str, str] = {}
        for name, path in self.modules.items():
            if path:
                modules.setdefault(name.split(".")[0], path)
        return modules

    @cached_property
    def modules(self) -> dict[str, str]:
        """Name of every module of the sources (and of the folders they lie in) to its file; "" for a bare folder."""
        found: dict[str, str] = {}
        for path in self.project.sources:
            for folder in self.folders:
                if not PurePosixPath(path).is_relative_to(folder):
                    continue
                parts = PurePosixPath(path).relative_to(folder).with_suffix("").parts
                parts = parts[:-1] if parts[-1] == "__init__" else parts
                if parts and all(part.isidentifier() for part in parts):
                    found[".".join(parts)] = path
                    for count in range(1, len(parts)):
                        found.setdefault(".".join(parts[:count]), "")
        return found

    @cached_property
    def packages(self) -> list[str]:
        """Those of :attr:`modules` that are packages."""
        return sorted(name for name, path in self.modules.items() if not path or path.endswith("__init__.py"))

    @cached_property
    def preload(self) -> list[str]:
        """Third-party modules that sources and tests import at their top: imported before any fork."""
        own = {name.split(".")[0] for name in self.modules}
        texts = [*self.project.sources.values(), *(text for _, text in self._trusted_python())]
        names = {name for text in texts for name in _imports(text) if name.split(".")[0] not in own}
        return sorted(name for name in names if name.split(".")[0] not in ("pytest", "blampert_env"))

    @cached_property
    def uses_random(self) -> bool:
        """Whether the order of random numbers could matter to tests and candidate together."""
        return any(re.search(r"\brandom\b", text) for _, text in self._trusted_python())

    @cached_property
    def asks_for_folder(self) -> bool:
        """Whether tests look at the working folder, so that they must follow a candidate that changes it."""
        return any(re.search(r"getcwd|\.cwd\(", text) for _, text in self._trusted_python())

    @cached_property
    def unused_plugins(self) -> list[str]:
        """Pytest's plugins that serve fixtures which no test names."""
        text = "\n".join(text for _, text in self._trusted_python())
        found = [] if re.search(r"cap(sys|fd|log|ture)", text) else ["capturemanager"]
        return found if re.search(r"caplog|logging", text) else [*found, "logging-plugin"]

    @cached_property
    def reasons_not_to_split(self) -> list[str]:
        """What in the tests needs the candidate in their own process, one line each; empty if nothing is known to."""
        own = {name.split(".")[0] for name in self.modules}
        own |= {PurePosixPath(path).stem for path in self.protected if path.endswith(".py")}
        own |= {part for path in self.protected for part in PurePosixPath(path).parts[:-1]}
        found: list[str] = []
        for path, text in self._trusted_python():
            try:
                tree = parse(text)
            except (SyntaxError, ValueError, RecursionError):
                continue
            found += [f"{path} {what}" for what in _looks_inside(tree, own)]
            found += [f"{path} extends {name}" for name in _extended(tree, set(self.modules))]
        return list(dict.fromkeys(found))

    def _trusted_python(self) -> Iterable[tuple[str, str]]:
        for path, content in self.protected.items():
            if path.endswith(".py"):
                yield path, content.decode("utf-8", "replace")


def _looks_inside(tree: ast.Module, own: set[str]) -> Iterable[str]:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            top = name.split(".")[0]
            if top in _LOOKS_INSIDE or (
                top not in own and top not in sys.stdlib_module_names and top not in _SPLITTABLE
            ):
                yield f"uses {top}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _LOOKS_INSIDE_CALLS:
            yield f"calls {node.func.id}()"
        elif isinstance(node, ast.Attribute) and node.attr in _LOOKS_INSIDE_ATTRIBUTES:
            yield f"uses .{node.attr}"
        elif isinstance(node, ast.AsyncFor | ast.AsyncWith):
            yield "uses async for or async with"


def _extended(tree: ast.Module, modules: set[str]) -> Iterable[str]:
    """Classes of the candidate's modules that the tests extend."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in modules:
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.split(".")[0] for alias in node.names if alias.name in modules}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for base in node.bases:
                root = base
                while isinstance(root, ast.Attribute | ast.Subscript):
                    root = root.value
                if isinstance(root, ast.Name) and (root.id in names or "*" in names):
                    yield ast.unparse(base)


def _imports(text: str) -> Iterable[str]:
    """Modules that a file imports at its top level, none of the standard library."""
    try:
        body = parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in body:
        names: Sequence[str] = ()
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        yield from (name for name in names if name.split(".")[0] not in sys.stdlib_module_names)


def _distribution(requirement: str) -> str:
    name = requirement.split(";")[0]
    for end in " <>=!~[(@":
        name = name.split(end)[0]
    return name.lower().replace("_", "-").replace(".", "-")


def _is_test(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))
