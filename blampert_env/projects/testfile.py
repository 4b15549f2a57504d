"""A test file as pytest sees it, without running it: its tests, and what each of them uses."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from blampert_env.projects.configuration import DEFAULT, PytestConfig
from blampert_env.projects.syntax import FunctionNode, is_main_guard, last_name

_SET_UP = {
    *("setUp", "setUpClass", "asyncSetUp", "tearDown", "tearDownClass", "asyncTearDown"),
    *("setup_method", "setup_class", "teardown_method", "teardown_class", "setUpModule", "tearDownModule"),
    *("setup_function", "setup_module", "teardown_function", "teardown_module", "pytestmark"),
}


@dataclass(slots=True)
class Uses:
    """What a test uses, directly or through fixtures, helpers and values of its file and the conftests.

    Attributes:
        names: Plain names, imported ones as they are called where they come from.
        attributes: Names after a dot.
        module_attributes: Those of them after an imported name, such as ``add`` in ``calculator.add``.
        strings: Short string literals: ``getattr(calculator, "add")``.
        modules: Modules that names were imported from.
        nodes: Statements that were looked at.
    """

    names: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    module_attributes: set[str] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)
    modules: dict[str, set[str]] = field(default_factory=dict)
    nodes: set[ast.AST] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Test:
    node: FunctionNode
    classes: tuple[ast.ClassDef, ...]


class TestFile:
    """A test file with the conftests above it.

    Args:
        tree: Syntax tree of the test file.
        conftests: Those of the conftest files that apply, outermost first.
        config: What names tests have.

    Attributes:
        uses: Static test id below the file, such as ``"TestAdd::test_zero"``, to what that test uses.
    """

    __test__ = False

    def __init__(self, tree: ast.Module, conftests: Sequence[ast.Module] = (), config: PytestConfig = DEFAULT) -> None:
        self._config = config
        self._names: dict[str, list[ast.stmt]] = {}
        self._always: list[ast.stmt] = []
        self._imports: dict[str, tuple[str, str]] = {}
        for part in (*conftests, tree):
            self._read(part)
        self.uses = {name: self._follow(test) for name, test in dict(self._find_tests(tree.body, ())).items()}

    def _read(self, tree: ast.Module) -> None:
        """Take in what a file defines; what comes later hides what was there."""
        for statement in _flat(tree.body):
            for name in _defined(statement):
                self._names[name] = [statement]
                if name in _SET_UP:
                    self._always.append(statement)
            if _is_autouse(statement):
                self._always.append(statement)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    bound = alias.asname or alias.name.split(".")[0]
                    self._imports[bound] = (alias.name, "")
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self._imports[alias.asname or alias.name] = (node.module or "", alias.name)

    def _find_tests(self, body: Iterable[ast.stmt], classes: tuple[ast.ClassDef, ...]) -> Iterator[tuple[str, _Test]]:
        """Tests of a module or class with their ids, those that a class inherits within the file included."""
        for statement in _flat(body):
            if isinstance(statement, FunctionNode) and self._is_test(statement.name, classes):
                yield "::".join([*(outer.name for outer in classes), statement.name]), _Test(statement, classes)
            elif isinstance(statement, ast.ClassDef) and self._is_collected(statement):
                for base in reversed(self._lineage(statement)):
                    yield from self._find_tests(base.body, (*classes, statement))

    def _is_test(self, name: str, classes: tuple[ast.ClassDef, ...]) -> bool:
        """Whether a function is a test by its name: unittest's rule within a TestCase, else the configuration's."""
        if classes and self._is_test_case(classes[-1]):
            return name.startswith("test")
        return self._config.is_test_function(name)

    def _is_test_case(self, node: ast.ClassDef) -> bool:
        return any(last_name(base).endswith("TestCase") for part in self._lineage(node) for base in part.bases)

    def _is_collected(self, node: ast.ClassDef) -> bool:
        """Whether pytest collects the class: a TestCase, or one with a test's name and without a constructor."""
        lineage = self._lineage(node)
        if self._is_test_case(node):
            return True
        has_init = any(
            isinstance(s, FunctionNode) and s.name in ("__init__", "__new__") for c in lineage for s in c.body
        )
        return self._config.is_test_class(node.name) and not has_init

    def _lineage(self, node: ast.ClassDef) -> list[ast.ClassDef]:
        """A class and its bases within the test files, nearest first."""
        found = [node]
        for part in found:
            for base in part.bases:
                for other in self._names.get(last_name(base), []):
                    if isinstance(other, ast.ClassDef) and other not in found:
                        found.append(other)
        return found

    def _follow(self, test: _Test) -> Uses:
        """Everything that a test uses."""
        uses = Uses()
        members: dict[str, ast.stmt] = {}
        todo: list[ast.AST] = [test.node, *self._always]
        for owner in test.classes:
            todo += owner.decorator_list
            for part in reversed(self._lineage(owner)):
                for statement in _flat(part.body):
                    members.update(dict.fromkeys(_defined(statement), statement))
                    if _SET_UP.intersection(_defined(statement)) or _is_autouse(statement):
                        todo.append(statement)
        while todo:
            node = todo.pop()
            if node not in uses.nodes:
                uses.nodes.add(node)
                for name, through_self in self._collect(node, uses):
                    todo += [members[name]] if name in members else []
                    todo += [] if through_self else self._names.get(name, [])
        return uses

    def _collect(self, node: ast.AST, uses: Uses) -> Iterator[tuple[str, bool]]:
        """Note what a piece of code uses; yield names to follow, and whether they come after ``self.``."""
        for part in ast.walk(node):
            match part:
                case ast.Name(id=name):
                    self._note_name(name, uses)
                    yield name, False
                case ast.Attribute(value=value, attr=name):
                    uses.attributes.add(name)
                    root = _root(value)
                    if root in self._imports:
                        uses.module_attributes.add(name)
                    if root in ("self", "cls"):
                        yield name, True
                case ast.arg(arg=name):
                    yield name, False
                case ast.Constant(value=str(name)) if name.isidentifier():
                    uses.strings.add(name)
                    yield name, False

    def _note_name(self, name: str, uses: Uses) -> None:
        module, original = self._imports.get(name, ("", ""))
        uses.names.add(original or name)
        if original:
            uses.modules.setdefault(original, set()).add(module)


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a body with those inside its ``if``, ``try`` and ``with`` blocks."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With) and not is_main_guard(statement):
            handlers = [part for handler in getattr(statement, "handlers", []) for part in handler.body]
            yield from _flat([*statement.body, *handlers, *getattr(statement, "orelse", [])])


def _defined(statement: ast.stmt) -> list[str]:
    """Names that a statement defines, a fixture's ``name=`` included; imports are looked up elsewhere."""
    if isinstance(statement, FunctionNode | ast.ClassDef):
        return [statement.name, *(name for name in (_keyword(statement, "name"),) if isinstance(name, str))]
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    return []


def _is_autouse(statement: ast.stmt) -> bool:
    return isinstance(statement, FunctionNode) and _keyword(statement, "autouse") is True


def _keyword(node: FunctionNode | ast.ClassDef, name: str) -> object:
    """A literal keyword of the fixture decorator."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and last_name(decorator).endswith("fixture"):
            for keyword in decorator.keywords:
                if keyword.arg == name and isinstance(keyword.value, ast.Constant):
                    return keyword.value.value
    return None


def _root(node: ast.expr) -> str:
    """``"a"`` for ``a.b.c``; ``""`` if it does not start with a name."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
