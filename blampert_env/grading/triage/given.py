"""Which texts of an edited function are its caller's own words.

A name, a template or a path that a caller hands over is everyday code; one that the edit makes up is not. Given is a
parameter, an element of one, a harmless text that stands there, and a choice between these: nothing that is put
together of several. What is changed on the way is no longer given.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache

from blampert_env.grading.triage import words
from blampert_env.grading.triage.flow import Def, is_number
from blampert_env.grading.triage.scopes import local_names, parts

Words = frozenset[str]  # parameters that a text comes from

_NOTHING: Words = frozenset()
_PASSED = words.listed("list tuple iter enumerate sorted reversed zip set frozenset dict next")
_PARTS = words.listed("items keys values get copy split rsplit splitlines pop popitem strip lstrip rstrip")
# what is given if these parts of it are
_THROUGH: dict[type, tuple[str, ...]] = {
    **dict.fromkeys((ast.Subscript, ast.Starred, ast.NamedExpr), ("value",)),
    **dict.fromkeys((ast.Tuple, ast.List, ast.Set), ("elts",)),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp), ("elt",)),
    ast.IfExp: ("body", "orelse"),
    ast.BoolOp: ("values",),
    ast.Dict: ("keys", "values"),
    ast.Lambda: (),
}


Tells = Callable[[ast.expr], bool]


class Given:
    """Texts of one edited function.

    Args:
        one: The function.
        is_trusted: Whether an expression that is no local name stands for something trusted that is no module.
        is_project: Whether what is called is the project's own function.
        fields: Attributes that hold texts for tools.
    """

    def __init__(self, one: Def, is_trusted: Tells, is_project: Tells, fields: Mapping[str, int]) -> None:
        self._one, self._is_project, self._fields = one, is_project, fields
        self._level = lru_cache(lambda hard: _Level(one, is_trusted, is_project, fields, hard))

    def of(self, node: ast.expr, hard: int = 0) -> Words | None:
        """The parameters that an expression comes from, None if it is not given.

        Args:
            node: The expression.
            hard: 0 where only names that lead out are dangerous, 1 where any text that stands there is, 2 where numbers
                are, too.
        """
        found = self._level(hard).of(node)
        return None if found and self.is_void else found

    @cached_property
    def is_void(self) -> bool:
        """Whether the edit may put words of its own into what it was given."""
        one, of = self._one, self._level(0).of
        fresh = {name for name, binding in local_names(one.node.body).items() if binding.what == "fresh"}
        put = [value for _, value in one.puts]
        put += [value for name, value in one.put_into if name not in fresh]
        put += [value for name, how, value in one.fed if how not in words.SAFE_METHODS and name not in fresh]
        called = {id(call.func) for call in one.calls}
        if any(of(value) is None for value in put) or any(id(node) not in called for node in one.mutators):
            return True
        for call in one.calls:
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            if len(given) > 1 and self._is_project(call.func):
                kept = [value for value in given if isinstance(value, ast.Attribute) and value.attr in self._fields]
                found = [of(value) for value in given if value not in kept and not self._is_inner(value)]
                if None in found and (kept or any(found)):
                    return True
        return False

    def _is_inner(self, node: ast.expr) -> bool:
        """A parameter of a function within, which nobody but the caller calls."""
        one = self._one
        if not isinstance(node, ast.Name) or node.id not in one.inner - one.local:
            return False
        return not any(isinstance(call.func, ast.Name) and call.func.id in one.local for call in one.calls)


class _Level:
    """What the names of a function come from, for tools that can do so much."""

    def __init__(self, one: Def, is_trusted: Tells, is_project: Tells, fields: Mapping[str, int], hard: int) -> None:
        self._is_trusted, self._is_project, self._fields, self._hard = is_trusted, is_project, fields, hard
        bound = defaultdict(list)
        for name, value in (*one.flows, *((n, value) for n, how, value in one.fed if how not in words.SAFE_METHODS)):
            bound[name].append(value)
        self._known: dict[str, Words | None] = dict.fromkeys(one.local, _NOTHING)
        self._known |= {name: frozenset([name]) for name in one.given}
        self._known |= dict.fromkeys((one.local & one.unclear) | one.inner)
        changed = True
        while changed:
            changed = False
            for name, values in bound.items():
                old = self._known.get(name, _NOTHING)
                new = None if old is None or (more := self._all(values)) is None else old | more
                if new != old:
                    self._known[name], changed = new, True

    def of(self, node: ast.expr) -> Words | None:
        """As :meth:`Given.of`."""
        if type(node) in _THROUGH:
            return self._all(parts(node, _THROUGH[type(node)]))
        if isinstance(node, ast.Name) and node.id in self._known:
            return self._known[node.id]
        if isinstance(node, ast.Constant) and not isinstance(node.value, str | bytes):
            is_plain = node.value is None or isinstance(node.value, bool)
            return _NOTHING if is_plain or self._hard < 2 else None
        if isinstance(node, ast.Constant):
            return _NOTHING if not self._hard and is_harmless(node.value) else None
        if is_number(node):
            return None if self._hard == 2 else _NOTHING  # a number may be an open file's
        if isinstance(node, ast.Attribute) and self._fields.get(node.attr, -1) >= self._hard:
            return frozenset([f".{node.attr}"])  # what is stored there is looked at where it is stored
        if isinstance(node, ast.Name | ast.Attribute):
            return _NOTHING if self._is_trusted(node) else None
        if isinstance(node, ast.BinOp | ast.JoinedStr):
            return self._joined(node)
        return self._call(node) if isinstance(node, ast.Call) else None

    def _all(self, nodes: Iterable[ast.expr]) -> Words | None:
        found = [self.of(node) for node in nodes]
        return None if None in found else frozenset().union(*filter(None, found))

    def _joined(self, node: ast.BinOp | ast.JoinedStr) -> Words | None:
        """One given word between texts that stand there, and numbers."""
        others: list[ast.expr] = []
        todo: list[ast.expr] = [node]
        while todo:
            one = todo.pop()
            if isinstance(one, ast.FormattedValue) and "c" in ast.unparse(one.format_spec or ast.Constant(0)):
                return None  # a number that becomes a character
            if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Mod) and "c" in ast.unparse(one.left):
                return None
            if isinstance(one, ast.JoinedStr | ast.FormattedValue):
                todo += parts(one, ("values",) if isinstance(one, ast.JoinedStr) else ("value", "format_spec"))
            elif isinstance(one, ast.BinOp) and isinstance(one.op, ast.Add | ast.Mod) and not is_number(one):
                todo += [one.left, *(one.right.elts if isinstance(one.right, ast.Tuple) else [one.right])]
            elif isinstance(one, ast.BinOp) and isinstance(one.op, ast.Mult) and isinstance(one.left, ast.List):
                others.append(one.left)
            elif isinstance(one, ast.BinOp) and not is_number(one):
                return None
            elif isinstance(one, ast.Constant) and isinstance(one.value, str):
                if self._hard or "_" in one.value or not words.fields_are_plain(one.value):
                    return None
            elif not is_number(one):
                others.append(one)
        lists = any(isinstance(other, ast.List | ast.Tuple) for other in others)
        return self._all(others) if lists or len(others) <= 1 else None

    def _call(self, node: ast.Call) -> Words | None:
        func = node.func
        given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg != "key")]
        if isinstance(func, ast.Name) and func.id not in self._known and func.id in _PASSED | {"object"}:
            return self._all(given) if func.id in _PASSED else _NOTHING
        of_object = isinstance(func, ast.Attribute) and not self._is_trusted(func)
        if isinstance(func, ast.Attribute) and func.attr in _PARTS and of_object:
            return self._all([func.value, *given])
        texts = [value for value in given if not isinstance(value, ast.Name | ast.Constant) or _is_text(value)]
        if texts or not self._is_project(func):
            return None
        if isinstance(func, ast.Attribute) and of_object:
            return None if func.attr in words.BUILTIN_METHODS else self._all([func.value, *given])
        return self._all(given)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def is_harmless(value: object) -> bool:
    """Whether a text can be no name that leads out, and no part of one, and no template that looks at attributes."""
    if not isinstance(value, str):
        return not isinstance(value, bytes)
    if value.startswith("_") or value.endswith("_") or "__" in value or "._" in value:
        return False
    return words.fields_are_plain(value) and not any(part in words.LEADS_OUT for part in value.split("."))
