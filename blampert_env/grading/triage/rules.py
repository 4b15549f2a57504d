"""The rules for nodes of which the table of parts does not say all."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from blampert_env.grading.triage import library, words
from blampert_env.grading.triage.calls import Calls
from blampert_env.grading.triage.looking import BASE, CALL, CHANGE, ITER, READ, TYPE, VALUE
from blampert_env.grading.triage.scopes import LOCAL, Binding, bound_names, here, imported, makes_type, parameters, walk
from blampert_env.grading.triage.scopes import local_names as names_bound_in

_PASSED = (READ, TYPE, ITER)  # what a choice between two hands to both
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Mod, ast.BitOr, ast.BitAnd, ast.Div, ast.FloorDiv, ast.Pow)
_CALLERS = words.listed("map filter sorted max min iter next sum all any")
_RUNS = (
    ast.Yield, ast.YieldFrom, ast.Await, ast.For, ast.AsyncFor, ast.With, ast.AsyncWith, ast.ListComp, ast.SetComp,
    ast.DictComp, ast.GeneratorExp, ast.Assert, ast.Raise, ast.Import, ast.ImportFrom,
)  # fmt: skip
_MODULES = ("base64", "binascii", "ipaddress", "struct", "unicodedata", "uuid")
_RUNS_NOTHING = {f"{module}.{name}" for module in _MODULES for name in library.MEMBERS[module]}  # that it is given
_RUNS_NOTHING |= {"json.loads", "decimal.Decimal", "re.compile", "hmac.compare_digest", "hmac.new", "zlib.decompress"}
_LEAVES = (ast.Return, ast.Break, ast.Continue, ast.Yield, ast.YieldFrom)


class Rules(Calls):
    """Looks at expressions and statements of every kind; definitions come on top."""

    # expressions

    def on_name(self, node: ast.Name, role: str) -> None:
        """A name that is read."""
        name, known = node.id, self.binding(node.id)
        if not isinstance(node.ctx, ast.Load):
            return
        if known is not None:
            self.check(node, name, known, role)
        elif name in words.FREE or name in words.CONSTANTS:
            if role == CHANGE:
                self.why(node, f"changes {name}")
        elif name in words.BROAD:
            if role not in (TYPE, CALL):
                self.why(node, f"hands {name} on")
        elif not (
            (name == "type" and role == TYPE)
            or (name == "locals" and role == CALL and self.scopes)
            or self._is_nowhere(name)
        ):
            self.why(node, f"names {name}")

    def _is_nowhere(self, name: str) -> bool:
        """Whether a name is bound by nobody: to name it raises NameError."""
        module = self.view.module
        known = name in words.BUILTIN_NAMES or words.is_dunder(name) or name in module.globals
        return not (known or "*" in module.imports or name in self.project.tests.mentioned)

    def on_subscript(self, node: ast.Subscript, role: str) -> None:
        """An element or a part."""
        table = self.table(node.value)
        self.look(node.slice, TYPE if table is not None or role == TYPE else VALUE)
        if not isinstance(node.ctx, ast.Load) or role == CHANGE:
            self.look(node.value, CHANGE)
        else:
            hands_on = role not in (READ, TYPE) and table is not None and table.nested
            self.look(node.value, VALUE if hands_on else READ)

    def on_ifexp(self, node: ast.IfExp, role: str) -> None:
        """A choice."""
        self.look(node.test, READ)
        self.each((node.body, node.orelse), role if role in _PASSED else VALUE)

    def on_boolop(self, node: ast.BoolOp, role: str) -> None:
        """A choice, too."""
        self.each(node.values, role if role in _PASSED else VALUE)

    def on_binop(self, node: ast.BinOp, role: str) -> None:
        """Arithmetic hands elements on; the template of a ``%`` reads what it is given."""
        if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
            self.each(node.right.elts if isinstance(node.right, ast.Tuple) else [node.right], READ)
        else:
            inner = ITER if isinstance(node.op, _ARITHMETIC) else VALUE
            self.each((node.left, node.right), TYPE if isinstance(node.op, ast.BitOr) and role == TYPE else inner)

    def on_tuple(self, node: ast.Tuple | ast.List | ast.Set, role: str) -> None:
        """Types, targets, or what is kept."""
        self.each(node.elts, role if role in (TYPE, CHANGE) else VALUE)

    on_list = on_set = on_tuple

    def on_dict(self, node: ast.Dict, role: str) -> None:
        """Keys and values; of ``**x`` the elements."""
        self.each(node.keys, VALUE)
        for key, value in zip(node.keys, node.values, strict=True):
            self.look(value, ITER if key is None else VALUE)

    def on_starred(self, node: ast.Starred, role: str) -> None:
        """``*x``: its elements."""
        self.look(node.value, ITER if role != CHANGE else CHANGE)

    def on_namedexpr(self, node: ast.NamedExpr, role: str) -> None:
        """``x := y``."""
        self.each((node.target, node.value), VALUE)

    def on_lambda(self, node: ast.Lambda, role: str) -> None:
        """A function of one expression."""
        self.arguments(node.args)
        given = {argument.arg: LOCAL for argument in parameters(node.args)}
        self.scopes.append(given | names_bound_in([node.body]))
        self.look(node.body, VALUE)
        self.scopes.pop()

    def arguments(self, node: ast.arguments) -> None:
        """Defaults and annotations, which run where the function is made, and the names."""
        self.no_walrus([node])
        for argument in parameters(node):
            self.check_bound(argument, argument.arg)
            self.each([argument.annotation], TYPE)
        self.each([*node.defaults, *node.kw_defaults], VALUE)

    def on_listcomp(self, node: Any, role: str) -> None:
        """A comprehension: a scope of its own."""
        names: dict[str, Binding] = {}
        self.look(node.generators[0].iter, ITER)
        self.scopes.append(names)
        for number, part in enumerate(node.generators):
            if number:
                self.look(part.iter, ITER)
            names.update({name: LOCAL for inner in walk(part.target) for name in bound_names(inner)})
            self.look(part.target, CHANGE)
            self.each(part.ifs, READ)
        self.each([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt], VALUE)
        self.scopes.pop()

    on_setcomp = on_dictcomp = on_generatorexp = on_listcomp

    def on_matchclass(self, node: ast.MatchClass, role: str) -> None:
        """A class pattern reads attributes."""
        for name in node.kwd_attrs:
            self.attribute_name(node, node.cls, name, VALUE)

    # statements

    def on_assign(self, node: ast.Assign | ast.AnnAssign, role: str) -> None:
        """Texts that tools read from attributes may be stored if they are given."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if node.value is not None:
            is_name = all(isinstance(target, ast.Name) for target in targets)
            self.look(node.value, BASE if is_name and makes_type(node.value) else VALUE)
            for target in targets:
                hard = self.project.tools.fields.get(target.attr) if isinstance(target, ast.Attribute) else None
                if isinstance(target, ast.Attribute) and hard is not None and self.is_given(node.value, hard):
                    self.harmless_stores.add((target.attr, id(target)))
        self.each(targets, CHANGE)

    on_annassign = on_assign

    def on_global(self, node: ast.Global, role: str) -> None:
        """It changes a name for everybody. Which one is said, so that a reference teaches no other."""
        for name in node.names:
            self.why(node, f"global {name}")

    def on_import(self, node: ast.Import | ast.ImportFrom, role: str) -> None:
        """An import within a function."""
        self.check_import(node)

    on_importfrom = on_import

    def check_import(self, node: ast.Import | ast.ImportFrom) -> dict[str, Binding]:
        """Whether an import is plain; what it binds."""
        found = {}
        for alias in node.names if isinstance(node, ast.Import) else ():
            of_project = self.project.imported(self.view.path, alias.name, "", 0).kind == "own module"
            if alias.name not in library.MODULES and not of_project:
                self.why(node, f"imports {alias.name}")
        for name, what in imported(node):
            found[name] = self.project.imported(self.view.path, *what)
            parts = [name, *what[0].split("."), *what[1].split(".")]
            if what[0] != "__future__" and (name == "*" or any(map(words.is_dunder, parts))):
                self.why(node, f"imports {name} of {what[0]}")
            if found[name].kind == "bad":
                self.why(node, f"imports {what[0]} {what[1]}: {found[name].what}")
        return found

    # exceptions

    def on_try(self, node: ast.Try, role: str) -> None:
        """Handlers may not swallow what tests raise, unless nothing of theirs can run."""
        self.each(node.body)
        is_safe = self._runs_no_test(node.body)
        for handler in node.handlers:
            self._handler(handler, is_safe)
        self.each(node.orelse)
        if any(isinstance(inner, _LEAVES) for inner in here(node.finalbody)):
            self.why(node, "leaves a finally block")
        self.each(node.finalbody)

    def _handler(self, node: ast.ExceptHandler, is_safe: bool) -> None:
        self.check_bound(node, node.name or "")
        raises, is_narrow = _raises(node.body), self._is_narrow(node.type)
        if not (raises and self.is_builtin(node.type, "BaseException")):
            self.each([node.type], TYPE)
        if not (is_narrow or raises or is_safe):
            self.why(node, "catches what tests raise")
        last = node.body[-1]
        if not is_safe and not raises:
            self.view.swallows = True
        is_another = isinstance(last, ast.Raise) and last.exc and getattr(last.exc, "id", "") != node.name
        if raises and is_another and not (is_safe or is_narrow):  # a failed assertion becomes something else
            self.view.turned.append(node)
        self.each(node.body)

    def _runs_no_test(self, body: Sequence[ast.stmt]) -> bool:
        """Whether what is tried runs nothing that tests define: it calls built-in functions and methods only."""
        return all(self._runs_nothing(node) for node in here(body) if isinstance(node, (ast.Call, *_RUNS)))

    def _runs_nothing(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name in words.BUILTIN_METHODS and name not in self.project.tests.own:
            return True
        return not node.keywords and (
            self.is_builtin(node.func, *words.FREE - _CALLERS) or self.member(node.func) in _RUNS_NOTHING
        )

    def _is_narrow(self, kind: ast.expr | None) -> bool:
        """Whether a handler catches neither failed assertions nor the runner's outcomes."""
        if isinstance(kind, ast.Tuple):
            return all(map(self._is_narrow, kind.elts))
        if isinstance(kind, ast.Attribute):
            return self.module_of(kind.value) is not None or self.is_this(kind.value)
        known = self.binding(kind.id) if isinstance(kind, ast.Name) else None
        if known is None:
            return self.is_builtin(kind, *words.NARROW)
        return known.kind in ("class", "member") or (
            known.kind == "local" and isinstance(kind, ast.Name) and kind.id in self.own_parameters
        )


def _raises(body: Sequence[ast.stmt]) -> bool:
    """Whether a handler always raises."""
    return isinstance(body[-1], ast.Raise) and not any(isinstance(inner, _LEAVES) for inner in here(body))
