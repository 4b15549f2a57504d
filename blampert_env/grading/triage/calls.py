"""The rules for calls: a few functions are looked at one by one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from blampert_env.grading.triage import library, words
from blampert_env.grading.triage.attributes import Attributes
from blampert_env.grading.triage.looking import BASE, CALL, ITER, READ, TYPE, VALUE
from blampert_env.grading.triage.places import ALWAYS, SET, SOFT, Sinks, arguments
from blampert_env.grading.triage.scopes import is_super, makes_type

_LOOKED_AT = ("getattr", "hasattr", "setattr", "isinstance", "issubclass", "type", "super")


class Calls(Attributes):
    """Looks at calls."""

    def on_call(self, node: ast.Call, role: str) -> None:
        """A call and all that is in it."""
        func = node.func
        if self.is_builtin(func, *_LOOKED_AT):
            self._of_builtin(node, func.id, role)  # type: ignore[attr-defined]
            return
        starred = any(isinstance(argument, ast.Starred) for argument in node.args)
        known = self.binding(func.id) if isinstance(func, ast.Name) else None
        if (makes_type(func) or (known and known.kind == "typeof")) and (len(node.args) == 3 or starred):
            self.why(node, "may make a class")
        self._check_shape(node, func, starred)
        self.look(func, CALL)
        self._check_tool(node, func)
        self._check_told(node, func)
        if self.member(func) == "inspect.signature" and (node.keywords or len(node.args) != 1):
            self.why(node, "signature() that may run annotations")
        if role != TYPE and self.is_builtin(func, *words.BROAD):
            self.why(func, f"makes a {func.id} that is not raised at once")  # type: ignore[attr-defined]
        for number, argument in enumerate(node.args):
            self.look(argument, self._role(node, func, number))
        for keyword in node.keywords:
            self.look(keyword.value, ITER if keyword.arg is None else VALUE)
        if known is not None and known.what in self.project.leaks and role not in (READ, TYPE):
            self.why(node, "keeps what a function shares with others")

    def _check_tool(self, node: ast.Call, func: ast.expr) -> None:
        """What the project's function does by name or by text is the caller's own, or harmless."""
        what = func.id if isinstance(func, ast.Name) else f".{func.attr}" if isinstance(func, ast.Attribute) else ""
        for sinks, given, receiver in self._called(func):
            for name, hard in sinks.items():
                known = arguments(node, given, name, hard)
                if receiver is not None and name.removesuffix("()") == receiver[0]:
                    known = (receiver[1],)
                is_called = name.endswith("()")
                if name == ALWAYS or not all(self.is_given(argument, hard, is_called) for argument in known):
                    self.why(node, f"{what} is a tool{self._handed(node)}")
                    return

    def _handed(self, call: ast.Call) -> str:
        """What a tool is handed, if that can be nothing but what stands there: a reference may teach no other call."""
        if len(self.scopes) != 1 or not (isinstance(call.func, ast.Name) or self.member(call.func)):
            return ""
        named = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)} & self.scopes[0].keys()
        return "" if named - self.own_parameters or not self.may_be_tool() else f": {ast.unparse(call)}"

    def _called(self, func: ast.expr) -> Iterator[tuple[Sinks, list[str], tuple[str, ast.expr] | None]]:
        """The tools that may be called: by what they are some, their parameters, and the object of a method."""
        tools, known = self.project.tools, self.named(func)
        if known is not None and known.kind in ("function", "class"):
            yield tools.of(known), tools.given(known), None
        elif known is None and isinstance(func, ast.Attribute) and not self.is_fresh(func.value):
            base, owner, bound = func.value, None, True
            if self.is_this(base) or is_super(base):
                owner = self.owner
            elif isinstance(base, ast.Name) and (of := self.binding(base.id)) is not None and of.kind == "class":
                owner, bound = self.project.class_of(of), False
            for one in tools.methods(func.attr, owner, self.view.path):
                is_own = (one.path, one.owner) == (self.view.path, self.owner.name if self.owner else "")
                if (words.is_dunder(func.attr) and owner is None) or (is_own and one.node.name == self.method):
                    continue
                given = one.positional[1:] if bound and not one.is_static else one.positional
                yield tools.sinks.get(one.key, {}), given, (one.this, base) if bound and one.this else None

    def _role(self, node: ast.Call, func: ast.expr, number: int) -> str:
        """What a call does with one of its positional arguments, as far as that is known."""
        if isinstance(func, ast.Name) and self.binding(func.id) is None:
            if func.id in words.LOOKS or (func.id in ("map", "filter") and number == 0):
                return READ
            if func.id in ("max", "min"):
                return ITER if len(node.args) == 1 else VALUE
            hands_on = func.id in words.ITERATES and (number == 0 or func.id == "zip")
            return ITER if hands_on or func.id in ("map", "filter") else VALUE
        if isinstance(func, ast.Attribute) and func.attr in ("translate", "join"):
            is_own = func.attr in self.project.methods
            return VALUE if is_own else READ if func.attr == "translate" else ITER
        is_bisect = number == 0 and not node.keywords and self.member(func).startswith("bisect.bisect")
        return READ if is_bisect else VALUE

    def member(self, func: ast.expr) -> str:
        """The library function that is called, "" if it is none."""
        known = self.named(func)
        return known.what if known is not None and known.kind in ("member", "told") else ""

    def _check_told(self, node: ast.Call, func: ast.expr) -> None:
        """``attrgetter`` and ``methodcaller``, of names that may be read."""
        for argument in node.args[: library.TOLD.get(self.member(func), 0)]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                for part in argument.value.split("."):
                    self.attribute_name(node, argument, part, VALUE)
            elif isinstance(argument, ast.Starred) or not self.is_given(argument, SOFT):
                self.why(node, "looks up a computed name")

    def _check_shape(self, node: ast.Call, func: ast.expr, starred: bool) -> None:
        """Functions that do something else with other arguments."""
        name = func.id if isinstance(func, ast.Name) else getattr(func, "attr", "")
        if name in ("wraps", "suppress"):
            self.view.swallows = self.view.swallows or name == "suppress"
            if name == "wraps" and (len(node.args) != 1 or node.keywords or not isinstance(node.args[0], ast.Name)):
                self.why(node, "wraps() of more than a name")
        if not isinstance(func, ast.Attribute):
            return
        base = func.value
        if name == "format" and isinstance(base, ast.Constant) and isinstance(base.value, str):
            if not words.fields_are_plain(base.value):
                self.why(node, "a format string that looks at attributes")
        elif name == "replace" and self.module_of(base) is None and len(node.args) < 2 and (node.args or starred):
            self.why(node, ".replace() that may be a file's")
        elif (node.args or node.keywords) and (
            (name in words.BY_NAME and not self.is_this(base))
            or (name in ("to_json", "to_string") and name not in self.project.methods)
        ):
            self.why(node, f".{name}() may look a name up")
        elif name == "__new__":
            if len(node.args) != 1 or node.keywords or not isinstance(base, ast.Name) or base.id == "type":
                self.why(node, "__new__ with arguments")
        elif not (name == "__init__" and is_super(base)) and not self.is_this(node.args[0] if node.args else None):
            # ``Class.method(x)``: only with the method's own object, so that a method stores in no other
            known = self.binding(base.id) if isinstance(base, ast.Name) else None
            is_class = makes_type(base) or (known is not None and known.kind in ("class", "typeof", "cls"))
            if name == "__init__" or (is_class and name in self.project.unbound):
                self.why(node, f"calls .{name} of a class with another object")

    # built-in functions

    def _of_builtin(self, node: ast.Call, name: str, role: str) -> None:
        args = node.args
        is_odd = bool(node.keywords) or any(isinstance(argument, ast.Starred) for argument in args)
        if name in ("getattr", "setattr"):
            if is_odd or len(args) not in ((2, 3) if name == "getattr" else (3,)):
                self.why(node, f"{name} of a computed name")
            elif name == "getattr":
                self._getattr(node, *args)
            else:
                self._setattr(node, *args)
        elif name in ("isinstance", "issubclass"):
            self.each([*args, *(keyword.value for keyword in node.keywords)], TYPE)
        elif name == "super":
            self.why(node, "super() as a value")
        else:  # ``hasattr``, ``type``
            if is_odd or (name == "type" and len(args) != 1):
                self.why(node, "type() makes a class" if name == "type" else "hasattr of an odd shape")
            if name == "type" and role not in (CALL, BASE, TYPE, READ):
                self.why(node, "type() is handed on")
            self.each(args, READ)

    def _getattr(self, node: ast.Call, base: ast.expr, name: ast.expr, *others: ast.expr) -> None:
        self.each(others, VALUE)
        if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
            if not self.is_given(name, SOFT):
                self.why(node, "getattr of a computed name")
            self.look(base, VALUE)
            self.look(name, READ)
        elif self.module_of(base) is not None:
            self.why(node, "getattr of a module")
        else:
            self.read(node, base, name.value, VALUE)

    def _setattr(self, node: ast.Call, base: ast.expr, name: ast.expr, value: ast.expr) -> None:
        self.look(value, VALUE)
        if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
            if not (self.is_given(base, SET, True) and self.is_given(name, SET, True)):
                self.why(node, "setattr of a computed name")
            self.each([base, name], VALUE)
            return
        if self.is_given(value, SOFT):
            self.harmless_stores.add((name.value, id(node)))
        self.store(node, base, name.value)
