"""Where a trusted function by itself does by name, by text or by path what plain code may not."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from blampert_env.grading.triage import library, words
from blampert_env.grading.triage.facts import ModuleFacts
from blampert_env.grading.triage.flow import Def
from blampert_env.grading.triage.liars import is_liar
from blampert_env.grading.triage.scopes import Binding, root, walk

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
        if one not in self._known:
            self._known[one] = [((), PATH)] if self._is_always(one) else [p for p in self._dangerous(one) if p[0]]
        return self._known[one]

    def _is_always(self, one: Def) -> bool:
        if one.node.name in words.OUT_OF_REACH:
            return False
        free = one.loads - one.local
        if free & words.TOOL_NAMES or free & self._harmful_imports(one.path):
            return True
        if any(is_liar(node) for node in one.classes) or any(_swallows(one, node) for node in one.tries):
            return True
        if free & words.CALLED_BY_TEXT:
            called = {id(call.func) for call in one.calls}
            for node in walk(one.node):
                if isinstance(node, ast.Name) and node.id in words.CALLED_BY_TEXT and id(node) not in called:
                    return True
        for value in one.returns:
            if isinstance(value, ast.Name) and value.id not in one.local and value.id not in one.given:
                known = self._names.resolve(one.path, value.id)
                if known is not None and known.kind in ("module", "own module", "bad"):
                    return True
        for what in one.imports.values():
            if (
                library.is_harmful(*what)
                and not self._names.is_own(what[0])
                and (what[0] not in library.PARTLY or what[1])
            ):
                return True
        imports = self._names.files[one.path].imports
        for base, name in one.uses:
            targets = {one.imports[base]} if base in one.imports else imports.get(base, set())
            for module, member, _ in targets:
                if module in library.PARTLY and not member and library.is_harmful(module, name, 0):
                    return True
        return any(self._is_odd(one, node) for node in one.odd)

    def _is_odd(self, one: Def, node: ast.Attribute | ast.Subscript) -> bool:
        if isinstance(node, ast.Subscript):
            return False
        if isinstance(node.value, ast.Name) and node.value.id == "sys":
            return node.attr not in library.HARMLESS_SYS
        if node.attr == "__mro__":
            return bool(one.returns)
        if node.attr == "__wrapped__":
            return False
        if node.attr in words.HARMLESS_TO_READ:
            return not isinstance(node.ctx, ast.Load)
        if node.attr in words.NAMED_BY_ARGUMENT:
            kinds = [call.args[1] for call in one.calls if root(call) == "isinstance" and len(call.args) == 2]
            return not any(call.func is node for call in one.calls) and not any(
                inner is node for kind in kinds for inner in walk(kind)
            )
        if node.attr == "__dict__":
            held = {id(call.func.value) for call in one.calls if isinstance(call.func, ast.Attribute)}
            held |= {id(other.value) for other in one.odd if isinstance(other, ast.Subscript)}
            return id(node) not in held
        return True

    def _harmful_imports(self, path: str) -> set[str]:
        module = self._names.files[path]
        if module.harmful is None:
            module.harmful = {
                name
                for name, targets in module.imports.items()
                for what in targets
                if what[0] not in library.PARTLY or what[1]
                if library.is_harmful(*what) and not (what[2] or self._names.is_own(what[0]))
            }
        return module.harmful

    def _dangerous(self, one: Def) -> Iterator[Place]:
        if one.node.name in words.OUT_OF_REACH:
            return
        for node in one.odd:
            if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
                yield (node.slice,), SOFT if isinstance(node.ctx, ast.Load) else SET
        for call in one.calls:
            func = call.func
            name = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
            given = (*call.args, *(keyword.value for keyword in call.keywords))
            if name in ("getattr", "setattr", "delattr") and isinstance(func, ast.Name):
                if any(isinstance(node, ast.Constant) and node.value in words.NEVER_GOT for node in call.args[1:2]):
                    yield (ast.Name(ALWAYS),), PATH
                where = call.args[1:2] if not _is_starred(call.args[:2]) else call.args
                yield tuple(node for node in where if not words.is_safe_name(node)), SOFT if name == "getattr" else SET
            elif name in ("format", "format_map") and isinstance(func, ast.Attribute):
                if not isinstance(func.value, ast.Constant):
                    yield (func.value,), SOFT
            elif (
                (
                    name in ("eval", "exec", "compile", "__import__", "import_module", "get_type_hints", "open")
                    and not (name == "compile" and isinstance(func, ast.Attribute))
                )
                or (name == "signature" and (call.keywords or len(call.args) != 1))
                or (name == "type" and (len(call.args) > 1 or _is_starred(call.args)))
            ):
                yield given, PATH
            elif name in words.NAMED_BY_ARGUMENT:
                yield (
                    tuple(node for node in given if not words.is_safe_name(node)),
                    SET if name.startswith("__") else SOFT,
                )
            elif isinstance(func, ast.Attribute) and getattr(func.value, "attr", "") == "__dict__":
                yield tuple(node for node in given if not words.is_safe_name(node)), SET
            elif self._takes_path(one, func, name):
                yield given, PATH

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
