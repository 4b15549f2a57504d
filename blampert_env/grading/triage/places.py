"""Where a trusted function by itself does by name, by text or by path what plain code may not."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from blampert_env.grading.triage import library, words
from blampert_env.grading.triage.facts import ModuleFacts
from blampert_env.grading.triage.flow import Def, Import
from blampert_env.grading.triage.liars import is_liar
from blampert_env.grading.triage.scopes import MODULES, Binding, last_name, root, walk

ALWAYS = "*"  # whatever it is given
ANY = "?"  # any of its arguments
SOFT, SET, PATH = range(3)  # dangerous are: names that lead out; whatever is set; any text, and a number, too
Sinks = dict[str, int]  # by parameter
Place = tuple[tuple[ast.expr, ...], int]


class Names(Protocol):
    """What names mean in a project."""

    @property
    def files(self) -> Mapping[str, ModuleFacts]:
        """What each trusted file defines."""

    def resolve(self, path: str, name: str) -> Binding | None:
        """What a name at the top of a file stands for."""

    def member(self, base: Binding, name: str) -> Binding:
        """What an attribute of a module stands for."""

    def is_own(self, module: str) -> bool:
        """Whether a module is the project's."""


class Places:
    """The dangerous places of trusted functions."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[Def, list[Place]] = {}

    def of(self, one: Def) -> list[Place]:
        """Dangerous places of the function itself; nothing but ``()`` where it is a tool whatever it is given."""
        if one not in self._known and one.node.name in words.OUT_OF_REACH:
            self._known[one] = []
        elif one not in self._known:
            self._known[one] = [((), PATH)] if self._is_always(one) else [p for p in self._dangerous(one) if p[0]]
        return self._known[one]

    def _is_always(self, one: Def) -> bool:
        free, called = one.loads - one.local, {id(call.func) for call in one.calls}
        imports = self._names.files[one.path].imports
        return bool(
            free & (words.TOOL_NAMES | self._harmful_imports(one.path))
            or any(map(is_liar, one.classes))
            or any(_swallows(one, node) for node in one.tries)
            or any(self._is_module(one, value) for value in one.returns)
            or any(map(self._is_harmful, one.imports.values()))
            or any(self._is_odd(one, node) for node in one.odd)
            or any(
                what[0] in library.PARTLY and not what[1] and self._is_harmful((what[0], name, 0))
                for base, name in one.uses
                for what in ({one.imports[base]} if base in one.imports else imports.get(base, ()))
            )
            or any(
                isinstance(node, ast.Name) and node.id in words.CALLED_BY_TEXT and id(node) not in called
                for node in (walk(one.node) if free & words.CALLED_BY_TEXT else ())
            )
        )

    def _is_module(self, one: Def, value: ast.expr) -> bool:
        if not isinstance(value, ast.Name) or value.id in one.local or value.id in one.given:
            return False
        known = self._names.resolve(one.path, value.id)
        return known is not None and known.kind in (*MODULES, "bad")

    def _is_odd(self, one: Def, node: ast.Attribute | ast.Subscript) -> bool:
        """Whether a special attribute is used as no harmless function does."""
        if isinstance(node, ast.Subscript):
            return False
        name, called = node.attr, [call.func for call in one.calls]
        if isinstance(node.value, ast.Name) and node.value.id == "sys":
            return name not in library.HARMLESS_SYS
        if name == "__mro__":
            return bool(one.returns)
        if name in words.NAMED_BY_ARGUMENT:
            kinds = [call.args[1] for call in one.calls if root(call) == "isinstance" and len(call.args) == 2]
            return node not in called and not any(node in walk(kind) for kind in kinds)
        if name == "__dict__":
            held = [func.value for func in called if isinstance(func, ast.Attribute)]
            return node not in held and not any(isinstance(o, ast.Subscript) and o.value is node for o in one.odd)
        return name not in words.HARMLESS_TO_READ or not isinstance(node.ctx, ast.Load)

    def _is_harmful(self, what: Import) -> bool:
        """Whether an import may do more than plain code may; of some modules it is looked at what is used of them."""
        module, member, level = what
        if level or (module in library.PARTLY and not member):
            return False
        return library.is_harmful(module, member, level) and not self._names.is_own(module)

    def _harmful_imports(self, path: str) -> set[str]:
        module = self._names.files[path]
        if module.harmful is None:
            module.harmful = {name for name, targets in module.imports.items() if any(map(self._is_harmful, targets))}
        return module.harmful

    def _dangerous(self, one: Def) -> Iterator[Place]:
        for node in one.odd:
            if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
                yield (node.slice,), SOFT if isinstance(node.ctx, ast.Load) else SET
        for call in one.calls:
            func, name = call.func, last_name(call.func)
            given = (*call.args, *(keyword.value for keyword in call.keywords))
            names = tuple(node for node in given if not words.is_safe_name(node))
            if isinstance(func, ast.Name) and name in ("getattr", "setattr", "delattr"):
                if any(isinstance(node, ast.Constant) and node.value in words.NEVER_GOT for node in call.args[1:2]):
                    yield (ast.Name(ALWAYS),), PATH
                where = call.args[1:2] if not _is_starred(call.args[:2]) else call.args
                yield tuple(node for node in where if node in names), SOFT if name == "getattr" else SET
            elif isinstance(func, ast.Attribute) and name in ("format", "format_map"):
                if not isinstance(func.value, ast.Constant):
                    yield (func.value,), SOFT
            elif (
                (name in words.DOES_TEXT and not (name == "compile" and isinstance(func, ast.Attribute)))
                or (name == "signature" and (call.keywords or len(call.args) != 1))
                or (name == "type" and (len(call.args) > 1 or _is_starred(call.args)))
                or self._takes_path(one, func, name)
            ):
                yield given, PATH
            elif name in words.NAMED_BY_ARGUMENT:
                yield names, SET if name.startswith("__") else SOFT
            elif isinstance(func, ast.Attribute) and last_name(func.value) == "__dict__":
                yield names, SET

    def _takes_path(self, one: Def, func: ast.expr, name: str) -> bool:
        if name not in library.TAKE_PATHS:
            return False
        if isinstance(func, ast.Name):
            targets = self._names.files[one.path].imports.get(name, set())
            return any(what[0] in ("os", "os.path") for what in targets)
        return root(func) in ("os", "path")


def arguments(call: ast.Call, given: list[str], name: str, hard: int) -> tuple[ast.expr, ...]:
    """What a call hands a parameter; all that it hands, where that cannot be told."""
    name = name.removesuffix("()")
    every = (*call.args, *(keyword.value for keyword in call.keywords))
    named = tuple(keyword.value for keyword in call.keywords if keyword.arg == name)
    if name == ANY or named:
        return named or every
    positional = [known for known in given if known[0] != "*"]
    if f"*{name}" in given:
        return (*call.args[len(positional) :], *(node for node in call.args if isinstance(node, ast.Starred)))
    if name not in given:  # the names of keywords, too, where it takes them all
        found = [keyword for keyword in call.keywords if keyword.arg not in given]
        names = [keyword.arg for keyword in found if hard or words.is_dunder(keyword.arg or "")]
        return (*(keyword.value for keyword in found), *(ast.Constant(named_so) for named_so in names))
    position = given.index(name)
    if position < len(call.args) and not _is_starred(call.args[: position + 1]):
        return (call.args[position],)
    return every if _is_starred(call.args) or any(keyword.arg is None for keyword in call.keywords) else ()


def _swallows(one: Def, node: ast.Try) -> bool:
    """Whether a function calls what it is given, and goes on whatever that raises: a failed assertion, say."""
    goes_on = [handler for handler in node.handlers if not isinstance(handler.body[-1], ast.Raise)]
    kinds = [ast.Name("Exception") if handler.type is None else handler.type for handler in goes_on]
    if not any(getattr(name, "id", "") in words.BROAD | {"BaseException"} for kind in kinds for name in walk(kind)):
        return False
    calls = [inner for part in node.body for inner in walk(part) if isinstance(inner, ast.Call)]
    return any(isinstance(call.func, ast.Name) and call.func.id in {*one.given, *one.inner} for call in calls)


def _is_starred(nodes: Iterable[ast.expr]) -> bool:
    return any(isinstance(node, ast.Starred) for node in nodes)
