"""What all rules share: roles, names, and where reasons are noted.

A node is looked at in the *role* in which its value is used. ``VALUE``: it goes anywhere. ``CALL``: it is called at
once. ``BASE``: one of its attributes is taken. ``TYPE``: it is compared, raised, or stands where a type stands.
``READ``: it is looked at, and nobody keeps it or what it holds. ``ITER``: its elements go anywhere. ``CHANGE``: its
content is changed. The narrower the role, the more may be named: a table that the tests share may be read,
not handed on.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from blampert_env.grading.triage import words
from blampert_env.grading.triage.facts import ClassFacts
from blampert_env.grading.triage.families import MAKING
from blampert_env.grading.triage.given import Given, is_harmless
from blampert_env.grading.triage.scopes import Binding, is_fresh
from blampert_env.grading.triage.view import FileView

VALUE, CALL, BASE, TYPE, READ, ITER, CHANGE = "value", "call", "base", "type", "read", "iter", "change"
NARROW = (CALL, BASE, TYPE, READ)


class Looking:
    """Looks at expressions; what is not plain is noted, never raised.

    Attributes:
        reasons: ``(line, why)``.
        scopes: Names by function, innermost last.
    """

    def __init__(self, view: FileView) -> None:
        self.view = view
        self.project = view.project
        self.reasons: list[tuple[int, str]] = []
        self.scopes: list[dict[str, Binding]] = []
        self.owner: ClassFacts | None = None
        self.this = ""  # the method's first parameter, if it is never bound again
        self.method = ""
        self.own_stores: frozenset[str] = frozenset()
        self.given: Given | None = None  # texts of the edited function, None outside of functions
        self.edited = ""  # path and name of that function
        self.harmless_stores: set[tuple[str, int]] = set()
        self._looks: dict[type, Callable[[Any, str], None]] = {}

    def why(self, node: ast.AST, text: str) -> None:
        """Note a reason."""
        self.reasons.append((getattr(node, "lineno", 0), text))

    def look(self, node: ast.expr, role: str) -> None:
        """Look at an expression in a role."""
        looks = self._looks.get(type(node))
        if looks is None:
            self.why(node, f"{type(node).__name__} is not on the list")
        else:
            looks(node, role)

    def each(self, nodes: Iterable[ast.expr | None], role: str) -> None:
        """Look at several, None left out."""
        for node in nodes:
            if node is not None:
                self.look(node, role)

    def binding(self, name: str) -> Binding | None:
        """What a name stands for here; None for a built-in one."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return self.view.binding(name)

    def check(self, node: ast.AST, name: str, known: Binding, role: str) -> None:
        """Whether something known may be used in a role."""
        kind = known.kind
        if kind in ("local", "constant", "wrapper", "cls"):
            return
        if kind == "bad":
            self.why(node, f"{name}: {known.what}")
        elif kind in ("module", "own module"):
            if role not in (TYPE, READ):
                self.why(node, f"the module {name} as a value")
        elif kind == "told":
            if role != CALL:
                self.why(node, f"{name} as a value")
        elif kind == "type":
            if role not in (TYPE, READ):
                self.why(node, f"{name} is for type checks only")
        elif kind == "typeof":
            if role not in NARROW:
                self.why(node, f"{name} holds a type and is handed on")
        elif kind in ("table", "object"):
            flat = role == ITER and kind == "table" and not known.nested
            if not (role in (READ, TYPE) or flat or (kind == "object" and role == CALL)):
                self.why(node, f"{name} is shared and not only read")
        elif kind == "logger":
            self.why(node, f"the logger {name} as a value")
        elif kind in ("function", "class", "member"):
            if role == CHANGE:
                self.why(node, f"changes {name}")
            elif kind == "member" and known.what == "inspect.signature" and role != CALL:
                self.why(node, f"{name} as a value")
            elif kind != "member" and role != TYPE and self.project.tools.of(known):
                if role != CALL and not (kind == "class" and role == BASE):
                    self.why(node, f"{name} is a tool")
            elif kind == "class" and role == VALUE:
                self.why(node, f"the class {name} is handed on")
            elif kind == "function" and role != CALL and known.what in self.view.leaks:
                self.why(node, f"{name} shares what it returns, and is handed on")

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
        if any(not name.startswith(".") for name in found or ()):
            if words.is_dunder(self.method) and self.method not in MAKING:
                return False  # operators call it, which nobody sees
            self.view.powered.add(self.edited)
        return bool(found) or (found is not None and (not is_called or isinstance(node, ast.Constant)))

    def is_trusted(self, node: ast.expr) -> bool:
        """Whether what is no local name stands for something trusted, no module, that the edit cannot change."""
        if isinstance(node, ast.Name):
            known = self.view.binding(node.id)
            return (
                node.id in words.FREE if known is None else known.kind not in ("local", "module", "own module", "bad")
            )
        module = self.module_of(node.value) if isinstance(node, ast.Attribute) else None
        if module is not None and isinstance(node, ast.Attribute):
            return self.project.member(module, node.attr).kind not in ("local", "module", "own module", "bad")
        return False

    def is_project(self, node: ast.expr) -> bool:
        """Whether what is called is the project's own function, or a method that may be."""
        if isinstance(node, ast.Name):
            known = self.binding(node.id)
            return known is not None and known.kind != "member"
        module = self.module_of(node.value) if isinstance(node, ast.Attribute) else None
        return module is None or module.kind == "own module"

    def check_bound(self, node: ast.AST, name: str) -> None:
        """Whether a name may be bound."""
        if words.is_dunder(name):
            self.why(node, f"binds {name}")

    def module_of(self, node: ast.expr) -> Binding | None:
        """The module that an expression names."""
        if isinstance(node, ast.Name):
            known = self.binding(node.id)
            return known if known is not None and known.kind in ("module", "own module") else None
        if isinstance(node, ast.Attribute) and (base := self.module_of(node.value)) is not None:
            known = self.project.member(base, node.attr)
            return known if known.kind in ("module", "own module") else None
        return None

    def no_walrus(self, nodes: Iterable[ast.AST]) -> None:
        """Nothing is bound by an expression where that would bind a name of the module."""
        for node in nodes:
            if any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(node)):
                self.why(node, "binds a name within a definition")

    def _is_class(self, node: ast.expr) -> bool:
        if not isinstance(node, ast.Name):
            return False
        known = self.binding(node.id)
        return known is not None and known.kind in ("class", "member", "type", "typeof", "function")

    def _table(self, node: ast.expr) -> Binding | None:
        """The shared table that an expression names, at any depth."""
        while isinstance(node, ast.Subscript):
            node = node.value
        if isinstance(node, ast.Attribute):
            module = self.module_of(node.value)
            if module is None:
                return self.project.class_tables.get(node.attr)
            member = self.project.member(module, node.attr)
            return member if member.kind in ("table", "object") else None
        known = self.binding(node.id) if isinstance(node, ast.Name) else None
        return known if known is not None and known.kind in ("table", "object") else None

    def _direct_table(self, node: ast.expr) -> Binding | None:
        """The shared table that an attribute is, or a changeable part of one."""
        if isinstance(node, ast.Attribute) and self.module_of(node.value) is None:
            return self.project.class_tables.get(node.attr)
        table = self._table(node) if isinstance(node, ast.Subscript | ast.Attribute) else None
        return table if table is not None and (table.nested or isinstance(node, ast.Attribute)) else None

    def _is_fresh(self, node: ast.expr) -> bool:
        """Whether an expression is a built-in value that was made here."""
        if isinstance(node, ast.Name):
            known = self.binding(node.id)
            return known.what == "fresh" if known is not None else node.id in words.FREE
        return is_fresh(node)
