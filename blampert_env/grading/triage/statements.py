"""The rules for statements: what may be bound, caught, imported and defined."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from blampert_env.grading.triage import library, words
from blampert_env.grading.triage.definitions import Definitions
from blampert_env.grading.triage.looking import BASE, CHANGE, ITER, READ, TYPE, VALUE
from blampert_env.grading.triage.scopes import Binding, bound_names, here, imported, makes_type
from blampert_env.grading.triage.view import FileView

_CALLERS = frozenset(["map", "filter", "sorted", "max", "min", "iter", "next", "sum", "all", "any"])
_RUNS = (
    ast.Yield, ast.YieldFrom, ast.Await, ast.For, ast.AsyncFor, ast.With, ast.AsyncWith, ast.ListComp, ast.SetComp,
    ast.DictComp, ast.GeneratorExp, ast.Assert, ast.Raise, ast.Import, ast.ImportFrom,
)  # fmt: skip
_MODULES = ("base64", "binascii", "ipaddress", "struct", "unicodedata", "uuid")
_RUNS_NOTHING = {f"{module}.{name}" for module in _MODULES for name in library.MEMBERS[module]}  # that it is given
_RUNS_NOTHING |= {"json.loads", "decimal.Decimal", "re.compile", "hmac.compare_digest", "hmac.new", "zlib.decompress"}
_LEAVES = (ast.Return, ast.Break, ast.Continue, ast.Yield, ast.YieldFrom)


class Statements(Definitions):
    """Looks at statements and definitions."""

    def __init__(self, view: FileView) -> None:
        super().__init__(view)
        self._does: dict[type, Callable[[Any], None]] = {
            ast.Return: lambda node: self.each((node.value,), VALUE),
            ast.Expr: lambda node: self.look(node.value, READ),
            ast.Assign: self._assign,
            ast.AnnAssign: self._annotated,
            ast.AugAssign: self._augmented,
            ast.If: self._if,
            ast.While: self._if,
            ast.For: self._for,
            ast.AsyncFor: self._for,
            ast.With: self._with,
            ast.AsyncWith: self._with,
            ast.Raise: self._raise,
            ast.Try: self._try,
            ast.Assert: lambda node: self.each((node.test, node.msg), READ),
            ast.Delete: lambda node: self.each(node.targets, CHANGE),
            ast.Import: self._import,
            ast.ImportFrom: self._import,
            ast.FunctionDef: self._nested,
            ast.AsyncFunctionDef: self._nested,
            ast.ClassDef: self.new_class,
            ast.Global: self._global,
            ast.Match: self._match,
        } | dict.fromkeys((ast.Pass, ast.Break, ast.Continue, ast.Nonlocal), lambda node: None)

    def run(self, body: Iterable[ast.stmt]) -> None:
        """Look at statements."""
        for node in body:
            does = self._does.get(type(node))
            if does is None:
                self.why(node, f"{type(node).__name__} is not on the list")
            else:
                does(node)

    # simple statements

    def _assign(self, node: ast.Assign) -> None:
        is_name = all(isinstance(target, ast.Name) for target in node.targets)
        self.look(node.value, BASE if is_name and makes_type(node.value) else VALUE)
        self._note_stores(node.targets, node.value)
        self.each(node.targets, CHANGE)

    def _note_stores(self, targets: Sequence[ast.expr], value: ast.expr) -> None:
        """Texts that tools read from attributes may be stored if they are given."""
        for target in targets:
            hard = self.project.tools.fields.get(target.attr) if isinstance(target, ast.Attribute) else None
            if isinstance(target, ast.Attribute) and hard is not None and self.is_given(value, hard):
                self.harmless_stores.add((target.attr, id(target)))

    def _annotated(self, node: ast.AnnAssign) -> None:
        self.look(node.annotation, TYPE)
        if node.value is not None:
            self.look(node.value, BASE if isinstance(node.target, ast.Name) and makes_type(node.value) else VALUE)
            self._note_stores([node.target], node.value)
        self.look(node.target, CHANGE)

    def _augmented(self, node: ast.AugAssign) -> None:
        self.look(node.value, ITER)
        self.look(node.target, CHANGE)

    def _raise(self, node: ast.Raise) -> None:
        self.each((node.exc,), TYPE)
        self.each((node.cause,), READ)

    def _global(self, node: ast.Global) -> None:
        for name in node.names:
            if name not in self.view.module.globals or name in self.project.tests.mentioned:
                self.why(node, f"global {name}")

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.check_import(node)

    def check_import(self, node: ast.Import | ast.ImportFrom) -> dict[str, Binding]:
        """Whether an import is plain; what it binds."""
        found = {}
        if isinstance(node, ast.Import):
            for alias in node.names:
                if (
                    alias.name not in library.MODULES
                    and self.project.imported(self.view.path, alias.name, "", 0).kind != "own module"
                ):
                    self.why(node, f"imports {alias.name}")
        for name, what in imported(node):
            binding = self.project.imported(self.view.path, *what)
            if (
                name == "*"
                or words.is_dunder(name)
                or any(words.is_dunder(part) for part in f"{what[0]}.{what[1]}".split("."))
            ) and what[0] != "__future__":
                self.why(node, f"imports {name} of {what[0]}")
            if binding.kind == "bad":
                self.why(node, f"imports {what[0]} {what[1]}: {binding.what}")
            found[name] = binding
        return found

    # compound statements

    def _if(self, node: ast.If | ast.While) -> None:
        self.look(node.test, READ)
        self.run(node.body)
        self.run(node.orelse)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        self.look(node.iter, ITER)
        self.look(node.target, CHANGE)
        self.run(node.body)
        self.run(node.orelse)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.look(item.context_expr, VALUE)
            if item.optional_vars is not None:
                self.look(item.optional_vars, CHANGE)
        self.run(node.body)

    def _try(self, node: ast.Try) -> None:
        self.run(node.body)
        for handler in node.handlers:
            if handler.name:
                self.check_bound(handler, handler.name)
            is_all = isinstance(handler.type, ast.Name) and handler.type.id == "BaseException" and _raises(handler.body)
            if handler.type is not None and not (is_all and self.binding("BaseException") is None):
                self.look(handler.type, TYPE)
            if not self._is_narrow(handler.type) and not _raises(handler.body) and not self._runs_no_test(node.body):
                self.why(handler, "catches what tests raise")
            self._note_handler(handler, node.body)
            self.run(handler.body)
        self.run(node.orelse)
        if any(isinstance(inner, _LEAVES) for inner in here(node.finalbody)):
            self.why(node, "leaves a finally block")
        self.run(node.finalbody)

    def _note_handler(self, handler: ast.ExceptHandler, tried: Sequence[ast.stmt]) -> None:
        """A failed assertion that becomes another exception must not be caught as such."""
        last = handler.body[-1]
        if self._runs_no_test(tried):
            return
        if not _raises(handler.body):
            self.view.swallows = True
        elif isinstance(last, ast.Raise) and last.exc is not None:
            is_same = getattr(last.exc, "id", "") == handler.name
            self.view.turned += [] if is_same or self._is_narrow(handler.type) else [handler]

    def _runs_no_test(self, body: Sequence[ast.stmt]) -> bool:
        """Whether what is tried runs nothing that tests define: it calls built-in functions and methods only."""
        for node in here(body):
            if isinstance(node, ast.Call):
                func = node.func
                if self.library_call(node) in _RUNS_NOTHING:
                    continue
                if isinstance(func, ast.Name):
                    if func.id not in words.FREE - _CALLERS or self.binding(func.id) is not None or node.keywords:
                        return False
                elif (
                    not isinstance(func, ast.Attribute)
                    or func.attr not in words.BUILTIN_METHODS
                    or func.attr in self.project.tests.own
                ):
                    return False
            elif isinstance(node, _RUNS):
                return False
        return True

    def _is_narrow(self, kind: ast.expr | None) -> bool:
        """Whether a handler catches neither failed assertions nor the runner's outcomes."""
        if isinstance(kind, ast.Tuple):
            return all(self._is_narrow(part) for part in kind.elts)
        if isinstance(kind, ast.Attribute):
            module = self.module_of(kind.value)
            on_self = isinstance(kind.value, ast.Name) and kind.value.id == self.this != ""
            return module is not None or on_self
        if not isinstance(kind, ast.Name):
            return False
        known = self.binding(kind.id)
        if known is None:
            return kind.id in words.NARROW
        if known.kind == "local":
            return any(kind.id in given for given in self._parameters)
        return known.kind in ("class", "member")

    # match

    def _match(self, node: ast.Match) -> None:
        self.look(node.subject, VALUE)
        for case in node.cases:
            self._pattern(case.pattern)
            if case.guard is not None:
                self.look(case.guard, READ)
            self.run(case.body)

    def _pattern(self, node: ast.AST) -> None:
        for inner in ast.walk(node):
            for name in bound_names(inner):
                self.check_bound(inner, name)
            if isinstance(inner, ast.MatchClass):
                self.look(inner.cls, TYPE)
                for name in inner.kwd_attrs:
                    self.attribute_name(inner, inner.cls, name, VALUE, False)
            elif isinstance(inner, ast.MatchValue):
                self.look(inner.value, TYPE)
            elif isinstance(inner, ast.MatchMapping):
                self.each(inner.keys, TYPE)


def _raises(body: Sequence[ast.stmt]) -> bool:
    """Whether a handler always raises."""
    return isinstance(body[-1], ast.Raise) and not any(isinstance(inner, _LEAVES) for inner in here(body))
