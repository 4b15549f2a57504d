"""The rules for definitions: functions that an edit changes or adds, and the exceptions that it adds."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable

from blampert_env.grading.triage import words
from blampert_env.grading.triage.facts import ClassFacts
from blampert_env.grading.triage.flow import gather
from blampert_env.grading.triage.given import Given
from blampert_env.grading.triage.looking import CALL, TYPE
from blampert_env.grading.triage.rules import Expressions
from blampert_env.grading.triage.scopes import (
    LOCAL,
    Binding,
    FunctionNode,
    bound_names,
    here,
    imported,
    local_names,
    same,
)
from blampert_env.grading.triage.scopes import parameters as parameters_of
from blampert_env.grading.triage.view import FileView

_WRAPPER = Binding("wrapper")
_CLASS = Binding("cls")
_DECORATORS = frozenset(["staticmethod", "classmethod", "property"])


class Definitions(Expressions):
    """Looks at definitions."""

    def __init__(self, view: FileView) -> None:
        super().__init__(view)
        self._parameters: list[frozenset[str]] = []  # that are never bound again, by function

    def run(self, body: Iterable[ast.stmt]) -> None:
        """Look at statements."""
        raise NotImplementedError

    def function(self, node: FunctionNode, twin: FunctionNode | None, owner: ClassFacts | None) -> None:
        """A function that was changed, or is new.

        Args:
            twin: The trusted one, if there is one.
            owner: The trusted class that it is a method of.
        """
        self.owner, self.method, self.this = owner, node.name, ""
        # what one method of the edit keeps in its object, another may read
        one = gather(node, self.view.path, owner.name if owner is not None else "")
        self.own_stores = self.view.edit_stores | one.stores if owner is not None else frozenset()
        self.edited = one.key
        self.given = None  # the edit itself makes instances of its new classes, with texts of its own
        if owner is None or owner.name in self.view.module.classes:
            self.given = Given(one, self.is_trusted, self.is_project, self.project.tools.fields)
            self.view.givens[one.key] = self.given
        self._name_of_function(node, twin, owner)
        self._docstring(node, twin)
        kinds = self._decorators(node, twin)
        if twin is None or not same(twin.args, node.args):
            self.arguments(node.args)
        if node.returns is not None and not (twin and same(twin.returns, node.returns)):
            self.look(node.returns, TYPE)
        first = next(iter([*node.args.posonlyargs, *node.args.args]), None)
        names = self._scope(node)
        if owner is not None and first is not None and "staticmethod" not in kinds:
            if "classmethod" in kinds or node.name in ("__init_subclass__", "__class_getitem__"):
                names[first.arg] = _CLASS
            elif first.arg in self._parameters[-1]:
                self.this = first.arg
        self._in_scope(node, names)

    def _name_of_function(self, node: FunctionNode, twin: FunctionNode | None, owner: ClassFacts | None) -> None:
        name, tests = node.name, self.project.tests
        if words.is_dunder(name) and (
            owner is None
            or not (name in words.MAY_DEFINE or (name in ("__exit__", "__aexit__") and self._passes_on(node)))
        ):
            self.why(node, f"defines {name}")
        if name in tests.decorators:
            self.why(node, f"tests are decorated with {name}")
        if name in tests.handed_power:
            self.why(node, f"tests hand {name} what leads out")

    @staticmethod
    def _passes_on(node: FunctionNode) -> bool:
        """Whether an ``__exit__`` never swallows what is raised."""
        for inner in here(node.body):
            if (
                isinstance(inner, ast.Return)
                and inner.value is not None
                and not (isinstance(inner.value, ast.Constant) and not inner.value.value)
            ):
                return False
            if isinstance(inner, ast.Yield | ast.YieldFrom | ast.Await):
                return False
        return isinstance(node, ast.FunctionDef)

    def _docstring(self, node: FunctionNode, twin: FunctionNode | None) -> None:
        """Examples in docstrings may be tests: they are the author's."""
        text = ast.get_docstring(node, clean=False)
        if text and ">>>" in text and twin is not None:
            old = ast.get_docstring(twin, clean=False)
            if old is None or inspect.cleandoc(old) != inspect.cleandoc(text):
                self.why(node, "changes examples of a docstring")

    def _decorators(self, node: FunctionNode, twin: FunctionNode | None) -> set[str]:
        if not node.decorator_list and (twin is None or not twin.decorator_list):
            return set()
        trusted = {ast.dump(one) for one in twin.decorator_list} if twin is not None else set()
        for one in node.decorator_list:
            if ast.dump(one) in trusted or (isinstance(one, ast.Name) and one.id in _DECORATORS):
                continue
            self.no_walrus([one])
            self._decorator(one)
        if twin is not None and [ast.dump(d) for d in node.decorator_list if ast.dump(d) in trusted] != [
            ast.dump(d) for d in twin.decorator_list
        ]:
            self.why(node, "drops or moves decorators")
        return {one.id for one in node.decorator_list if isinstance(one, ast.Name)}

    def _decorator(self, node: ast.expr) -> None:
        """A decorator is called with a function."""
        known = self.binding(node.id) if isinstance(node, ast.Name) else None
        if isinstance(node, ast.Name) and (known is None or known.kind not in ("function", "class")):
            self.look(node, CALL)
        else:
            self.look(ast.copy_location(ast.Call(node, [ast.Constant(None)], []), node), CALL)

    def _scope(self, node: FunctionNode) -> dict[str, Binding]:
        names = local_names(node.body)
        given = {argument.arg for argument in parameters_of(node.args)}
        self._parameters.append(frozenset(name for name in given if name not in names))
        definitions: list[str] = []
        others: set[str] = set()
        for inner in here(node.body):
            if isinstance(inner, FunctionNode):
                definitions.append(inner.name)
            elif isinstance(inner, ast.Import | ast.ImportFrom):
                for name, what in imported(inner):
                    names[name] = self.project.imported(self.view.path, *what)
                    others.add(name)
            else:
                others.update(bound_names(inner))
        for name in definitions:
            if name not in others and definitions.count(name) == 1 and name not in given:
                names[name] = _WRAPPER
        for name in given:
            if names.get(name, LOCAL).kind == "local":
                names[name] = LOCAL
        return names

    def _in_scope(self, node: FunctionNode, names: dict[str, Binding]) -> None:
        self.scopes.append(names)
        self.run(node.body)
        self.scopes.pop()
        self._parameters.pop()

    def _nested(self, node: FunctionNode) -> None:
        self.check_bound(node, node.name)
        for one in node.decorator_list:
            self._decorator(one)
        self.arguments(node.args)
        if node.returns is not None:
            self.look(node.returns, TYPE)
        this = self.this
        names = self._scope(node)
        if this in names:
            self.this = ""
        self._in_scope(node, names)
        self.this = this

    def new_class(self, node: ast.ClassDef) -> None:
        """A class that the edit adds: an exception that says what it was given, nothing else."""
        self.check_bound(node, node.name)
        if node.keywords or node.decorator_list or not node.bases or not all(self._is_exception(b) for b in node.bases):
            self.why(node, f"makes the class {node.name}")
            return
        for item in node.body:
            if isinstance(item, ast.FunctionDef) and item.name in ("__init__", "__str__") and not item.decorator_list:
                saved = self.owner, self.this, self.method, self.own_stores, self.given, self.edited
                facts = ClassFacts(node.name, self.view.path, node, frozenset(), {}, frozenset(), frozenset())
                inner_names = self.scopes
                self.function(item, None, facts)
                self.scopes = inner_names
                self.owner, self.this, self.method, self.own_stores, self.given, self.edited = saved
            elif not (
                isinstance(item, ast.Pass) or (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))
            ):
                self.why(item, f"makes the class {node.name} of more than functions")

    def _is_exception(self, base: ast.expr) -> bool:
        if not isinstance(base, ast.Name):
            return False
        known = self.binding(base.id)
        if known is None:
            return base.id in words.NARROW or base.id == "Exception"
        return known.kind == "class" and base.id.endswith(("Error", "Exception")) and not self.project.tools.of(known)
