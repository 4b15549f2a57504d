"""The rules for attributes: which may be read, and which may be stored on what."""

from __future__ import annotations

import ast

from blampert_env.grading.triage import words
from blampert_env.grading.triage.facts import ClassFacts
from blampert_env.grading.triage.looking import BASE, CALL, CHANGE, ITER, NARROW, READ, TYPE, VALUE, Looking
from blampert_env.grading.triage.scopes import LOCAL, Binding, is_super, makes_type

_OF_WRAPPERS = frozenset(["__name__", "__doc__", "__qualname__", "__module__"])
_OF_FUNCTIONS = words.READ_DUNDERS | {"cache_clear", "cache_info"}


class Attributes(Looking):
    """Looks at attributes."""

    def on_attribute(self, node: ast.Attribute, role: str) -> None:
        """An attribute that is read, stored or deleted; or a member of a module."""
        module, is_read = self.module_of(node.value), isinstance(node.ctx, ast.Load)
        if module is not None and is_read:
            self.check(node, f"{module.what}.{node.attr}", self.project.member(module, node.attr), role)
        elif not is_read or (role == CHANGE and self._is_class(node.value)):
            self.store(node, node.value, node.attr)
        else:
            self.read(node, node.value, node.attr, role)

    def _is_class(self, node: ast.expr) -> bool:
        known = self.binding(node.id) if isinstance(node, ast.Name) else None
        return known is not None and known.kind in ("class", "member", "type", "typeof", "function")

    def read(self, node: ast.AST, base: ast.expr, name: str, role: str) -> None:
        """``base.name``, or ``getattr(base, "name")``."""
        self.attribute_name(node, base, name, role)
        known = self.binding(base.id) if isinstance(base, ast.Name) else None
        if isinstance(base, ast.Name) and known is None and base.id in words.FREE:  # ``str.upper``, ``dict.fromkeys``
            if words.is_dunder(name) and name not in words.READ_DUNDERS:
                self.why(node, f".{name} of {base.id}")
        elif isinstance(base, ast.Name) and known is not None:
            self._of_known(node, base.id, known, name, role)
        elif is_super(base):
            self._super(base)
        elif (table := self.direct_table(base)) is not None:
            self._of_table(node, "what instances share", table, name, role)
            self.look(base, READ)
        else:
            nested = role in (READ, TYPE, CALL) or name in words.READ_DUNDERS
            self.look(base, BASE if nested or not makes_type(base) else VALUE)

    def _of_table(self, node: ast.AST, what: str, table: Binding, name: str, role: str) -> None:
        if role != CALL or name not in words.READING_METHODS or (table.nested and name in words.ELEMENTS):
            self.why(node, f".{name} of {what}, which is shared")

    def _of_known(self, node: ast.AST, base: str, known: Binding, name: str, role: str) -> None:
        """An attribute of what a name stands for."""
        kind = known.kind
        if kind == "table":
            self._of_table(node, base, known, name, role)
            return
        if kind not in ("object", "logger", "type", "typeof"):
            self.check(node, base, known, BASE)
        if (
            (kind == "object" and ((base, name) not in self.view.module.uses or role not in (CALL, READ, TYPE)))
            or (kind == "logger" and (role != CALL or name not in words.LOGGER))
            or (kind == "class" and role == CHANGE)
            or (kind == "function" and name not in _OF_FUNCTIONS)
            or (kind == "typeof" and role not in NARROW and name not in words.READ_DUNDERS)
            or kind == "type"
        ):
            self.why(node, f".{name} of the {kind} {base}")

    def attribute_name(self, node: ast.AST, base: ast.expr, name: str, role: str) -> None:
        """Whether an attribute of that name may be read."""
        on_self, project, fields = self.is_this(base), self.project, self.project.tools.fields
        is_own = on_self and self.owner is not None and name in self.owner.names
        if words.is_dunder(name):
            if not self._may_be_special(base, name, role):
                self.why(node, f".{name}")
        elif name.startswith("_") and name not in words.LEADS_OUT:
            if not self._may_be_private(name, on_self):
                self.why(node, f".{name} is private")
        elif is_own:
            pass
        elif name in words.LEADS_OUT or (name in words.ONLY_ON_SELF and not on_self):
            self.why(node, f".{name}")
        elif name in ("format", "format_map"):
            known = self.named(base)
            is_text = not isinstance(base, ast.Name) if known is None else known.kind in ("local", "constant")
            if not (role == CALL and name == "format" and is_text and self.is_given(base, 0)):
                self.why(node, f".{name} of what is no constant")
        elif role != CALL and (name == "replace" or (name in words.BY_NAME and not on_self)):
            self.why(node, f".{name} as a value")
        if name in project.module_attributes:
            self.why(node, f".{name} may be a module")
        if role not in (CALL, TYPE) and not words.is_dunder(name) and not self.is_fresh(base):
            methods = project.tools.methods(name, self.owner if on_self else None, self.view.path)
            if any(project.tools.sinks.get(one.key) for one in methods):
                self.why(node, f".{name} is a tool")
        is_text = name in fields and role not in (READ, TYPE, CALL, BASE)
        if is_text and (role == CHANGE or self.given is None or self.given.is_void):
            self.why(node, f".{name} is a text for a tool, and may be changed")
        if isinstance(base, ast.Attribute) and base.attr in fields and name in words.MUTATORS:
            self.why(node, f"changes .{base.attr}, which has texts for a tool")
        table = project.class_tables.get(name)
        if table is not None and role not in (READ, TYPE, CALL) and not (role == ITER and not table.nested):
            self.why(node, f".{name} is shared by instances and not only read")

    def _may_be_private(self, name: str, on_self: bool) -> bool:
        """Whether a private name is the project's own, or one that the edit gives its object or its class."""
        own = name in self.project.privates or name in self.own_stores or (on_self and name in self.view.new_methods)
        return own and not name.endswith("_")

    def _may_be_special(self, base: ast.expr, name: str, role: str) -> bool:
        """Whether a special attribute leads no further; the calls of ``__init__`` and ``__new__`` are looked at."""
        if name in words.READ_DUNDERS | words.VALUE_DUNDERS or (name == "__class__" and role in NARROW):
            return True
        return role == CALL and (
            name in words.CALLED_DUNDERS | {"__init__", "__new__"}
            or (name in words.ON_SUPER and is_super(base))
            or (name in ("__delitem__", "__setitem__") and self.is_this(base))
        )

    def _super(self, call: ast.Call) -> None:
        if call.keywords or call.args:
            self.why(call, "super() of an odd shape")

    def store(self, node: ast.AST, base: ast.expr, name: str) -> None:
        """``base.name = …``, ``del base.name``, ``setattr(base, "name", …)``."""
        data, tests = self.project.data, self.project.tests
        known = self.binding(base.id) if isinstance(base, ast.Name) else None
        if name in self.project.tools.fields and (name, id(node)) not in self.harmless_stores:
            self.why(node, f"sets .{name}, which is a text for a tool")
        if self.module_of(base) is not None:
            self.why(node, f"sets {name} of a module")
        elif words.is_dunder(name):
            named = [scope.get(base.id, LOCAL).kind for scope in self.scopes] if isinstance(base, ast.Name) else []
            if not ("wrapper" in named and name in _OF_WRAPPERS):
                self.why(node, f"sets .{name}")
        elif (name.endswith("_") and name.startswith("_")) or name in words.LEADS_OUT or not isinstance(base, ast.Name):
            if not (isinstance(base, ast.Attribute | ast.Subscript) and name in data):
                self.why(node, f"sets .{name} of what it cannot see")
            else:
                self.look(base, BASE)
        elif known is not None and known.kind == "wrapper":
            if name in tests.called or name in tests.own or name in words.BUILTIN_METHODS:
                self.why(node, f"sets .{name} of a function, which the tests call")
        elif known is None or known.kind not in ("local", "cls"):
            self.why(node, f"sets .{name} of {base.id}")
        elif not (name in data and (base.id == self.this or name not in tests.own)):
            if base.id != self.this or self.owner is None:
                self.why(node, f"sets .{name}, which trusted code never does")
            elif name not in self.owner.setters:
                self._store_on_self(node, name, self.owner)

    def _store_on_self(self, node: ast.AST, name: str, owner: ClassFacts) -> None:
        tests = self.project.tests
        if name in tests.called or name in tests.own or name in owner.methods or name in self.project.methods:
            self.why(node, f"sets .{name}, which the tests or others call")
        elif self.method not in ("__init__", "__post_init__") and (
            (self.project.is_shared(name) and name not in owner.level)
            or name in words.BUILTIN_METHODS | words.LIBRARY_ATTRIBUTES
        ):
            self.why(node, f"sets .{name}, which others may read")
