"""A candidate's file beside a trusted version of it: what was changed, added or dropped."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from blampert_env.grading.triage import words
from blampert_env.grading.triage.definitions import Definitions
from blampert_env.grading.triage.facts import ClassFacts
from blampert_env.grading.triage.flow import Def, gather
from blampert_env.grading.triage.looking import TYPE, VALUE
from blampert_env.grading.triage.pieces import Piece
from blampert_env.grading.triage.scopes import LOCAL, Binding, FunctionNode, last_name, same, walk
from blampert_env.grading.triage.view import FileView

_ACCESSORS = frozenset(["setter", "getter", "deleter"])
_BLOCKS = (ast.ClassDef, ast.If, ast.Try, ast.With, ast.For, ast.While)
_INSIDE = ("body", "orelse", "finalbody")


class Comparison:
    """One file of a candidate beside a trusted version of it.

    Args:
        view: What the edit may know.
        trusted: Dumps of the reference's statements, see :func:`dumps`.
    """

    def __init__(self, view: FileView, trusted: Mapping[str, set[str]]) -> None:
        self._view, self._trusted = view, trusted
        self._functions: list[tuple[FunctionNode, FunctionNode | None, ClassFacts | None]] = []
        self._others: list[ast.stmt] = []
        self.reasons: list[tuple[int, str]] = []

    def why(self, node: ast.AST, text: str) -> None:
        """Note a reason."""
        self.reasons.append((getattr(node, "lineno", 1), text))

    def piece(self, piece: Piece) -> None:
        """Compare what differs, and look at it once all its names are known."""
        owner = self._view.module.classes.get(piece.owner)
        self._pair(piece.old, piece.new, f"{piece.owner}." if piece.owner else "", owner)
        for node in self._others:
            self._statement(node)
        edited = [gather(one, self._view.path, owner.name if owner else "") for one, _, owner in self._functions]
        self._view.edit_stores = frozenset(name for one in edited if one.owner for name in one.stores)
        for one, (_, twin, owner) in zip(edited, self._functions, strict=True):
            rules = Definitions(self._view)
            rules.function(one, twin, owner)
            self.reasons += rules.reasons
        self._check_powered(edited)
        for handler in self._view.turned if self._view.swallows else ():
            self.why(handler, "turns what tests raise into what is caught")

    def _pair(self, old: Sequence[ast.stmt], new: Sequence[ast.stmt], prefix: str, owner: ClassFacts | None) -> None:
        keys = [_key(node) for node in old]
        position = 0
        for node in new:
            try:
                found = keys.index(_key(node), position)
            except ValueError:
                self._added(node, prefix, owner)
                continue
            self._dropped(old[position:found])
            position = found + 1
            self._changed(old[found], node, prefix, owner)
        self._dropped(old[position:])

    def _dropped(self, nodes: Sequence[ast.stmt]) -> None:
        for node in nodes:
            if not _is_text(node):
                self.why(node, "what the project has here is gone")

    def _is_trusted(self, node: ast.stmt, prefix: str) -> bool:
        return bool(self._trusted) and ast.dump(node) in self._trusted.get(f"{prefix}{getattr(node, 'name', '')}", ())

    def _changed(self, old: ast.stmt, new: ast.stmt, prefix: str, owner: ClassFacts | None) -> None:
        if same(old, new) or self._is_trusted(new, prefix):
            return
        if isinstance(old, FunctionNode) and isinstance(new, FunctionNode):
            self._functions.append((new, old, owner))
            return
        if isinstance(new, ast.ClassDef):
            prefix, owner = f"{prefix}{new.name}.", self._view.module.classes.get(new.name)
        for name in _INSIDE:
            self._pair(getattr(old, name, []), getattr(new, name, []), prefix, owner)
        for mine, theirs in zip(getattr(old, "handlers", []), getattr(new, "handlers", []), strict=True):
            self._pair(mine.body, theirs.body, prefix, owner)

    def _added(self, node: ast.stmt, prefix: str, owner: ClassFacts | None) -> None:
        if self._is_trusted(node, prefix):
            return
        if isinstance(node, FunctionNode):
            project, name = self._view.project, node.name
            if owner is None:
                self._check_taken(node, name)
                self._view.new[name] = Binding("function", "edit")
            else:
                self._view.new_methods.add(name)
                if not words.is_dunder(name) and (
                    project.is_shared(name) or name in project.tests.mentioned or name in words.BUILTIN_METHODS
                ):
                    self.why(node, f"adds {name}, a name that means something already")
            self._functions.append((node, None, owner))
        elif owner is None and not prefix:
            self._others.append(node)
        elif not _is_text(node):
            self.why(node, "adds to a class what is no method")

    def _check_taken(self, node: ast.AST, name: str) -> None:
        tests = self._view.project.tests
        if (
            words.is_dunder(name)
            or name in words.BUILTIN_NAMES
            or name in self._view.module.names
            or name in tests.mentioned
            or name.startswith(("test", "Test", "pytest_", "setup_", "teardown_"))
            or (tests.has_star and not name.startswith("_"))
        ):
            self.why(node, f"binds {name}, a name that means something already")

    def _statement(self, node: ast.stmt) -> None:
        """A statement that the edit adds at the top of the file."""
        rules, view = Definitions(self._view), self._view
        names: dict[str, Binding] = {}
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound = rules.check_import(node)
            view.new.update(bound)
            names = {name: one for name, one in bound.items() if view.project.resolve(view.path, name) != one}
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id: LOCAL for target in targets if isinstance(target, ast.Name)}
            if len(names) != len(targets):
                rules.why(node, "binds more than a name at the top")
            if isinstance(node, ast.AnnAssign):
                rules.look(node.annotation, TYPE)
            rules.look(node.value, VALUE)
            rules.no_walrus([node])
        elif isinstance(node, ast.ClassDef):
            rules.on_classdef(node)
            names = {node.name: Binding("class", "edit")}
        elif not _is_text(node):
            rules.why(node, f"runs {type(node).__name__} at the top of the file")
        view.new.update(names)
        self.reasons += rules.reasons
        for name in names:
            self._check_taken(node, name)

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
        counts = Counter(last_name(node) for node in walk(one.node) if isinstance(node, ast.Name | ast.Attribute))
        for call in one.calls if given is not None else ():
            every = [*call.args, *(keyword.value for keyword in call.keywords)]
            if isinstance(call.func, ast.Attribute):
                base = call.func.value
                known = self._view.binding(base.id) if isinstance(base, ast.Name) else None
                every += [] if known is not None and known.kind == "own module" else [base]
            if all(given is not None and given.of(value, 1) is not None for value in every):
                counts[last_name(call.func)] -= 1
        return {name for name, count in counts.items() if count > 0}


def dumps(body: Sequence[ast.stmt], block: str = "") -> dict[str, set[str]]:
    """Dumps of statements by qualified name; of those that define nothing under their block's."""
    found: dict[str, set[str]] = {}
    for node in body:
        name = f"{block}{getattr(node, 'name', '')}"
        found.setdefault(name, set()).add(ast.dump(node))
        if isinstance(node, ast.ClassDef):
            for inner, texts in dumps(node.body, f"{name}.").items():
                found.setdefault(inner, set()).update(texts)
    return found


def _is_text(node: ast.stmt) -> bool:
    """A docstring, or nothing at all."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _key(node: ast.stmt) -> str:
    """What is the same in both versions of a statement: all of it but what stands in blocks."""
    if isinstance(node, FunctionNode):
        accessors = [d.attr for d in node.decorator_list if isinstance(d, ast.Attribute) and d.attr in _ACCESSORS]
        return "@".join([type(node).__name__, node.name, *accessors])
    if not isinstance(node, _BLOCKS):
        return ast.dump(node)
    parts = [type(node).__name__]
    for name, value in ast.iter_fields(node):
        for part in value if isinstance(value, list) and name not in _INSIDE else [value]:
            if isinstance(part, ast.ExceptHandler):
                parts.append(f"{part.name} {ast.dump(part.type) if part.type else ''}")
            elif not isinstance(part, list):
                parts.append(ast.dump(part) if isinstance(part, ast.AST) else str(part))
    return "|".join(parts)
