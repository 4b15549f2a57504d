"""The rules for expressions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from blampert_env.grading.triage import words
from blampert_env.grading.triage.attributes import Attributes
from blampert_env.grading.triage.calls import Calls
from blampert_env.grading.triage.looking import CALL, CHANGE, ITER, READ, TYPE, VALUE
from blampert_env.grading.triage.scopes import COMPREHENSIONS, LOCAL, Binding, bound_names, parameters
from blampert_env.grading.triage.scopes import local_names as names_bound_in
from blampert_env.grading.triage.view import FileView

_CALLS = Calls()
_PASSED = (READ, TYPE, ITER)  # what a choice between two hands to both
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Mod, ast.BitOr, ast.BitAnd, ast.Div, ast.FloorDiv, ast.Pow)


class Expressions(Attributes):
    """Looks at expressions of every kind."""

    def __init__(self, view: FileView) -> None:
        super().__init__(view)
        looks: dict[type, Callable[[Any, str], None]] = {
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Call: self._call,
            ast.Subscript: self._subscript,
            ast.Constant: lambda node, role: None,
            ast.Lambda: self._lambda,
            ast.BinOp: self._binary,
            ast.Compare: self._compare,
            ast.JoinedStr: lambda node, role: self.each(node.values, READ),
            ast.FormattedValue: self._formatted,
            ast.IfExp: self._choice,
            ast.BoolOp: lambda node, role: self.each(node.values, role if role in _PASSED else VALUE),
            ast.UnaryOp: lambda node, role: self.look(node.operand, READ),
            ast.Tuple: self._elements,
            ast.List: self._elements,
            ast.Set: self._elements,
            ast.Dict: self._dict,
            ast.Starred: lambda node, role: self.look(node.value, ITER if role != CHANGE else CHANGE),
            ast.Slice: lambda node, role: self.each((node.lower, node.upper, node.step), VALUE),
            ast.NamedExpr: self._walrus,
            ast.Yield: lambda node, role: self.each((node.value,), VALUE),
            ast.YieldFrom: lambda node, role: self.look(node.value, VALUE),
            ast.Await: lambda node, role: self.look(node.value, VALUE),
        }
        self._looks = {**looks, **dict.fromkeys(COMPREHENSIONS, self._comprehension)}

    def _name(self, node: ast.Name, role: str) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.check_bound(node, node.id)
            return
        known = self.binding(node.id)
        if known is None:
            self._builtin(node, role)
        else:
            self.check(node, node.id, known, role)

    def _builtin(self, node: ast.Name, role: str) -> None:
        name = node.id
        if name in words.FREE or name in words.CONSTANTS:
            if role == CHANGE:
                self.why(node, f"changes {name}")
        elif name in words.BROAD:
            if role not in (TYPE, CALL):
                self.why(node, f"hands {name} on")
        elif (
            (name == "type" and role == TYPE)
            or (name == "locals" and role == CALL and self.scopes)
            or self._is_nowhere(name)
        ):
            return
        else:
            self.why(node, f"names {name}")

    def _is_nowhere(self, name: str) -> bool:
        """Whether a name is bound by nobody: to name it raises NameError."""
        module = self.view.module
        return not (
            name in words.BUILTIN_NAMES
            or words.is_dunder(name)
            or name in module.globals
            or "*" in module.imports
            or name in self.project.tests.mentioned
        )

    def library_call(self, node: ast.Call) -> str:
        """The library function that is called with nothing but positional arguments, "" if it is none."""
        return "" if node.keywords else _CALLS.member(self, node.func)

    def _call(self, node: ast.Call, role: str) -> None:
        _CALLS.look(self, node, role)

    def _subscript(self, node: ast.Subscript, role: str) -> None:
        table = self._table(node.value)
        self.look(node.slice, TYPE if table is not None or role == TYPE else VALUE)
        if not isinstance(node.ctx, ast.Load) or role == CHANGE:
            self.look(node.value, CHANGE)
        elif role in (READ, TYPE):
            self.look(node.value, READ)
        else:
            self.look(node.value, VALUE if table is not None and table.nested else READ)

    def _formatted(self, node: ast.FormattedValue, role: str) -> None:
        self.look(node.value, READ)
        self.each((node.format_spec,), READ)

    def _choice(self, node: ast.IfExp, role: str) -> None:
        self.look(node.test, READ)
        self.each((node.body, node.orelse), role if role in _PASSED else VALUE)

    def _binary(self, node: ast.BinOp, role: str) -> None:
        if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
            self.each(node.right.elts if isinstance(node.right, ast.Tuple) else [node.right], READ)
            return
        inner = ITER if isinstance(node.op, _ARITHMETIC) else VALUE
        if isinstance(node.op, ast.BitOr) and role == TYPE:
            inner = TYPE
        self.each((node.left, node.right), inner)

    def _compare(self, node: ast.Compare, role: str) -> None:
        self.each((node.left, *node.comparators), TYPE)

    def _elements(self, node: ast.Tuple | ast.List | ast.Set, role: str) -> None:
        self.each(node.elts, role if role in (TYPE, CHANGE) else VALUE)

    def _dict(self, node: ast.Dict, role: str) -> None:
        self.each(node.keys, VALUE)
        for key, value in zip(node.keys, node.values, strict=True):
            self.look(value, ITER if key is None else VALUE)

    def _walrus(self, node: ast.NamedExpr, role: str) -> None:
        self.check_bound(node, node.target.id)
        self.look(node.value, VALUE)

    def _lambda(self, node: ast.Lambda, role: str) -> None:
        self.arguments(node.args)
        with_names = {argument.arg: LOCAL for argument in parameters(node.args)} | names_bound_in([node.body])
        self.scopes.append(with_names)
        self.look(node.body, VALUE)
        self.scopes.pop()

    def arguments(self, node: ast.arguments) -> None:
        """Defaults and annotations, which run where the function is made, and the names."""
        self.no_walrus([node])
        for argument in parameters(node):
            self.check_bound(argument, argument.arg)
            if argument.annotation is not None:
                self.look(argument.annotation, TYPE)
        self.each([*node.defaults, *node.kw_defaults], VALUE)

    def _comprehension(self, node: Any, role: str) -> None:
        names: dict[str, Binding] = {}
        self.look(node.generators[0].iter, ITER)
        self.scopes.append(names)
        for number, part in enumerate(node.generators):
            if number:
                self.look(part.iter, ITER)
            names.update({name: LOCAL for inner in ast.walk(part.target) for name in bound_names(inner)})
            self.look(part.target, CHANGE)
            self.each(part.ifs, READ)
        self.each([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt], VALUE)
        self.scopes.pop()
