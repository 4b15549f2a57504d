"""The rules for attributes: which may be read, and which may be stored on what."""

from __future__ import annotations

import ast

from blampert_env.grading.triage import words
from blampert_env.grading.triage.facts import ClassFacts
from blampert_env.grading.triage.looking import BASE, CALL, CHANGE, ITER, NARROW, READ, TYPE, VALUE, Looking
from blampert_env.grading.triage.scopes import LOCAL, Binding, makes_type


class Attributes(Looking):
    """Looks at attributes."""

    def _attribute(self, node: ast.Attribute, role: str) -> None:
        known = self.module_of(node.value)
        if known is not None:
            self._member(node, known, role)
        elif not isinstance(node.ctx, ast.Load) or (role == CHANGE and self._is_class(node.value)):
            self.store(node, node.value, node.attr)
        else:
            self.read_attribute(node, node.value, node.attr, role)

    def _member(self, node: ast.Attribute, module: Binding, role: str) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.why(node, f"sets {node.attr} of a module")
            return
        self.check(node, f"{module.what}.{node.attr}", self.project.member(module, node.attr), role)

    def read_attribute(self, node: ast.AST, base: ast.expr, name: str, role: str) -> None:
        """``base.name``, or ``getattr(base, "name")``."""
        on_self = isinstance(base, ast.Name) and base.id == self.this != ""
        self.attribute_name(node, base, name, role, on_self)
        if isinstance(base, ast.Name):
            known = self.binding(base.id)
            if known is None and base.id in words.FREE:  # ``str.upper``, ``dict.fromkeys``
                if words.is_dunder(name) and name not in words.READ_DUNDERS:
                    self.why(node, f".{name} of {base.id}")
                return
            if known is not None and known.kind not in ("local", "wrapper", "cls", "constant"):
                self._named_attribute(node, base.id, known, name, role)
                return
        if isinstance(base, ast.Call) and isinstance(base.func, ast.Name) and base.func.id == "super":
            self._super(base)
            return
        table = self._direct_table(base)
        if table is not None:
            if role != CALL or name not in words.READING_METHODS or (table.nested and name in words.ELEMENTS):
                self.why(node, f".{name} of what instances share")
            self.look(base, READ)
            return
        nested = role in (READ, TYPE, CALL) or name in words.READ_DUNDERS
        self.look(base, BASE if nested or not makes_type(base) else VALUE)

    def _named_attribute(self, node: ast.AST, base: str, known: Binding, name: str, role: str) -> None:
        """An attribute of a class, a table or another thing at the top of a file."""
        if known.kind == "table":
            if role != CALL or name not in words.READING_METHODS or (known.nested and name in words.ELEMENTS):
                self.why(node, f".{name} of {base}, which is shared")
        elif known.kind == "object":
            if (base, name) not in self.view.object_uses or role not in (CALL, READ, TYPE):
                self.why(node, f".{name} of {base}, which trusted code does not use")
        elif known.kind == "logger":
            if role != CALL or name not in words.LOGGER:
                self.why(node, f".{name} of a logger")
        elif known.kind == "class":
            self.check(node, base, known, BASE)
            if role == CHANGE:
                self.why(node, f"changes .{name} of {base}")
        elif known.kind == "function":
            self.check(node, base, known, BASE)
            if name not in ("cache_clear", "cache_info") and name not in words.READ_DUNDERS:
                self.why(node, f".{name} of a function")
        elif known.kind == "member":
            self.check(node, base, known, BASE)
        elif known.kind == "typeof":
            if role not in NARROW and name not in words.READ_DUNDERS:
                self.why(node, f".{name} of a type, handed on")
        elif known.kind == "type":
            self.why(node, f".{name} of {known.what}")
        else:
            self.check(node, base, known, BASE)

    def attribute_name(self, node: ast.AST, base: ast.expr, name: str, role: str, on_self: bool) -> None:
        """Whether an attribute of that name may be read."""
        if words.is_dunder(name):
            self._dunder(node, base, name, role)
        elif name in words.LEADS_OUT or (name in words.ONLY_ON_SELF and not on_self):
            if not (on_self and name in self.view.own_names(self.owner)):
                self.why(node, f".{name}")
        elif name.startswith("_"):
            if not self._may_be_private(name, on_self):
                self.why(node, f".{name} is private")
        elif name in ("format", "format_map") and not (on_self and name in self.view.own_names(self.owner)):
            module = self.module_of(base.value) if isinstance(base, ast.Attribute) else None
            known = self.binding(base.id) if isinstance(base, ast.Name) else None
            if module is not None and isinstance(base, ast.Attribute):
                known = self.project.member(module, base.attr)
            is_text = not isinstance(base, ast.Name) if known is None else known.kind in ("local", "constant")
            if not (role == CALL and name == "format" and is_text and self.is_given(base, 0)):
                self.why(node, f".{name} of what is no constant")
        elif name == "replace" and role != CALL:
            self.why(node, ".replace as a value")
        elif name in words.BY_NAME and role != CALL and not on_self:
            self.why(node, f".{name} as a value")
        if name in self.project.module_attributes:
            self.why(node, f".{name} may be a module")
        if role not in (CALL, TYPE) and not words.is_dunder(name) and not self._is_fresh(base):
            owner = self.owner if on_self else None
            if any(
                self.project.tools.sinks.get(one.key) for one in self.project.tools.methods(name, owner, self.view.path)
            ):
                self.why(node, f".{name} is a tool")
        is_text = name in self.project.tools.fields and role not in (READ, TYPE, CALL, BASE)
        if is_text and (role == CHANGE or self.given is None or self.given.is_void):
            self.why(node, f".{name} is a text for a tool, and may be changed")
        if isinstance(base, ast.Attribute) and base.attr in self.project.tools.fields and name in words.MUTATORS:
            self.why(node, f"changes .{base.attr}, which has texts for a tool")
        table = self.project.class_tables.get(name)
        if table is not None and role not in (READ, TYPE, CALL) and not (role == ITER and not table.nested):
            self.why(node, f".{name} is shared by instances and not only read")

    def _may_be_private(self, name: str, on_self: bool) -> bool:
        """Whether a private name is the project's own, or one that the edit gives its object or its class."""
        own = name in self.project.privates or name in self.own_stores or (on_self and name in self.view.new_methods)
        return own and not name.endswith("_")

    def _dunder(self, node: ast.AST, base: ast.expr, name: str, role: str) -> None:
        on_super = isinstance(base, ast.Call) and isinstance(base.func, ast.Name) and base.func.id == "super"
        if name in words.READ_DUNDERS or (on_super and name in words.ON_SUPER and role == CALL):
            return
        if name == "__class__" and role in NARROW:
            return
        if name in words.VALUE_DUNDERS or (name in words.CALLED_DUNDERS and role == CALL):
            return
        if name in ("__init__", "__new__") and role == CALL:
            return  # the call is looked at
        if (
            name in ("__delitem__", "__setitem__")
            and role == CALL
            and isinstance(base, ast.Name)
            and base.id == self.this
        ):
            return
        self.why(node, f".{name}")

    def _super(self, call: ast.Call) -> None:
        if call.keywords or len(call.args) not in (0, 2):
            self.why(call, "super() of an odd shape")
        elif call.args and not (
            isinstance(call.args[0], ast.Name)
            and self.owner is not None
            and call.args[0].id == self.owner.name
            and isinstance(call.args[1], ast.Name)
            and call.args[1].id == self.this
        ):
            self.why(call, "super() of another class")

    def store(self, node: ast.AST, base: ast.expr, name: str) -> None:
        """``base.name = …``, ``del base.name``, ``setattr(base, "name", …)``."""
        if name in self.project.tools.fields and (name, id(node)) not in self.harmless_stores:
            self.why(node, f"sets .{name}, which is a text for a tool")
        if words.is_dunder(name):
            wrapper = isinstance(base, ast.Name) and any(
                scope.get(base.id, LOCAL).kind == "wrapper" for scope in self.scopes
            )
            if not (wrapper and name in ("__name__", "__doc__", "__qualname__", "__module__")):
                self.why(node, f"sets .{name}")
            return
        if (name.endswith("_") and name.startswith("_")) or name in words.LEADS_OUT or not isinstance(base, ast.Name):
            if not (isinstance(base, ast.Attribute | ast.Subscript) and name in self.project.data):
                self.why(node, f"sets .{name} of what it cannot see")
                return
            self.look(base, BASE)
            return
        known = self.binding(base.id)
        if known is not None and known.kind == "wrapper":
            if name in self.project.tests.called or name in self.project.tests.own or name in words.BUILTIN_METHODS:
                self.why(node, f"sets .{name} of a function, which the tests call")
        elif known is None or known.kind not in ("local", "cls"):
            self.why(node, f"sets .{name} of {base.id}")
        elif name in self.project.data and (base.id == self.this or name not in self.project.tests.own):
            return
        elif base.id != self.this or self.owner is None:
            self.why(node, f"sets .{name}, which trusted code never does")
        else:
            self._store_on_self(node, name, self.owner)

    def _store_on_self(self, node: ast.AST, name: str, owner: ClassFacts) -> None:
        tests = self.project.tests
        if name in owner.setters:
            return
        if name in tests.called or name in tests.own or name in owner.methods or name in self.project.methods:
            self.why(node, f"sets .{name}, which the tests or others call")
        elif self.method not in ("__init__", "__post_init__") and (
            (self.project.is_shared(name) and name not in owner.level) or name in words.BUILTIN_METHODS
        ):
            self.why(node, f"sets .{name}, which others may read")
        elif name in words.LIBRARY_ATTRIBUTES and self.method not in ("__init__", "__post_init__"):
            self.why(node, f"sets .{name}, which library classes have")
