"""A candidate's file beside a trusted version of it: what was changed, added or dropped."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from blampert_env.grading.triage import units as layout
from blampert_env.grading.triage import words
from blampert_env.grading.triage.facts import ClassFacts
from blampert_env.grading.triage.flow import Def, gather
from blampert_env.grading.triage.looking import TYPE, VALUE
from blampert_env.grading.triage.scopes import LOCAL, Binding, FunctionNode, last_name, same
from blampert_env.grading.triage.statements import Statements
from blampert_env.grading.triage.units import Unit
from blampert_env.grading.triage.view import FileView

_ACCESSORS = frozenset(["setter", "getter", "deleter"])
_NEW_CLASS = Binding("class", "edit")
_BLOCKS = (ast.If, ast.Try, ast.With, ast.For, ast.While)


class Comparison:
    """One file of a candidate beside a trusted version of it."""

    def __init__(self, view: FileView, trusted: Mapping[str, set[str]]) -> None:
        self._view = view
        self._trusted = trusted
        self.reasons: list[tuple[int, str]] = []
        self._functions: list[tuple[FunctionNode, FunctionNode | None, ClassFacts | None]] = []
        self._others: list[ast.stmt] = []

    def text(self, units: Sequence[Unit], text: str) -> bool:
        """Compare text; False if it cannot be told apart from here."""
        gap = layout.gap(units, text)
        if len(gap.units) == 1 and gap.units[0].inside is not None and gap.text.startswith(gap.units[0].inside[0]):
            header, indent, members = gap.units[0].inside
            inner = layout.gap(members, gap.text[len(header) :], gap.line + header.count("\n"))
            body = layout.statements(inner, indent)
            node = gap.units[0].nodes[0]
            if body is not None and isinstance(node, ast.ClassDef):
                self.block(inner.units, body, f"{node.name}.", self._view.module.classes.get(node.name))
                return True
        body = layout.statements(gap)
        if body is not None:
            self.block(gap.units, body, "", None)
        return body is not None

    def block(self, units: Sequence[Unit], body: Sequence[ast.stmt], prefix: str, owner: ClassFacts | None) -> None:
        """Compare statements of the same block."""
        self._pair([node for unit in units for node in unit.nodes], body, prefix, owner)

    def _pair(self, old: Sequence[ast.stmt], new: Sequence[ast.stmt], prefix: str, owner: ClassFacts | None) -> None:
        keys = [_key(node) for node in old]
        position = 0
        for node in new:
            key = _key(node)
            try:
                found = keys.index(key, position)
            except ValueError:
                self._added(node, prefix, owner)
                continue
            self._dropped(old[position:found])
            position = found + 1
            self._changed(old[found], node, prefix, owner)
        self._dropped(old[position:])

    def _dropped(self, nodes: Sequence[ast.stmt]) -> None:
        for node in nodes:
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
                self.why(node, "what the project has here is gone")

    def why(self, node: ast.AST, text: str) -> None:
        """Note a reason."""
        self.reasons.append((getattr(node, "lineno", 1), text))

    def _is_trusted(self, node: ast.stmt, prefix: str) -> bool:
        known = self._trusted.get(f"{prefix}{getattr(node, 'name', '')}") if self._trusted else None
        return known is not None and ast.dump(node) in known

    def _changed(self, old: ast.stmt, new: ast.stmt, prefix: str, owner: ClassFacts | None) -> None:
        if same(old, new) or self._is_trusted(new, prefix):
            return
        if isinstance(old, FunctionNode) and isinstance(new, FunctionNode):
            if isinstance(old, ast.AsyncFunctionDef) != isinstance(new, ast.AsyncFunctionDef):
                self.why(new, "becomes a coroutine, or no longer is one")
            self._functions.append((new, old, owner))
        elif isinstance(old, ast.ClassDef) and isinstance(new, ast.ClassDef):
            if _header(old) != _header(new):
                self.why(new, f"changes what class {new.name} is made of")
            self._pair(old.body, new.body, f"{prefix}{new.name}.", self._view.module.classes.get(new.name))
        else:
            for name in ("body", "orelse", "finalbody"):
                self._pair(getattr(old, name, []), getattr(new, name, []), prefix, owner)
            for mine, theirs in zip(getattr(old, "handlers", []), getattr(new, "handlers", []), strict=True):
                self._pair(mine.body, theirs.body, prefix, owner)

    def _added(self, node: ast.stmt, prefix: str, owner: ClassFacts | None) -> None:
        if self._is_trusted(node, prefix):
            return
        project = self._view.project
        if isinstance(node, FunctionNode):
            if owner is not None:
                taken = (
                    words.is_dunder(node.name) or project.is_shared(node.name) or node.name in project.tests.mentioned
                )
                taken = taken or node.name in words.BUILTIN_METHODS
                self._view.new_methods.add(node.name)
            else:
                taken = self._is_taken(node.name)
                self._view.add_function(node.name)
            if taken and not (words.is_dunder(node.name) and owner is not None):
                self.why(node, f"adds {node.name}, a name that means something already")
            self._functions.append((node, None, owner))
        elif owner is not None or prefix:
            if not (
                isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            ):
                self.why(node, "adds to a class what is no method")
        else:
            self._others.append(node)

    def _is_taken(self, name: str) -> bool:
        project = self._view.project
        return (
            words.is_dunder(name)
            or name in words.BUILTIN_NAMES
            or name in self._view.module.names
            or name in project.tests.mentioned
            or name.startswith(("test", "Test", "pytest_", "setup_", "teardown_"))
            or (project.tests.has_star and not name.startswith("_"))
        )

    def finish(self) -> None:
        """Look at all that was added or changed, now that its names are known."""
        for node in self._others:
            self._statement(node)
        edited = [gather(one, self._view.path, owner.name if owner else "") for one, _, owner in self._functions]
        self._view.edit_stores = frozenset(name for one in edited if one.owner for name in one.stores)
        for function, twin, owner in self._functions:
            rules = Statements(self._view)
            rules.function(function, twin, owner)
            self.reasons += rules.reasons
        self._check_powered(edited)
        for handler in self._view.turned if self._view.swallows else ():
            self.why(handler, "turns what tests raise into what is caught")

    def _check_powered(self, edited: Sequence[Def]) -> None:
        """A function that does by name what its caller says is never called with names of the edit's own."""
        powered = frozenset(self._view.powered)
        names = {key.rpartition("::")[2].rpartition(".")[2] for key in powered}
        for one in edited if powered else ():
            unsure = self._called_with_its_own(one)
            uses = {pair for pair in one.uses if pair[1] in unsure}
            rest = replace(one, loads=one.loads & unsure, attributes=one.attributes & unsure, uses=uses)
            if names & unsure or self._view.project.tools.reaches([rest], powered):
                self.why(one.node, "may call what does by name what it is told")

    def _called_with_its_own(self, one: Def) -> set[str]:
        """Names that a function of the edit calls with more than it was given, or does not call at once."""
        given = self._view.givens.get(one.key)
        counts = Counter(last_name(node) for node in ast.walk(one.node) if isinstance(node, ast.Name | ast.Attribute))
        for call in one.calls if given is not None else ():
            every = [*call.args, *(keyword.value for keyword in call.keywords)]
            if isinstance(call.func, ast.Attribute):
                base = call.func.value
                known = self._view.binding(base.id) if isinstance(base, ast.Name) else None
                every += [] if known is not None and known.kind == "own module" else [base]
            if all(given is not None and given.of(value, 1) is not None for value in every):
                counts[last_name(call.func)] -= 1
        return {name for name, count in counts.items() if count > 0}

    def _statement(self, node: ast.stmt) -> None:
        """A statement that the edit adds at the top of the file."""
        rules = Statements(self._view)
        names: list[str] = []
        if isinstance(node, ast.Import | ast.ImportFrom):
            new = rules.check_import(node)
            self._view.new.update(new)
            names = list(new)
            same = {name for name in names if self._view.project.resolve(self._view.path, name) == new[name]}
            names = [name for name in names if name not in same]
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            if len(names) != len(targets):
                rules.why(node, "binds more than a name at the top")
            if isinstance(node, ast.AnnAssign):
                rules.look(node.annotation, TYPE)
            rules.look(node.value, VALUE)
            rules.no_walrus([node])
            self._view.new.update(dict.fromkeys(names, LOCAL))
        elif isinstance(node, ast.ClassDef):
            rules.new_class(node)
            names = [node.name]
            self._view.new[node.name] = _NEW_CLASS
        elif not (isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))):
            rules.why(node, f"runs {type(node).__name__} at the top of the file")
        for name in names:
            if self._is_taken(name):
                rules.why(node, f"binds {name}, a name that means something already")
        self.reasons += rules.reasons


def _key(node: ast.stmt) -> tuple[str, str]:
    if isinstance(node, FunctionNode):
        return "def", f"{node.name}{_accessor(node)}"
    if isinstance(node, ast.ClassDef):
        return "class", node.name
    if isinstance(node, _BLOCKS):
        return type(node).__name__, _head_of_block(node)
    return "other", ast.dump(node)


def _accessor(node: FunctionNode) -> str:
    return "".join(f"@{d.attr}" for d in node.decorator_list if isinstance(d, ast.Attribute) and d.attr in _ACCESSORS)


def _head_of_block(node: ast.stmt) -> str:
    parts = []
    for name, value in ast.iter_fields(node):
        if name == "handlers":
            parts += [ast.dump(h.type) if h.type else "" for h in value] + [str(h.name) for h in value]
        elif isinstance(value, ast.AST):
            parts.append(ast.dump(value))
        elif name == "items":
            parts += [ast.dump(item) for item in value]
    return "|".join(parts)


def _header(node: ast.ClassDef) -> str:
    return "|".join(ast.dump(part) for part in (*node.bases, *node.keywords, *node.decorator_list))
