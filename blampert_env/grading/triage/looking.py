"""What all rules share: roles, names, and where reasons are noted.

A node is looked at in the *role* in which its value is used. ``value``: it goes anywhere. ``call``: it is called at
once. ``base``: one of its attributes is taken. ``type``: it is compared, raised, or stands where a type stands.
``read``: it is looked at, and nobody keeps it or what it holds. ``iter``: its elements go anywhere. ``change``: its
content is changed. The narrower the role, the more may be named: a table that the tests share may be read,
not handed on. What a node does with its parts is in ``names.txt``; where that is not all, a method named after the kind
of node says it (``on_call``). What has neither is not plain.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from blampert_env.grading.triage import words
from blampert_env.grading.triage.facts import ClassFacts
from blampert_env.grading.triage.families import MAKING
from blampert_env.grading.triage.given import Given, is_harmless
from blampert_env.grading.triage.scopes import MODULES, Binding, bound_names, is_fresh, walk
from blampert_env.grading.triage.view import FileView

VALUE, CALL, BASE, TYPE, READ, ITER, CHANGE = "value", "call", "base", "type", "read", "iter", "change"
NARROW = frozenset([CALL, BASE, TYPE, READ])
_EVERY = NARROW | {VALUE, ITER, CHANGE}
# what a kind of thing may be used for; a function, a class and a flat table are looked at more closely
_ROLES = {
    **dict.fromkeys(("local", "constant", "wrapper", "cls"), _EVERY),
    **dict.fromkeys(("module", "own module", "type", "table"), frozenset([TYPE, READ])),
    **dict.fromkeys(("function", "class", "member"), _EVERY - {CHANGE}),
    "object": frozenset([TYPE, READ, CALL]),
    "told": frozenset([CALL]),
    "typeof": NARROW,
    "logger": frozenset[str](),
}


class Looking:
    """Looks at code; what is not plain is noted, never raised.

    Attributes:
        reasons: ``(line, why)``.
        scopes: Names by function, innermost last.
        own_parameters: Of the functions around, never bound again.
    """

    own_parameters: frozenset[str] = frozenset()

    def __init__(self, view: FileView) -> None:
        self.view, self.project = view, view.project
        self.reasons: list[tuple[int, str]] = []
        self.scopes: list[dict[str, Binding]] = []
        self.owner: ClassFacts | None = None
        self.this = ""  # the method's first parameter, if it is never bound again
        self.method = ""
        self.own_stores: frozenset[str] = frozenset()
        self.given: Given | None = None  # texts of the edited function, None outside of functions
        self.edited = ""  # path and name of that function
        self.harmless_stores: set[tuple[str, int]] = set()

    def why(self, node: ast.AST, text: str) -> None:
        """Note a reason."""
        self.reasons.append((getattr(node, "lineno", 0), text))

    def look(self, node: ast.AST, role: str = "") -> None:
        """Look at a statement, or at an expression in a role."""
        kind = type(node).__name__
        for name in bound_names(node):
            self.check_bound(node, name)
        special: Any = getattr(self, f"on_{kind.lower()}", None)
        parts = words.PARTS.get(kind)
        if special is not None:
            special(node, role)
        elif parts is None:
            self.why(node, f"{kind} is not on the list")
        for name, part_role in parts or ():
            part = getattr(node, name)
            self.each(part if isinstance(part, list) else [part], part_role)

    def each(self, nodes: Iterable[ast.AST | None], role: str = "") -> None:
        """Look at several, None left out."""
        for node in nodes:
            if node is not None:
                self.look(node, role)

    def check_bound(self, node: ast.AST, name: str) -> None:
        """Whether a name may be bound."""
        if words.is_dunder(name):
            self.why(node, f"binds {name}")

    def no_walrus(self, nodes: Iterable[ast.AST]) -> None:
        """Nothing is bound by an expression where that would bind a name of the module."""
        for node in nodes:
            if any(isinstance(inner, ast.NamedExpr) for inner in walk(node)):
                self.why(node, "binds a name within a definition")

    # what names stand for

    def binding(self, name: str) -> Binding | None:
        """What a name stands for here; None for a built-in one."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return self.view.binding(name)

    def named(self, node: ast.expr) -> Binding | None:
        """What a name, or a member of a module, stands for; None for anything else."""
        if isinstance(node, ast.Name):
            return self.binding(node.id)
        base = self.module_of(node.value) if isinstance(node, ast.Attribute) else None
        return self.project.member(base, node.attr) if base is not None and isinstance(node, ast.Attribute) else None

    def module_of(self, node: ast.expr) -> Binding | None:
        """The module that an expression names."""
        known = self.named(node)
        return known if known is not None and known.kind in MODULES else None

    def is_this(self, node: ast.AST | None) -> bool:
        """Whether it is the method's own object."""
        return isinstance(node, ast.Name) and node.id == self.this != ""

    def is_builtin(self, node: ast.AST | None, *names: str) -> bool:
        """Whether it is the name of one of these built-in things, not bound by anybody."""
        return isinstance(node, ast.Name) and node.id in names and self.binding(node.id) is None

    def check(self, node: ast.AST, name: str, known: Binding, role: str) -> None:
        """Whether something known may be used in a role."""
        kind = known.kind
        if kind == "bad":
            self.why(node, f"{name}: {known.what}")
        elif role not in _ROLES[kind]:
            if not (kind == "table" and role == ITER and not known.nested):
                self.why(node, f"the {kind} {name} as a {role}")
        elif known.what == "inspect.signature" and role != CALL:
            self.why(node, f"{name} as a value")
        elif kind in ("function", "class"):
            if role not in (TYPE, CALL) and self.project.tools.of(known) and not (kind == "class" and role == BASE):
                self.why(node, f"{name} is a tool")
            elif kind == "class" and role == VALUE:
                self.why(node, f"the class {name} is handed on")
            elif kind == "function" and role != CALL and known.what in self.project.leaks:
                self.why(node, f"{name} shares what it returns, and is handed on")

    def is_trusted(self, node: ast.expr) -> bool:
        """Whether what is no local name stands for something trusted, no module, that the edit cannot change."""
        if isinstance(node, ast.Name):
            known = self.view.binding(node.id)
            if known is None:
                return node.id in words.FREE
        else:
            known = self.named(node)
        return known is not None and known.kind not in (*MODULES, "local", "bad")

    def is_project(self, node: ast.expr) -> bool:
        """Whether what is called is the project's own function, or a method that may be."""
        if isinstance(node, ast.Name):
            known = self.binding(node.id)
            return known is not None and known.kind != "member"
        module = self.module_of(node.value) if isinstance(node, ast.Attribute) else None
        return module is None or module.kind == "own module"

    def is_given(self, node: ast.expr, hard: int, is_called: bool = False) -> bool:
        """Whether a text is the caller's own; the edited function is then a tool, which the edit may not call itself.

        Args:
            node: What is handed to a tool.
            hard: How much the tool can do, see :meth:`Given.of`.
            is_called: Whether the text is what a call of it gives.
        """
        if self.given is None:
            return not hard and isinstance(node, ast.Constant) and is_harmless(node.value)
        found = self.given.of(node, hard)
        if any(not name.startswith(".") for name in found or ()) and not self.may_be_tool():
            return False
        return bool(found) or (found is not None and (not is_called or isinstance(node, ast.Constant)))

    def may_be_tool(self) -> bool:
        """Whether the edited function may be a tool itself; it is noted as one, which the edit may not call."""
        if words.is_dunder(self.method) and self.method not in MAKING:
            return False  # operators call it, which nobody sees
        self.view.powered.add(self.edited)
        return True

    # what tests share

    def table(self, node: ast.expr) -> Binding | None:
        """The shared table that an expression names, at any depth."""
        while isinstance(node, ast.Subscript):
            node = node.value
        if isinstance(node, ast.Attribute) and self.module_of(node.value) is None:
            return self.project.class_tables.get(node.attr)
        known = self.named(node)
        return known if known is not None and known.kind in ("table", "object") else None

    def direct_table(self, node: ast.expr) -> Binding | None:
        """The shared table that an attribute is, or a changeable part of one."""
        if not isinstance(node, ast.Subscript | ast.Attribute):
            return None
        table = self.table(node)
        return table if table is not None and (table.nested or isinstance(node, ast.Attribute)) else None

    def is_fresh(self, node: ast.expr) -> bool:
        """Whether an expression is a built-in value that was made here."""
        if isinstance(node, ast.Name):
            known = self.binding(node.id)
            return known.what == "fresh" if known is not None else node.id in words.FREE
        return is_fresh(node)
