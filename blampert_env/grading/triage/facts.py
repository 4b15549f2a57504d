"""What trusted files define: names of modules, members of classes, tables that must not be changed."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from blampert_env.grading.triage import library, words
from blampert_env.grading.triage.flow import Def, gather
from blampert_env.grading.triage.scopes import Binding, FunctionNode, here, imported, last_name, parts, root, walk
from blampert_env.projects.syntax import tree_of

_CALLS = words.TABLES["values"]  # what a call of a name gives
_FIXED = {"constant", "alias", "class"}  # kinds that nobody can change
# what an expression is made of, and what a display holds
_MADE_OF: dict[type, tuple[str, ...]] = {
    ast.Tuple: ("elts",), ast.UnaryOp: ("operand",), ast.BinOp: ("left", "right"), ast.IfExp: ("body", "orelse"),
}  # fmt: skip
_HELD: dict[type, str] = {
    ast.Tuple: "elts", ast.List: "elts", ast.Set: "elts", ast.Dict: "values", ast.ListComp: "elt", ast.SetComp: "elt",
    ast.GeneratorExp: "elt", ast.DictComp: "value",
}  # fmt: skip


@dataclass(frozen=True)
class ClassFacts:
    """A trusted class: ``level`` are names bound in its body that are no functions; ``setters`` have properties."""

    name: str
    path: str
    node: ast.ClassDef
    methods: frozenset[str]
    level: Mapping[str, ast.expr | None]
    setters: frozenset[str]
    stored: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """All that its objects have."""
        return self.methods | self.stored | frozenset(self.level)

    @property
    def fields(self) -> list[str]:
        """Names that its body declares with a type, as a data class or a named tuple does."""
        return [n.target.id for n in self.node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]


@dataclass
class ModuleFacts:
    """One trusted file, and what the reference has at its place."""

    path: str
    trees: tuple[ast.Module, ...]  # the untouched file's, and the reference's
    classes: dict[str, ClassFacts] = field(default_factory=dict)
    functions: dict[str, list[Def]] = field(default_factory=lambda: defaultdict(list))
    values: dict[str, list[ast.expr]] = field(default_factory=lambda: defaultdict(list))
    imports: dict[str, set[tuple[str, str, int]]] = field(default_factory=lambda: defaultdict(set))
    others: set[str] = field(default_factory=set)
    defs: list[Def] = field(default_factory=list)  # its functions, and the methods of its classes
    harmful: set[str] | None = None  # imports that no function may use without being a tool, once they are known
    changed: set[str] = field(default_factory=set)  # names and attributes whose content its functions change
    globals: set[str] = field(default_factory=set)  # that its functions declare
    kept: set[tuple[str, str]] = field(default_factory=set)  # attribute, and the name whose value it is set to

    def __post_init__(self) -> None:
        for tree in self.trees:
            for node in here(tree.body):
                self._note(node)

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.ClassDef):
            methods = [self._define(item, node.name) for item in here(node.body) if isinstance(item, FunctionNode)]
            new = class_facts(node, self.path, methods)
            self.classes[node.name] = merged(self.classes[node.name], new) if node.name in self.classes else new
        elif isinstance(node, FunctionNode):
            self.functions[node.name].append(self._define(node, ""))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for local, what in imported(node):
                self.imports[local].add(what)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Tuple) and _are_numbers(node.value):
                    self.values.update({n.id: [ast.Constant(0)] for n in target.elts if isinstance(n, ast.Name)})
                    continue
                for name in walk(target):
                    if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store) and node.value is not None:
                        whole = name is target
                        self.values[name.id].append(node.value) if whole else self.others.add(name.id)
        elif isinstance(node, ast.For | ast.AugAssign | ast.NamedExpr):
            self.others.update(n.id for n in walk(node.target) if isinstance(n, ast.Name))
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self.others.update(n.id for n in walk(node.optional_vars) if isinstance(n, ast.Name))
        elif isinstance(node, ast.ExceptHandler) and node.name:
            self.others.add(node.name)

    def _define(self, node: FunctionNode, owner: str) -> Def:
        one = gather(node, self.path, owner)
        self.defs.append(one)
        self.changed |= one.changed
        self.globals |= one.globals
        self.kept |= one.kept
        return one

    @cached_property
    def uses(self) -> frozenset[tuple[str, str]]:
        """``(name, attribute)`` as its functions use them."""
        return frozenset(pair for one in self.defs for pair in one.uses)

    @cached_property
    def names(self) -> frozenset[str]:
        """All that the module binds."""
        return frozenset(
            name for table in (self.classes, self.functions, self.values, self.imports, self.others) for name in table
        )


def class_facts(node: ast.ClassDef, path: str, defs: Iterable[Def]) -> ClassFacts:
    """What a class defines, its methods' stores included."""
    methods, setters = set(), set()
    stored = {name for one in defs for name in one.stores}
    level: dict[str, ast.expr | None] = {}
    for item in here(node.body):
        if isinstance(item, FunctionNode):
            methods.add(item.name)
            if any(isinstance(d, ast.Attribute) and d.attr == "setter" for d in item.decorator_list):
                setters.add(item.name)
        elif isinstance(item, ast.Assign | ast.AnnAssign):
            for target in item.targets if isinstance(item, ast.Assign) else [item.target]:
                level.update({n.id: item.value for n in walk(target) if isinstance(n, ast.Name)})
    if isinstance(slots := level.get("__slots__"), ast.expr):
        stored |= {c.value for c in walk(slots) if isinstance(c, ast.Constant) and isinstance(c.value, str)}
    kept = stored - methods | setters & stored
    return ClassFacts(node.name, path, node, frozenset(methods), level, frozenset(setters), frozenset(kept))


