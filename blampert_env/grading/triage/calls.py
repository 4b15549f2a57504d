"""The rules for calls: a few functions are looked at one by one."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from blampert_env.grading.triage import library, words
from blampert_env.grading.triage.attributes import Attributes
from blampert_env.grading.triage.looking import BASE, CALL, ITER, READ, TYPE, VALUE
from blampert_env.grading.triage.places import ALWAYS, SET, SOFT, Sinks, arguments
from blampert_env.grading.triage.scopes import makes_type


class Calls:
    """Looks at calls on behalf of the rules for expressions."""

    def __init__(self) -> None:
        self._special: dict[str, Callable[[Attributes, ast.Call], None]] = {
            "getattr": self._getattr,
            "hasattr": self._hasattr,
            "setattr": self._setattr,
            "isinstance": self._isinstance,
            "issubclass": self._isinstance,
            "type": self._type,
            "super": lambda rules, node: rules.why(node, "super() as a value"),
        }

    def look(self, rules: Attributes, node: ast.Call, role: str) -> None:
        """Look at a call and all that is in it."""
        func = node.func
        if isinstance(func, ast.Name):
            special = self._special.get(func.id)
            if special is not None and rules.binding(func.id) is None:
                special(rules, node)
                if func.id == "type" and role not in (CALL, BASE, TYPE, READ):
                    rules.why(node, "type() is handed on")
                return
        self._check_shape(rules, node, func)
        rules.look(func, CALL)
        self._check_tool(rules, node, func)
        self._check_told(rules, node, func)
        if self.member(rules, func) == "inspect.signature" and (node.keywords or len(node.args) != 1):
            rules.why(node, "signature() that may run annotations")
        self._is_raising(rules, func, role)
        for number, argument in enumerate(node.args):
            rules.look(argument, self._role(rules, func, number, len(node.args)))
        for keyword in node.keywords:
            rules.look(keyword.value, ITER if keyword.arg is None else VALUE)
        if self._leaks(rules, func) and role not in (READ, TYPE):
            rules.why(node, "keeps what a function shares with others")

    def _check_tool(self, rules: Attributes, node: ast.Call, func: ast.expr) -> None:
        """What the project's function does by name or by text is the caller's own, or harmless."""
        what = func.id if isinstance(func, ast.Name) else f".{func.attr}" if isinstance(func, ast.Attribute) else ""
        for sinks, given, receiver in self._called(rules, func):
            for name, hard in sinks.items():
                known = arguments(node, given, name, hard)
                if receiver is not None and name.removesuffix("()") == receiver[0]:
                    known = (receiver[1],)
                is_called = name.endswith("()")
                if name == ALWAYS or not all(rules.is_given(argument, hard, is_called) for argument in known):
                    rules.why(node, f"{what} is a tool")
                    return

    @staticmethod
    def _called(rules: Attributes, func: ast.expr) -> Iterator[tuple[Sinks, list[str], tuple[str, ast.expr] | None]]:
        """The tools that may be called: by what they are some, their parameters, and the object of a method."""
        tools = rules.project.tools
        known = rules.binding(func.id) if isinstance(func, ast.Name) else None
        if isinstance(func, ast.Attribute):
            module = rules.module_of(func.value)
            known = rules.project.member(module, func.attr) if module is not None else None
        if known is not None and known.kind in ("function", "class"):
            yield tools.of(known), tools.given(known), None
        elif known is None and isinstance(func, ast.Attribute) and not rules._is_fresh(func.value):
            base, owner, bound = func.value, None, True
            if (isinstance(base, ast.Name) and base.id == rules.this != "") or (
                isinstance(base, ast.Call) and isinstance(base.func, ast.Name) and base.func.id == "super"
            ):
                owner = rules.owner
            elif isinstance(base, ast.Name) and (of := rules.binding(base.id)) is not None and of.kind == "class":
                owner, bound = rules.project.class_of(of), False
            for one in tools.methods(func.attr, owner, rules.view.path):
                is_own = (one.path, one.owner) == (rules.view.path, rules.owner.name if rules.owner else "")
                if (words.is_dunder(func.attr) and owner is None) or (is_own and one.node.name == rules.method):
                    continue
                given = one.positional[1:] if bound and not one.is_static else one.positional
                yield tools.sinks.get(one.key, {}), given, (one.this, base) if bound and one.this else None

    @staticmethod
    def _is_raising(rules: Attributes, func: ast.expr, role: str) -> None:
        """The call of a broad exception, which may only be made to be raised."""
        if isinstance(func, ast.Name) and func.id in words.BROAD and role != TYPE and rules.binding(func.id) is None:
            rules.why(func, f"makes a {func.id} that is not raised at once")

    def _role(self, rules: Attributes, func: ast.expr, number: int, count: int) -> str:
        """What a call does with one of its positional arguments, as far as that is known."""
        if isinstance(func, ast.Name):
            if rules.binding(func.id) is not None:
                return VALUE
            if func.id in words.LOOKS:
                return READ
            if func.id in ("map", "filter"):
                return READ if number == 0 else ITER
            if func.id in ("max", "min"):
                return ITER if count == 1 else VALUE
            return ITER if func.id in words.ITERATES and (number == 0 or func.id == "zip") else VALUE
        if isinstance(func, ast.Attribute) and func.attr == "translate" and "translate" not in rules.project.methods:
            return READ
        if number == 0 and self.member(rules, func).startswith("bisect.bisect"):
            return READ
        is_join = isinstance(func, ast.Attribute) and func.attr == "join" and "join" not in rules.project.methods
        return ITER if is_join else VALUE

    @staticmethod
    def member(rules: Attributes, func: ast.expr) -> str:
        """The library function that is called, "" if it is none."""
        known = rules.binding(func.id) if isinstance(func, ast.Name) else None
        if isinstance(func, ast.Attribute) and (module := rules.module_of(func.value)) is not None:
            known = rules.project.member(module, func.attr)
        return known.what if known is not None and known.kind in ("member", "told") else ""

    def _check_told(self, rules: Attributes, node: ast.Call, func: ast.expr) -> None:
        """``attrgetter`` and ``methodcaller``, of names that may be read."""
        for argument in node.args[: library.TOLD.get(self.member(rules, func), 0)]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                for part in argument.value.split("."):
                    rules.attribute_name(node, argument, part, VALUE, False)
            elif isinstance(argument, ast.Starred) or not rules.is_given(argument, SOFT):
                rules.why(node, "looks up a computed name")

    def _leaks(self, rules: Attributes, func: ast.expr) -> bool:
        if isinstance(func, ast.Name):
            known = rules.binding(func.id)
            return known is not None and known.kind == "function" and known.what in rules.view.leaks
        return False

    def _check_shape(self, rules: Attributes, node: ast.Call, func: ast.expr) -> None:
        starred = any(isinstance(argument, ast.Starred) for argument in node.args)
        if (
            makes_type(func)
            or (isinstance(func, ast.Name) and (known := rules.binding(func.id)) and known.kind == "typeof")
        ) and (len(node.args) == 3 or starred):
            rules.why(node, "may make a class")
        if not isinstance(func, ast.Attribute):
            if isinstance(func, ast.Name) and func.id in ("wraps", "suppress"):
                self._library_shape(rules, node, func.id, starred)
            return
        name = func.attr
        if name == "format" and isinstance(func.value, ast.Constant) and isinstance(func.value.value, str):
            if not words.fields_are_plain(func.value.value):
                rules.why(node, "a format string that looks at attributes")
        elif (
            name == "replace" and rules.module_of(func.value) is None and len(node.args) < 2 and (node.args or starred)
        ):
            rules.why(node, ".replace() that may be a file's")
        elif name in ("to_json", "to_string") and (node.args or node.keywords) and name not in rules.project.methods:
            rules.why(node, f".{name}() with arguments")
        elif name in words.BY_NAME and not self._on_self(rules, func):
            if not all(_names_nothing(a) for a in [*node.args, *(k.value for k in node.keywords if k.arg != "axis")]):
                rules.why(node, f".{name}() may look a name up")
        elif name in ("wraps", "suppress"):
            self._library_shape(rules, node, name, starred)
        elif name in ("__init__", "__new__"):
            self._making(rules, node, func)
        else:
            self._unbound(rules, node, func)

    @staticmethod
    def _on_self(rules: Attributes, func: ast.Attribute) -> bool:
        return isinstance(func.value, ast.Name) and func.value.id == rules.this != ""

    @staticmethod
    def _library_shape(rules: Attributes, node: ast.Call, name: str, starred: bool) -> None:
        rules.view.swallows = rules.view.swallows or name == "suppress"
        if name == "wraps" and (len(node.args) != 1 or node.keywords or not isinstance(node.args[0], ast.Name)):
            rules.why(node, "wraps() of more than a name")

    def _making(self, rules: Attributes, node: ast.Call, func: ast.Attribute) -> None:
        """``Base.__init__(self, …)`` and ``cls.__new__(cls)``."""
        base = func.value
        first = node.args[0] if node.args else None
        on_super = isinstance(base, ast.Call) and isinstance(base.func, ast.Name) and base.func.id == "super"
        if func.attr == "__init__":
            if not on_super and not (isinstance(first, ast.Name) and first.id == rules.this != ""):
                rules.why(node, "calls the __init__ of something else")
        elif len(node.args) != 1 or node.keywords or on_super or not isinstance(base, ast.Name) or base.id == "type":
            rules.why(node, "__new__ with arguments")

    @staticmethod
    def _unbound(rules: Attributes, node: ast.Call, func: ast.Attribute) -> None:
        """``Class.method(x)``: only with the method's own object, so that a method stores in no other."""
        base = func.value
        kind = ""
        if isinstance(base, ast.Name):
            known = rules.binding(base.id)
            kind = known.kind if known is not None else ""
        if kind not in ("class", "typeof", "cls") and not makes_type(base):
            return
        first = node.args[0] if node.args else None
        if func.attr in rules.view.unbound and not (isinstance(first, ast.Name) and first.id == rules.this != ""):
            rules.why(node, f"calls .{func.attr} of a class with another object")

    @staticmethod
    def _getattr(rules: Attributes, node: ast.Call) -> None:
        name = node.args[1] if len(node.args) in (2, 3) and not node.keywords else None
        if name is None or isinstance(node.args[0], ast.Starred):
            rules.why(node, "getattr of a computed name")
            return
        if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
            if not rules.is_given(name, SOFT):
                rules.why(node, "getattr of a computed name")
            rules.each([node.args[0], *node.args[2:]], VALUE)
            rules.look(name, READ)
            return
        if rules.module_of(node.args[0]) is not None:
            rules.why(node, "getattr of a module")
            return
        rules.read_attribute(node, node.args[0], name.value, VALUE)
        rules.each(node.args[2:], VALUE)

    @staticmethod
    def _hasattr(rules: Attributes, node: ast.Call) -> None:
        if any(isinstance(argument, ast.Starred) for argument in node.args) or node.keywords:
            rules.why(node, "hasattr of an odd shape")
        for argument in node.args:
            rules.look(argument, READ)

    @staticmethod
    def _setattr(rules: Attributes, node: ast.Call) -> None:
        name = node.args[1] if len(node.args) == 3 and not node.keywords else None
        if name is None or isinstance(node.args[0], ast.Starred):
            rules.why(node, "setattr of a computed name")
            return
        if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
            if not (rules.is_given(node.args[0], SET, True) and rules.is_given(name, SET, True)):
                rules.why(node, "setattr of a computed name")
            rules.each(node.args, VALUE)
            return
        if rules.is_given(node.args[2], SOFT):
            rules.harmless_stores.add((name.value, id(node)))
        rules.store(node, node.args[0], name.value)
        rules.look(node.args[2], VALUE)

    @staticmethod
    def _isinstance(rules: Attributes, node: ast.Call) -> None:
        rules.each(node.args, TYPE)
        rules.each((keyword.value for keyword in node.keywords), VALUE)

    @staticmethod
    def _type(rules: Attributes, node: ast.Call) -> None:
        if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
            rules.why(node, "type() makes a class")
        rules.each(node.args, READ)


def _names_nothing(node: ast.expr) -> bool:
    """Whether an argument of ``.agg`` and the like is a function that stands there, or a known reduction."""
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, str) or node.value in words.REDUCTIONS
    if isinstance(node, ast.List | ast.Tuple):
        return all(_names_nothing(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        return all(_names_nothing(item) for item in node.values)
    return isinstance(node, ast.Lambda) or (isinstance(node, ast.Name) and node.id in words.FREE)
