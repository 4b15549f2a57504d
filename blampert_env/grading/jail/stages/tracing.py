"""Which functions of the sources each test reaches, seen while trusted code runs.

Each function of the sources begins with one more call, put in when its file is imported: a tracer of the interpreter's
would look at every call of pytest's own and make the run ten times as long. Functions that run while a fixture is made
or ended belong to every test that uses the fixture, since only the first of them makes it. The idea of running only
what a change can reach is pytest-testmon's (https://testmon.org); here calls are watched, not lines, since an edit
replaces whole functions.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib.machinery
import linecache
import os
import sys
import traceback
import types
from collections.abc import Iterator, Mapping
from typing import Any

# what runs code out of sight, or may look at how it is written
_OUT_OF_SIGHT = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "os.exec", "os.spawn")
_HOOK = "__blampert_reached__"
EVERYTHING = "*"


class Tracer:
    """A pytest plugin that keeps the names of the functions that each test, its fixtures included, has run.

    A function is ``path::qualname``; those inside another one count as the outer one. A test that did something out of
    sight has :data:`EVERYTHING` among them.

    Args:
        files: File name, as code objects have it, to path in the project; none may have been imported.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self.names: list[str] = []
        self.seen: set[int] = set()
        self.out_of_sight = False
        self.at_import: set[str] = set()
        self._loaded: set[str] = set()
        self._is_loading = False
        self._reached: dict[str, set[str]] = {}
        self._of_fixtures: dict[Any, set[str]] = {}
        self._parts: list[set[str]] = [set()]  # of the test, of the fixture that is made, of one that this asked for

    def start(self) -> None:
        """Watch what is imported from now on, in every thread."""
        setattr(builtins, _HOOK, self.seen.add)
        sys.addaudithook(self._audit)
        tracer, loader_class = self, importlib.machinery.SourceFileLoader
        original, get_code = loader_class.source_to_code, loader_class.get_code

        def quiet_get_code(loader: Any, name: str) -> Any:
            with tracer._not_looking():
                return get_code(loader, name)

        def source_to_code(loader: Any, data: Any, path: Any, *more: Any, **names: Any) -> Any:
            place = tracer.files.get(os.path.normpath(str(path)))
            if place is None or not isinstance(data, bytes | str):
                return original(loader, data, path, *more, **names)
            with tracer._not_looking():
                tracer._loaded.add(place)
                return compile(tracer._watched(ast.parse(data, path), place), path, "exec", dont_inherit=True)

        setattr(loader_class, "source_to_code", source_to_code)  # noqa: B010
        setattr(loader_class, "get_code", quiet_get_code)  # noqa: B010

    def collected(self) -> None:
        """Everything is imported: what ran so far ran at import."""
        self._flush()
        self.at_import, self._parts = self._parts[0] - {EVERYTHING}, [set()]

    def reached(self, items: list[Any]) -> dict[str, set[str]]:
        """What each test reaches, when all have run."""
        anything = set[str]().union(*self._of_fixtures.values())
        imported = {self.files.get(os.path.normpath(str(getattr(m, "__file__", "")))) for m in sys.modules.values()}
        unseen = {EVERYTHING} if imported - self._loaded - {None} else set()  # loaded by somebody else's loader
        found: dict[str, set[str]] = {}
        for item in items:
            # one that may ask for fixtures by name, of which those that failed before are not noted
            asks = "request" in getattr(item, "fixturenames", ())
            mine = (self._of_fixtures.get(definition, ()) for definition in _definitions(item))
            found[item.nodeid] = self._reached.get(item.nodeid, set()).union(*mine, anything if asks else (), unseen)
        return found

    def _watched(self, tree: ast.Module, place: str) -> ast.Module:
        """The tree with a call at the beginning of every function."""
        todo: list[tuple[ast.AST, str, int | None]] = [(tree, "", None)]
        while todo:
            node, prefix, number = todo.pop()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if number is None:
                    number = len(self.names)
                    self.names.append(f"{place}::{prefix}{node.name}")
                at = 1 if ast.get_docstring(node, clean=False) is not None else 0
                where = node.body[min(at, len(node.body) - 1)]
                call = ast.copy_location(ast.Expr(_call(number)), where)
                node.body.insert(at, ast.fix_missing_locations(call))
            elif isinstance(node, ast.Lambda) and number is not None:
                both = ast.copy_location(ast.BoolOp(ast.Or(), [_call(number), node.body]), node.body)
                node.body = ast.fix_missing_locations(both)
            elif isinstance(node, ast.ClassDef) and number is None:
                prefix = f"{prefix}{node.name}."
            todo += [(child, prefix, number) for child in ast.iter_child_nodes(node)]
        return tree

    @contextlib.contextmanager
    def _not_looking(self) -> Iterator[None]:
        """What happens meanwhile is an import, or pytest's."""
        before, self._is_loading = self._is_loading, True
        try:
            yield
        finally:
            self._is_loading = before

    def _audit(self, event: str, arguments: Any) -> None:
        if event in ("compile", "open"):
            name = arguments[event == "compile"]
            if not self._is_loading and isinstance(name, str | bytes):
                is_source = os.path.abspath(os.fsdecode(name)) in self.files
                self.out_of_sight |= is_source and not _shows_a_traceback()
        else:
            self.out_of_sight |= event in _OUT_OF_SIGHT

    def _flush(self) -> None:
        """Give what was seen to the innermost part."""
        seen = set(self.seen)
        self.seen.clear()
        self._parts[-1].update(self.names[number] for number in seen)
        if self.out_of_sight:
            self._parts[-1].add(EVERYTHING)
        self.out_of_sight = False

    def _within(self) -> Iterator[set[str]]:
        """A part of its own."""
        self._flush()
        self._parts.append(set())
        yield self._parts[-1]
        self._flush()
        part = self._parts.pop()
        self._parts[-1] |= part

    def pytest_runtest_logstart(self) -> None:
        """A test begins: what ran before it is nobody's."""
        self._flush()
        self._parts = [set()]
        for file in [name for name in linecache.cache if os.path.abspath(name) in self.files]:
            del linecache.cache[file]  # what one test has read, the next one would find there

    def pytest_runtest_makereport(self) -> Iterator[None]:
        """A failure's text shows lines of the code that it came through."""
        with self._not_looking():
            yield

    pytest_runtest_makereport.pytest_impl = {"hookwrapper": True}  # type: ignore[attr-defined]

    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """What making a fixture reaches, what it asks for meanwhile included, is the fixture's."""
        for part in self._within():
            yield
            self._flush()
            self._of_fixtures.setdefault(fixturedef, set()).update(part)

    pytest_fixture_setup.pytest_impl = {"hookwrapper": True}  # type: ignore[attr-defined]

    def pytest_runtest_teardown(self, item: Any) -> Iterator[None]:
        """What ending fixtures reaches belongs to those that other tests use as well."""
        for part in self._within():
            yield
            self._flush()
            for definition in _definitions(item):
                if definition.scope != "function":
                    self._of_fixtures.setdefault(definition, set()).update(part)

    pytest_runtest_teardown.pytest_impl = {"hookwrapper": True}  # type: ignore[attr-defined]

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test is over."""
        self._flush()
        self._reached.setdefault(nodeid, set()).update(self._parts[0])


def _shows_a_traceback() -> bool:
    """Whether somebody shows the lines that an exception came through, all of functions that were called."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != traceback.__file__:
        frame = frame.f_back
    return frame is not None


def _call(number: int) -> ast.Call:
    return ast.Call(ast.Name(_HOOK, ast.Load()), [ast.Constant(number)], [])


def _definitions(item: Any) -> list[Any]:
    """Every fixture that a test may use; those that it asked for by name while it ran, too."""
    info = getattr(item, "_fixtureinfo", None)
    found = [one for many in info.name2fixturedefs.values() for one in many] if info is not None else []
    return [*found, *getattr(getattr(item, "_request", None), "_fixture_defs", {}).values()]
