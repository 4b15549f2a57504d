"""One file as its edit sees it: trusted names, and those that the edit adds."""

from __future__ import annotations

import ast
from functools import cached_property

from blampert_env.grading.triage.facts import ClassFacts, ModuleFacts
from blampert_env.grading.triage.flow import Def
from blampert_env.grading.triage.given import Given
from blampert_env.grading.triage.project import ProjectFacts
from blampert_env.grading.triage.scopes import Binding, makes_type, root

_FUNCTION = Binding("function", "edit")
_UNKNOWN = ModuleFacts("", ())


class FileView:
    """What an edit of one file may know.

    Args:
        project: All trusted files.
        path: Of this one.
    """

    def __init__(self, project: ProjectFacts, path: str) -> None:
        self.project = project
        self.path = path
        self.new: dict[str, Binding] = {}
        self.new_methods: set[str] = set()
        self.edit_stores: frozenset[str] = frozenset()
        self.powered: set[str] = set()  # edited functions that do by name what their callers say
        self.givens: dict[str, Given] = {}  # what edited functions are given
        self.turned: list[ast.AST] = []  # handlers that catch what tests raise, and raise something else
        self.swallows = False  # whether the edit goes on after an exception
        self._known: dict[str, Binding | None] = {}

    def fresh(self) -> None:
        """Forget the names of the last edit."""
        self.new, self.new_methods, self.edit_stores = {}, set(), frozenset()
        self.powered, self.givens, self.turned, self.swallows = set(), {}, [], False

    @cached_property
    def module(self) -> ModuleFacts:
        """The trusted file."""
        return self.project.files.get(self.path, _UNKNOWN)

    def binding(self, name: str) -> Binding | None:
        """What a name at the top of the file stands for; None if it is not bound there."""
        if name in self.new:
            return self.new[name]
        if name not in self._known:
            self._known[name] = self.project.resolve(self.path, name)
        return self._known[name]

    def add_function(self, name: str) -> None:
        """A function that the edit adds."""
        self.new[name] = _FUNCTION

    def own_names(self, owner: ClassFacts | None) -> frozenset[str]:
        """What a method's own class has."""
        return owner.methods | owner.stored | frozenset(owner.level) if owner is not None else frozenset()

    @cached_property
    def object_uses(self) -> frozenset[tuple[str, str]]:
        """``(name, attribute)`` as trusted functions of the file use them."""
        return frozenset(pair for one in self.module.defs for pair in one.uses)

    @cached_property
    def leaks(self) -> frozenset[str]:
        """Functions of the project that return what they share with others (tables, cached values) or types."""
        return frozenset(
            f"{module.path}::{name}"
            for module in self.project.files.values()
            for name, defs in module.functions.items()
            if any(self._is_leak(module.path, one) for one in defs)
        )

    def _is_leak(self, path: str, one: Def) -> bool:
        for decorator in one.node.decorator_list:
            func = decorator.func if isinstance(decorator, ast.Call) else decorator
            if getattr(func, "attr", getattr(func, "id", "")) in ("cache", "lru_cache", "memoize"):
                return True
        own = one.local | set(one.given)
        return any(
            (root(value) not in own and self._is_shared(path, value)) or makes_type(value) for value in one.returns
        )

    def _is_shared(self, path: str, value: ast.expr) -> bool:
        """Whether a value is a table of the module or of a class, or may be a part of one that can be changed."""
        inner = value
        while isinstance(inner, ast.Subscript | ast.Call):
            if isinstance(inner, ast.Call):
                if not isinstance(inner.func, ast.Attribute):
                    return False
                inner = inner.func.value
            else:
                inner = inner.value
        if isinstance(inner, ast.Attribute):
            table = self.project.class_tables.get(inner.attr)
            return table is not None and (inner is value or table.nested)
        known = self.project.resolve(path, inner.id) if isinstance(inner, ast.Name) else None
        return known is not None and known.kind in ("table", "object") and (inner is value or known.nested)

    @cached_property
    def unbound(self) -> frozenset[str]:
        """Methods that need an object: trusted ones, and those that the edit adds."""
        every = [one for module in self.project.files.values() for one in module.defs if one.owner]
        bound = {
            one.node.name for one in every if {"classmethod", "staticmethod"} & set(map(root, one.node.decorator_list))
        }
        return self.project.methods - bound
