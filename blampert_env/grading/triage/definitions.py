"""The rules for definitions: functions that an edit changes or adds, and the exceptions that it adds."""

from __future__ import annotations

import ast
import inspect

from blampert_env.grading.triage import words
from blampert_env.grading.triage.facts import ClassFacts
from blampert_env.grading.triage.flow import Def, gather
from blampert_env.grading.triage.given import Given
from blampert_env.grading.triage.looking import CALL, TYPE
from blampert_env.grading.triage.rules import Rules
from blampert_env.grading.triage.scopes import (
    LOCAL,
    Binding,
    FunctionNode,
    bound_names,
    here,
    imported,
    local_names,
    parameters,
    same,
)

_CLASS = Binding("cls")
_DECORATORS = frozenset(["staticmethod", "classmethod", "property"])


class Definitions(Rules):
    """Looks at definitions."""

    def function(self, one: Def, twin: FunctionNode | None, owner: ClassFacts | None) -> None:
        """A function that was changed, or is new.

        Args:
            one: It.
            twin: The trusted one, if there is one.
            owner: The trusted class that it is a method of.
        """
        node = one.node
        self.owner, self.method, self.this = owner, node.name, ""
        # what one method of the edit keeps in its object, another may read
        self.own_stores = self.view.edit_stores | one.stores if owner is not None else frozenset()
        self.edited, self.given = one.key, None
        if owner is None or owner.name in self.view.module.classes:  # else the edit itself makes instances of it
            self.given = Given(one, self.is_trusted, self.is_project, self.project.tools.fields)
            self.view.givens[one.key] = self.given
        self._check_name(node, owner)
        self._check_docstring(node, twin)
        kinds = self._decorators(node, twin)
        if twin is None or not same(twin.args, node.args):
            self.arguments(node.args)
        if twin is None or not same(twin.returns, node.returns):
            self.each([node.returns], TYPE)
        first = next(iter([*node.args.posonlyargs, *node.args.args]), None)
        names, outer, never_bound = self._names(node), self.own_parameters, self._never_bound(node)
        self.own_parameters |= never_bound
        if owner is not None and first is not None and "staticmethod" not in kinds:
            if "classmethod" in kinds or node.name in ("__init_subclass__", "__class_getitem__"):
                names[first.arg] = _CLASS
            elif first.arg in never_bound:
                self.this = first.arg
        self._body(node, names)
        self.own_parameters = outer

    def _check_name(self, node: FunctionNode, owner: ClassFacts | None) -> None:
        name, tests = node.name, self.project.tests
        may_define = name in words.MAY_DEFINE
        if words.is_dunder(name) and (owner is None or not may_define):
            self.why(node, f"defines {name}")
        if name in tests.decorators:
            self.why(node, f"tests are decorated with {name}")
        if name in tests.handed_power:
            self.why(node, f"tests hand {name} what leads out")

    def _check_docstring(self, node: FunctionNode, twin: FunctionNode | None) -> None:
        """Examples in docstrings may be tests: they are the author's."""
        text = ast.get_docstring(node, clean=False) or ""
        old = (ast.get_docstring(twin, clean=False) or "") if twin is not None else text
        if ">>>" in text and inspect.cleandoc(old) != inspect.cleandoc(text):
            self.why(node, "changes examples of a docstring")

    def _decorators(self, node: FunctionNode, twin: FunctionNode | None) -> set[str]:
        trusted = [ast.dump(one) for one in twin.decorator_list] if twin is not None else []
        kept = []
        for one in node.decorator_list:
            if (text := ast.dump(one)) in trusted:
                kept.append(text)
            elif not (isinstance(one, ast.Name) and one.id in _DECORATORS):
                self.no_walrus([one])
                self._decorator(one)
        if kept != trusted:
            self.why(node, "drops or moves decorators")
        return {one.id for one in node.decorator_list if isinstance(one, ast.Name)}

    def _decorator(self, node: ast.expr) -> None:
        """A decorator is called with a function."""
        known = self.binding(node.id) if isinstance(node, ast.Name) else None
        if isinstance(node, ast.Name) and (known is None or known.kind not in ("function", "class")):
            self.look(node, CALL)
        else:
            self.look(ast.copy_location(ast.Call(node, [ast.Constant(None)], []), node), CALL)

    @staticmethod
    def _never_bound(node: FunctionNode) -> frozenset[str]:
        """Parameters that are never bound again."""
        return frozenset(one.arg for one in parameters(node.args)) - local_names(node.body).keys()

    def _names(self, node: FunctionNode) -> dict[str, Binding]:
        """What a function binds; functions within, to which nothing else is bound, may be wrapped."""
        names = local_names(node.body)
        given = [argument.arg for argument in parameters(node.args)]
        definitions: list[str] = []
        others = set(given)
        for inner in here(node.body):
            if isinstance(inner, FunctionNode):
                definitions.append(inner.name)
            elif isinstance(inner, ast.Import | ast.ImportFrom):
                for name, what in imported(inner):
                    names[name] = self.project.imported(self.view.path, *what)
                    others.add(name)
            else:
                others.update(bound_names(inner))
        once = [name for name in definitions if name not in others and definitions.count(name) == 1]
        names |= dict.fromkeys(once, Binding("wrapper"))
        return names | {name: LOCAL for name in given if names.get(name, LOCAL).kind == "local"}

    def _body(self, node: FunctionNode, names: dict[str, Binding]) -> None:
        self.scopes.append(names)
        self.each(node.body)
        self.scopes.pop()

    def on_functiondef(self, node: FunctionNode, role: str) -> None:
        """A function within."""
        for one in node.decorator_list:
            self._decorator(one)
        self.arguments(node.args)
        self.each([node.returns], TYPE)
        this, outer, names = self.this, self.own_parameters, self._names(node)
        self.own_parameters |= self._never_bound(node)
        self.this = "" if this in names else this
        self._body(node, names)
        self.this, self.own_parameters = this, outer

    on_asyncfunctiondef = on_functiondef

    def on_classdef(self, node: ast.ClassDef, role: str = "") -> None:
        """A class that the edit adds: an exception that says what it was given, nothing else."""
        if node.keywords or node.decorator_list or not node.bases or not all(map(self._is_exception, node.bases)):
            self.why(node, f"makes the class {node.name}")
            return
        for item in node.body:
            if isinstance(item, ast.FunctionDef) and item.name in ("__init__", "__str__") and not item.decorator_list:
                facts = ClassFacts(node.name, self.view.path, node, frozenset(), {}, frozenset(), frozenset())
                inner = type(self)(self.view)
                inner.reasons, inner.scopes = self.reasons, [*self.scopes]
                inner.own_parameters, inner.harmless_stores = self.own_parameters, self.harmless_stores
                inner.function(gather(item, self.view.path, node.name), None, facts)
            elif not (
                isinstance(item, ast.Pass) or (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))
            ):
                self.why(item, f"makes the class {node.name} of more than functions")

    def _is_exception(self, base: ast.expr) -> bool:
        known = self.binding(base.id) if isinstance(base, ast.Name) else None
        if known is None or not isinstance(base, ast.Name):
            return self.is_builtin(base, *words.NARROW, "Exception")
        return known.kind == "class" and base.id.endswith(("Error", "Exception")) and not self.project.tools.of(known)
