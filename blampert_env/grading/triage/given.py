"""Which texts of an edited function are its caller's own words.

A name, a template or a path that a caller hands over is everyday code; one that the edit makes up is not. Given is a
parameter, an element of one, a harmless text that stands there, and a choice between these: nothing that is put
together of several. What is changed on the way is no longer given.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import cached_property

from blampert_env.grading.triage import words
from blampert_env.grading.triage.flow import Def, is_number
from blampert_env.grading.triage.scopes import local_names

Words = frozenset[str]  # parameters that a text comes from

_NOTHING: Words = frozenset()
_PASSED = words.listed("list tuple iter enumerate sorted reversed zip set frozenset dict next")
_PARTS = words.listed("items keys values get copy split rsplit splitlines pop popitem strip lstrip rstrip")


class Given:
    """Texts of one edited function.

    Args:
        one: The function.
        is_trusted: Whether an expression that is no local name stands for something trusted that is no module.
        is_project: Whether what is called is the project's own function.
        fields: Attributes that hold texts for tools.
    """

    def __init__(
        self,
        one: Def,
        is_trusted: Callable[[ast.expr], bool],
        is_project: Callable[[ast.expr], bool],
        fields: Mapping[str, int],
    ) -> None:
        self._one, self._is_trusted, self._is_project, self._fields = one, is_trusted, is_project, fields
        self._known: dict[int, dict[str, Words | None]] = {}
        self._hard = 0

    def of(self, node: ast.expr, hard: int = 0) -> Words | None:
        """The parameters that an expression comes from, None if it is not given.

        Args:
            node: The expression.
            hard: 0 where only names that lead out are dangerous, 1 where any text that stands there is, 2 where numbers
                are, too.
        """
        self._hard = hard
        if hard not in self._known:
            self._known[hard] = self._names()
        found = self._of(node, self._known[hard])
        return None if found and self.is_void else found

    def _names(self) -> dict[str, Words | None]:
        """What each local name comes from."""
        one = self._one
        bound: dict[str, list[ast.expr]] = {}
        for name, value in one.flows:
            bound.setdefault(name, []).append(value)
        for name, method, value in one.fed:
            if method not in words.SAFE_METHODS:
                bound.setdefault(name, []).append(value)
        arguments = one.node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = [*zip(reversed(positional), reversed(arguments.defaults), strict=False)]
        for argument, default in (*defaults, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)):
            if default is not None:
                bound.setdefault(argument.arg, []).append(default)
        known: dict[str, Words | None] = {name: _NOTHING for name in one.local}
        known |= {name: frozenset([name]) for name in one.given}
        known |= {name: None for name in (one.local & one.unclear) | one.inner}
        changed = True
        while changed:
            changed = False
            for name, values in bound.items():
                old = known.get(name, _NOTHING)
                new = old
                for value in values:
                    part = self._of(value, known)
                    new = None if part is None or new is None else new | part
                if new != old:
                    known[name], changed = new, True
        return known

    @cached_property
    def is_void(self) -> bool:
        """Whether the edit may put words of its own into what it was given."""
        names = self._known.get(0)
        if names is None:
            hard, self._hard = self._hard, 0
            names = self._known[0] = self._names()
            self._hard = hard
        fresh = {name for name, binding in local_names(self._one.node.body).items() if binding.what == "fresh"}
        for name, method, value in self._one.fed:
            if method not in words.SAFE_METHODS and name not in fresh and self._of(value, names) is None:
                return True
        if any(self._of(value, names) is None for _, value in self._one.puts):
            return True
        for name, value in self._one.put_into:
            if name not in fresh and self._of(value, names) is None:
                return True
        called = {id(call.func) for call in self._one.calls}
        if any(id(node) not in called for node in self._one.mutators):
            return True
        for call in self._one.calls:
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            if len(given) > 1 and self._is_project(call.func):
                kept = [value for value in given if isinstance(value, ast.Attribute) and value.attr in self._fields]
                others = [value for value in given if value not in kept and not self._is_inner(value)]
                found = [self._of(value, names) for value in others]
                if None in found and (kept or any(found)):
                    return True
        return False

    def _is_inner(self, node: ast.expr) -> bool:
        """A parameter of a function within, which nobody but the caller calls."""
        one = self._one
        return (
            isinstance(node, ast.Name)
            and node.id in one.inner
            and node.id not in one.local
            and not any(isinstance(call.func, ast.Name) and call.func.id in one.local for call in one.calls)
        )

    def _of(self, node: ast.expr, known: dict[str, Words | None]) -> Words | None:
        if isinstance(node, ast.Name):
            return known[node.id] if node.id in known else _NOTHING if self._is_trusted(node) else None
        if isinstance(node, ast.Constant):
            if node.value is None or isinstance(node.value, bool) or (self._hard < 2 and is_number(node)):
                return _NOTHING
            return _NOTHING if not self._hard and is_harmless(node.value) else None
        if is_number(node):
            return None if self._hard == 2 else _NOTHING  # a number may be an open file's
        if isinstance(node, ast.Lambda):
            return _NOTHING
        if isinstance(node, ast.Attribute):
            if self._fields.get(node.attr, -1) >= self._hard:  # what is stored there is looked at where it is stored
                return frozenset([f".{node.attr}"])
            return _NOTHING if self._is_trusted(node) else None
        if isinstance(node, ast.Subscript | ast.Starred | ast.NamedExpr):
            return self._of(node.value, known)
        if isinstance(node, ast.IfExp):
            return self._all([node.body, node.orelse], known)
        if isinstance(node, ast.BoolOp):
            return self._all(node.values, known)
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return self._all(node.elts, known)
        if isinstance(node, ast.Dict):
            return self._all([*filter(None, node.keys), *node.values], known)
        if isinstance(node, ast.BinOp | ast.JoinedStr):
            return self._joined(node, known)
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            return self._of(node.elt, known)
        return self._call(node, known) if isinstance(node, ast.Call) else None

    def _all(self, nodes: list[ast.expr], known: dict[str, Words | None]) -> Words | None:
        found = [self._of(node, known) for node in nodes]
        return None if None in found else frozenset().union(*(part for part in found if part is not None))

    def _joined(self, node: ast.BinOp | ast.JoinedStr, known: dict[str, Words | None]) -> Words | None:
        """One given word between texts that stand there, and numbers."""
        parts: list[ast.expr] = []
        todo: list[ast.expr] = [node]
        while todo:
            one = todo.pop()
            if isinstance(one, ast.JoinedStr):
                todo += one.values
            elif isinstance(one, ast.FormattedValue):
                if one.format_spec is not None and "c" in ast.unparse(one.format_spec):
                    return None  # a number that becomes a character
                todo += [one.value, *filter(None, [one.format_spec])]
            elif isinstance(one, ast.BinOp) and isinstance(one.op, ast.Mod) and "c" in ast.unparse(one.left):
                return None
            elif isinstance(one, ast.BinOp) and isinstance(one.op, ast.Add | ast.Mod) and not is_number(one):
                todo += [one.left, *(one.right.elts if isinstance(one.right, ast.Tuple) else [one.right])]
            elif isinstance(one, ast.BinOp) and isinstance(one.op, ast.Mult) and isinstance(one.left, ast.List):
                parts.append(one.left)
            else:
                parts.append(one)
        if any(isinstance(part, ast.BinOp) and not is_number(part) for part in parts):
            return None
        texts = [part for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        if texts and self._hard:
            return None
        if any("_" in str(part.value) or not words.fields_are_plain(str(part.value)) for part in texts):
            return None
        lists = [part for part in parts if isinstance(part, ast.List | ast.Tuple)]
        others = [part for part in parts if part not in texts and not is_number(part)]
        return self._all(others, known) if lists or len(others) <= 1 else None

    def _call(self, node: ast.Call, known: dict[str, Words | None]) -> Words | None:
        func = node.func
        given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg != "key")]
        if isinstance(func, ast.Name) and func.id in _PASSED and func.id not in known:
            return self._all(given, known)
        if isinstance(func, ast.Name) and func.id == "object" and "object" not in known:
            return _NOTHING
        if isinstance(func, ast.Attribute) and func.attr in _PARTS and not self._is_trusted(func):
            return self._all([func.value, *given], known)
        if not self._is_project(func) or not all(
            isinstance(value, ast.Name) or (isinstance(value, ast.Constant) and not isinstance(value.value, str))
            for value in given
        ):
            return None
        if isinstance(func, ast.Attribute) and not self._is_trusted(func):
            return None if func.attr in words.BUILTIN_METHODS else self._all([func.value, *given], known)
        return self._all(given, known)


def is_harmless(value: object) -> bool:
    """Whether a text can be no name that leads out, and no part of one, and no template that looks at attributes."""
    if not isinstance(value, str):
        return not isinstance(value, bytes)
    if value.startswith("_") or value.endswith("_") or "__" in value or "._" in value:
        return False
    return words.fields_are_plain(value) and not any(part in words.LEADS_OUT for part in value.split("."))
