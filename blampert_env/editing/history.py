"""History: what earlier edits added to a file, who uses it, and what of it nobody needs any more.

It is read off the untouched file and the file as it is. Without it, an import that fails, once it got in, would make
every later edit fail as well; and an LM could never correct its own helper.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from blampert_env.editing.names import (
    DEFINED,
    Origin,
    assigned_names,
    bound_name,
    import_origin,
    origins,
    rendered,
    used_names,
)
from blampert_env.projects.syntax import Function, functions, parse

Bound = Mapping[str, Set[Origin]]


@dataclass(slots=True)
class Leftovers:
    """What goes away.

    Attributes:
        helpers: Statements at the top of the file.
        members: Statements in the target's class.
        imports: Imports, each with the line that takes its place or None.
    """

    helpers: list[ast.stmt] = field(default_factory=list)
    members: list[ast.stmt] = field(default_factory=list)
    imports: list[tuple[ast.stmt, str | None]] = field(default_factory=list)


class History:
    """What a file and the target's class define now, against what they defined in the untouched project.

    Args:
        original: The target in the untouched project.
        current: The target in the file as it is.
        original_text: The untouched file.
        text: The file as it is.
    """

    def __init__(self, original: Function, current: Function, original_text: str, text: str) -> None:
        tree = parse(text)
        self._body = tree.body
        self._class_body = current.classes[-1].body if current.classes else []
        self.module: Bound = origins(tree)
        self.owner: Bound = origins(current.classes[-1]) if current.classes else {}
        self._first_module: Bound = origins(parse(original_text))
        self._first_owner: Bound = origins(original.classes[-1]) if original.classes else {}
        self._added = {*self.module} - {*self._first_module} | {*self.owner} - {*self._first_owner}
        self._helpers: dict[str, list[ast.AST]] = {}
        for statement in (*self._body, *self._class_body) if self._added else ():
            for name in self._added.intersection(assigned_names(statement)):
                self._helpers.setdefault(name, []).append(statement)
        self._used = self._closure(set()) if not self._added else self._used_by_others(text, current)

    @property
    def is_empty(self) -> bool:
        """Earlier edits added nothing."""
        return not self._added

    def _used_by_others(self, text: str, current: Function) -> set[str]:
        """Names that occur outside of the target, also in helpers that were added for others."""
        used: set[str] = set()
        for function in functions(text):
            is_added = self._added.intersection(function.qualname.split("@")[0].split("."))
            if not is_added and function.qualname != current.qualname:
                used = used.union(*used_names([function.node]))
        return self._closure(used)

    def _closure(self, names: Iterable[str]) -> set[str]:
        """The names and all that added helpers of these names use."""
        found = set(names)
        todo = [node for name in found for node in self._helpers.get(name, ())]
        while todo:
            more = set().union(*used_names([todo.pop()])) - found
            found |= more
            todo += [node for name in more for node in self._helpers.get(name, ())]
        return found

    def protected(self, present: Bound) -> set[str]:
        """Names of the module or the class that an edit may not define again.

        These are what the untouched project has there, imports, and helpers of earlier edits that others use.
        """
        first = self._first_module if present is self.module else self._first_owner
        return {
            name for name, sources in present.items() if name in first or name in self._used or sources != {DEFINED}
        }

    def leftovers(self, needed: set[str]) -> Leftovers:
        """What earlier edits added and neither other code nor the new code uses.

        Args:
            needed: Names and attributes that the new code and its helpers use.
        """
        gone = self._added - self._used - self._closure(needed)
        found = Leftovers(_all_gone(self._body, gone), _all_gone(self._class_body, gone))
        for statement in self._body if gone else ():
            if isinstance(statement, ast.Import | ast.ImportFrom):
                kept = [alias for alias in statement.names if not self._is_gone(statement, alias, gone)]
                if len(kept) < len(statement.names):
                    found.imports.append((statement, next(iter(rendered(statement, kept)), None)))
        return found

    def _is_gone(self, statement: ast.Import | ast.ImportFrom, alias: ast.alias, gone: set[str]) -> bool:
        name = bound_name(statement, alias)
        return name in gone and import_origin(statement, alias) not in self._first_module.get(name, set())


def _all_gone(body: list[ast.stmt], gone: set[str]) -> list[ast.stmt]:
    return [statement for statement in body if (names := assigned_names(statement)) and gone.issuperset(names)]