def merged(one: ClassFacts, two: ClassFacts) -> ClassFacts:
    """The untouched class and the reference's."""
    methods, setters = one.methods | two.methods, one.setters | two.setters
    stored = (one.stored | two.stored) - (methods - setters)
    return ClassFacts(one.name, one.path, two.node, methods, {**one.level, **two.level}, setters, stored)


def _are_numbers(value: ast.expr | None) -> bool:
    """``range(3)`` or ``(1, "a")``, of which several names get one each."""
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id == "range"
    return isinstance(value, ast.Tuple) and all(isinstance(one, ast.Constant) for one in value.elts)


IsConstant = Callable[[ast.Call], bool]


def value_kind(value: ast.expr | None, is_constant: IsConstant = lambda call: False) -> Binding:
    """Whether a value that trusted code binds can be changed by who holds it.

    Args:
        value: The expression.
        is_constant: Whether a call of the project's function or class gives what nobody can change.
    """
    kind = type(value)
    if value is None or kind in (ast.Constant, ast.JoinedStr, ast.Lambda, ast.Compare):
        return Binding("constant")
    if kind in _MADE_OF:
        is_fixed = _are_fixed(parts(value, _MADE_OF[kind]), is_constant)
        return Binding("constant") if is_fixed else Binding("table", nested=True)
    if kind in _HELD and kind is not ast.GeneratorExp:
        return Binding("table", nested=_nested(value, is_constant))
    if isinstance(value, ast.Name | ast.Attribute):
        return Binding("alias")
    if isinstance(value, ast.Subscript):  # ``Union[int, str]``
        is_type = root(value) in library.TYPES["typing"] | {"list", "dict", "t"}
        return Binding("constant" if is_type else "object")
    if not isinstance(value, ast.Call) or is_constant(value):
        return Binding("constant" if isinstance(value, ast.Call) else "object")
    name = last_name(value.func)
    of_text = isinstance(value.func, ast.Attribute) and (
        name in _CALLS["text"] or isinstance(value.func.value, ast.Constant)
    )
    if name in _CALLS["table"] and not of_text:
        given = [*value.args, *(keyword.value for keyword in value.keywords)]
        return Binding("table", nested=any(_nested(argument, is_constant) for argument in given))
    kinds = [kind for kind in ("constant", "logger", "class") if name in _CALLS[kind]]
    return Binding("constant" if of_text else (kinds or ["object"])[0])


def _are_fixed(values: Iterable[ast.expr], is_constant: IsConstant) -> bool:
    return all(value_kind(value, is_constant).kind in _FIXED for value in values)


def _nested(value: ast.expr, is_constant: IsConstant) -> bool:
    """Whether what a display holds can itself be changed."""
    if type(value) in _HELD:
        return not _are_fixed(parts(value, [_HELD[type(value)]]), is_constant)
    if isinstance(value, ast.Subscript):
        return _nested(value.value, is_constant)
    if isinstance(value, ast.BinOp):
        return _nested(value.left, is_constant) or _nested(value.right, is_constant)
    if isinstance(value, ast.Call) and getattr(value.func, "id", "") in _CALLS["pass_on"]:
        return any(_nested(argument, is_constant) for argument in value.args)
    return not isinstance(value, ast.Constant | ast.Name | ast.Attribute)


@lru_cache(maxsize=128)
def module_facts(path: str, texts: tuple[str, ...]) -> ModuleFacts:
    """What a trusted file, and what the reference has at its place, define; what does not parse defines nothing."""
    return ModuleFacts(path, tuple(tree for text in texts if (tree := tree_of(text)) is not None))
