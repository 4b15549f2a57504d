"""Trusted code as a whole: which name means what, and which of its functions would be tools in a candidate's hands."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cached_property
from itertools import accumulate

from blampert_env.grading.triage import library, words
from blampert_env.grading.triage.facts import ClassFacts, ModuleFacts, module_facts, value_kind
from blampert_env.grading.triage.flow import Def
from blampert_env.grading.triage.scopes import LOCAL, MODULES, Binding, last_name, makes_type, root
from blampert_env.grading.triage.testfacts import TestFacts
from blampert_env.grading.triage.tools import Tools

_STRICTEST = [
    "bad", "own module", "module", "told", "type", "member", "logger", "object", "table", "class", "function",
    "constant", "local",
]  # fmt: skip
_CACHES = ("cache", "lru_cache", "memoize")


class ProjectFacts:
    """What is known of a project's trusted files.

    Args:
        sources: Path to text.
        reference: The same; what it has at a source's place counts as trusted.
        tests: Files of the tests.
        modules: Dotted name to path.
    """

    def __init__(
        self,
        sources: Mapping[str, str],
        reference: Mapping[str, str],
        tests: Mapping[str, str],
        modules: Mapping[str, str],
    ) -> None:
        self.tests = TestFacts(tuple(text for path, text in tests.items() if path.endswith(".py")))
        self._texts = {
            path: tuple(text for text in (sources.get(path), reference.get(path)) if text is not None)
            for path in {**sources, **reference}
            if path.endswith(".py") and path not in tests
        }
        self._modules = dict(modules)
        self._dotted = {path: name for name, path in [*modules.items()][::-1]}
        self._packages = {dotted for name in modules for dotted in accumulate(name.split("."), "{}.{}".format)}
        self._owned_by_tests = frozenset(tests)
        self._resolved: dict[tuple[str, str], Binding | None] = {}

    @cached_property
    def files(self) -> Mapping[str, ModuleFacts]:
        """What each trusted file defines; one that does not parse defines nothing."""
        return {path: module_facts(path, texts) for path, texts in self._texts.items()}

    @cached_property
    def classes(self) -> tuple[ClassFacts, ...]:
        """All classes at the top of trusted files."""
        return tuple(one for module in self.files.values() for one in module.classes.values())

    @cached_property
    def data(self) -> frozenset[str]:
        """Attributes that trusted methods store on their instances and no trusted class has on itself."""
        stored = {name for one in self.classes for name in one.stored}
        fields = {name for one in self.classes for name, value in one.level.items() if value is None}
        return frozenset((stored | fields) - self.methods)

    @cached_property
    def methods(self) -> frozenset[str]:
        """Names of methods of trusted classes."""
        return frozenset(name for one in self.classes for name in one.methods)

    def is_shared(self, name: str) -> bool:
        """Whether classes, modules or the tests' own classes have a name: storing it might change what others read."""
        return name in self._shared or name in self.tests.own

    @cached_property
    def _shared(self) -> frozenset[str]:
        level = {name for one in self.classes for name in one.level}
        return self.methods | level | {name for module in self.files.values() for name in module.names}

    @cached_property
    def privates(self) -> frozenset[str]:
        """Private names that trusted classes define."""
        named = {name for one in self.classes for name in (*one.methods, *one.level, *one.stored)}
        return (
            frozenset(name for name in named if name.startswith("_") and not name.endswith("_")) | words.TUPLE_PRIVATES
        )

    def is_changed(self, name: str) -> bool:
        """Whether trusted functions change what a name of a module or a class holds, and tests do not name it."""
        return any(name in module.changed for module in self.files.values()) and name not in self.tests.mentioned

    @cached_property
    def module_attributes(self) -> frozenset[str]:
        """Attributes in which trusted code keeps modules."""
        found = set()
        for module in self.files.values():
            pairs = module.kept | {
                (name, value.id)
                for one in module.classes.values()
                for name, value in one.level.items()
                if isinstance(value, ast.Name)
            }
            for attribute, name in pairs:
                known = self.resolve(module.path, name)
                if known is not None and known.kind in (*MODULES, "bad"):
                    found.add(attribute)
        return frozenset(found)

    @cached_property
    def class_tables(self) -> Mapping[str, Binding]:
        """Attributes that classes hold and all instances share, and that can be changed."""
        found: dict[str, Binding] = {}
        for one in self.classes:
            for name, value in one.level.items():
                kind = value_kind(value)
                if kind.kind in ("table", "object") and not self.is_changed(name) and not self._is_field(one, value):
                    found[name] = Binding("table", nested=kind.nested or kind.kind == "object")
        return found

    def _is_field(self, owner: ClassFacts, value: ast.expr | None) -> bool:
        """``field(...)`` of a data class, a property: each instance gets its own."""
        if not isinstance(value, ast.Call):
            return False
        if getattr(value.func, "id", getattr(value.func, "attr", "")) in ("field", "attrib", "ib", "property"):
            return True
        known = self.resolve(owner.path, value.func.id) if isinstance(value.func, ast.Name) else None
        one = self.class_of(known) if known is not None else None
        return one is not None and "__get__" in one.methods

    def class_of(self, binding: Binding) -> ClassFacts | None:
        """The trusted class that a name stands for."""
        path, _, name = binding.what.partition("::")
        module = self.files.get(path) if binding.kind == "class" else None
        return module.classes.get(name) if module is not None else None

    @cached_property
    def unbound(self) -> frozenset[str]:
        """Methods that need an object."""
        every = [one for module in self.files.values() for one in module.defs if one.owner]
        bound = {"classmethod", "staticmethod"}
        return self.methods - {one.node.name for one in every if bound & set(map(root, one.node.decorator_list))}

    @cached_property
    def leaks(self) -> frozenset[str]:
        """Functions that return what they share with others (tables, cached values) or types, as ``path::name``."""
        every = [one for module in self.files.values() for one in module.defs if not one.owner]
        return frozenset(one.key for one in every if self._is_leak(one))

    def _is_leak(self, one: Def) -> bool:
        called = [d.func if isinstance(d, ast.Call) else d for d in one.node.decorator_list]
        own = one.local | set(one.given)
        return any(last_name(func) in _CACHES for func in called) or any(
            makes_type(value) or (root(value) not in own and self._is_shared(one.path, value)) for value in one.returns
        )

    def _is_shared(self, path: str, value: ast.expr) -> bool:
        """Whether a value is a table of the module or of a class, or may be a part of one that can be changed."""
        inner = value
        while isinstance(inner, ast.Subscript | ast.Call):
            inner = inner.value if isinstance(inner, ast.Subscript) else getattr(inner.func, "value", ast.Constant(0))
        if isinstance(inner, ast.Attribute):
            table = self.class_tables.get(inner.attr)
        else:
            table = self.resolve(path, inner.id) if isinstance(inner, ast.Name) else None
        return table is not None and table.kind in ("table", "object") and (inner is value or table.nested)

    @cached_property
    def tools(self) -> Tools:
        """Functions that do by name, or by text, what plain code may not."""
        return Tools(self)

    def resolve(self, path: str, name: str) -> Binding | None:
        """What a name at the top of a trusted file stands for, tools not yet told apart; None if it binds none."""
        if (path, name) not in self._resolved:
            self._resolved[path, name] = Binding("bad", f"{name} is defined by itself")
            self._resolved[path, name] = self._resolve(path, name)
        return self._resolved[path, name]

    def _resolve(self, path: str, name: str) -> Binding | None:
        module = self.files.get(path)
        if module is None or name not in module.names:
            return None
        found = [Binding("object")] if name in module.others else []
        found += [Binding("class", f"{path}::{name}")] if name in module.classes else []
        found += [Binding("function", f"{path}::{name}")] if name in module.functions else []
        found += [self.imported(path, *what) for what in module.imports.get(name, ())]
        found += [self._value(path, name, value) for value in module.values.get(name, ())]
        return min(found, key=lambda binding: _STRICTEST.index(binding.kind))

    def _value(self, path: str, name: str, value: ast.expr) -> Binding:
        kind = value_kind(value, lambda call: self._is_sentinel(path, call))
        if kind.kind == "table" and self.is_changed(name):
            return LOCAL
        if kind.kind == "alias":
            return self._alias(path, value)
        return Binding(kind.kind, f"{path}::{name}", kind.nested)

    def _is_sentinel(self, path: str, value: ast.Call) -> bool:
        """Whether a value is an instance of a class of the project that keeps nothing, or constants handed through."""
        if not isinstance(value.func, ast.Name) or value.keywords:
            return False
        known = self.resolve(path, value.func.id)
        if known is None or not all(isinstance(argument, ast.Constant) for argument in value.args):
            return False
        if known.kind == "function":
            where, _, name = known.what.partition("::")
            defs = self.files[where].functions[name] if where in self.files else []
            return bool(defs) and all(_hands_through(inner, one) for one in defs for inner in one.returns)
        one = self.class_of(known) if not value.args else None
        return one is not None and not (one.stored or one.node.bases or one.level.keys() - {"__slots__"})

    def _alias(self, path: str, value: ast.expr) -> Binding:
        if isinstance(value, ast.Name):
            built_in = Binding("constant") if value.id in words.FREE else Binding("bad", f"is {value.id}")
            return self.resolve(path, value.id) or built_in
        if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
            base = self.resolve(path, value.value.id)
            if base is not None and base.kind in MODULES:
                return self.member(base, value.attr)
        return Binding("object")

    def imported(self, path: str, module: str, member: str, level: int) -> Binding:
        """What an import in a file gives."""
        if level:
            module = self._absolute(path, module, level)
        if self.is_own(module):
            own = Binding("own module", module)
            return self.member(own, member) if member else self._own_module(module)
        base = Binding("module", module) if module in library.MODULES else Binding("bad", f"imports {module}")
        return base if not member or base.kind == "bad" else self.member(base, member)

    def is_own(self, module: str) -> bool:
        """Whether it is the project's, or a package that holds some of it."""
        return module in self._packages

    def _own_module(self, module: str) -> Binding:
        path = self._modules.get(module)
        if path is not None and (path in self._owned_by_tests or path not in self.files):
            return Binding("bad", f"module {module} is the tests' or not known")
        return Binding("own module", module)

    def member(self, base: Binding, name: str) -> Binding:
        """What an attribute of a module stands for."""
        if base.kind == "own module":
            if f"{base.what}.{name}" in self._modules:
                return self._own_module(f"{base.what}.{name}")
            path = self._modules.get(base.what, "")
            known = self.resolve(path, name) if path not in self._owned_by_tests else None
            return known or Binding("bad", f"{base.what}.{name} is the tests' or not known")
        dotted = f"{base.what}.{name}"
        if name in library.MEMBERS.get(base.what, ()) or name in library.FOREIGN.get(base.what, ()):
            return Binding("member", dotted)
        if dotted in library.TOLD:
            return Binding("told", dotted)
        if name in library.SHARED.get(base.what, ()):
            return Binding("table", dotted)
        if name in library.TYPES.get(base.what, ()):
            return Binding("module" if dotted in library.MODULES else "type", dotted)
        if dotted in library.SUBMODULES:
            return Binding("module", dotted)
        return Binding("constant") if base.what == "__future__" else Binding("bad", f"{dotted} is not on the list")

    def _absolute(self, path: str, module: str, level: int) -> str:
        parts = [*self._dotted.get(path, "").split("."), *([""] if path.endswith("__init__.py") else [])]
        parts = parts[: len(parts) - level]
        return ".".join([*parts, module] if module else parts)


def _hands_through(value: ast.expr, one: Def) -> bool:
    """Whether a value is made of a function's own parameters and of constants."""
    if isinstance(value, ast.Tuple):
        return all(_hands_through(inner, one) for inner in value.elts)
    is_given = isinstance(value, ast.Name) and value.id in one.given and value.id not in one.local
    return is_given or isinstance(value, ast.Constant)
