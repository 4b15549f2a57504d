"""Extras: the imports, helpers and constants of a draft that the new code needs and the file lacks."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from blampert_env.editing.draft import Draft
from blampert_env.editing.history import History, Leftovers
from blampert_env.editing.names import assigned_names, bound_name, clashes, import_origin, rendered, used_names
from blampert_env.projects.syntax import Function, FunctionNode


@dataclass(slots=True)
class Extras:
    """What else changes in the file beside the function.

    Attributes:
        imports: Imports for the top of the file.
        local_imports: Imports whose name means something else in the file: they go into the function.
        helpers: Top-level statements to add, in the draft's order.
        members: Statements to add to the target's class.
        leftovers: What earlier edits left and nothing needs any more.
    """

    imports: list[str] = field(default_factory=list)
    local_imports: list[str] = field(default_factory=list)
    helpers: list[ast.stmt] = field(default_factory=list)
    members: list[ast.stmt] = field(default_factory=list)
    leftovers: Leftovers = field(default_factory=Leftovers)


def collect(draft: Draft, new: Function, original: Function, current: Function, texts: tuple[str, str]) -> Extras:
    """Pick what the new function needs, directly or through other helpers; all else in the draft is left out.

    Args:
        draft: Where to look.
        new: The new function in the draft.
        original: The target in the untouched project.
        current: The target in the file as it is.
        texts: The untouched file, and the file as it is.
    """
    history = History(original, current, *texts)
    extras = Extras()
    beside = [statement for statement in draft.body if not _contains(statement, new)]
    fellows = _members(beside, new) if current.classes else []
    if not beside and not fellows and history.is_empty:
        return extras
    helpers = _without(_definitions(beside), history.protected(history.module))
    members = _without(_definitions(fellows), history.protected(history.owner))
    code = [*new.node.body, *new.node.decorator_list]  # the original header stays: its annotations need nothing
    own, _ = used_names(code)
    names, attributes = _select(code, helpers, members, extras)
    taken = {name: set(sources) for name, sources in history.module.items()}
    for statement in draft.body:
        if not isinstance(statement, ast.Import | ast.ImportFrom) or getattr(statement, "module", "") == "__future__":
            continue
        top, local = [], []
        for alias in statement.names:
            name, origin = bound_name(statement, alias), import_origin(statement, alias)
            if name == "*":
                names.add(name)
            others = taken.get(name, set())
            if origin in others or name not in names:
                continue
            if name == "*" or not clashes(origin, others):
                top.append(alias)
                taken.setdefault(name, set()).add(origin)
            elif name in own:
                local.append(alias)
        extras.imports += rendered(statement, top)
        extras.local_imports += rendered(statement, local)
    extras.imports = list(dict.fromkeys(extras.imports))
    extras.local_imports = list(dict.fromkeys(extras.local_imports))
    extras.leftovers = history.leftovers(names | attributes)
    return extras


def _contains(statement: ast.stmt, function: Function) -> bool:
    """By position: a definition shares its line with no other statement."""
    return statement.lineno <= function.node.lineno <= (statement.end_lineno or statement.lineno)


def _definitions(statements: list[ast.stmt]) -> dict[str, ast.stmt]:
    """Name to the statement that defines it; the last one wins."""
    return {name: statement for statement in statements for name in assigned_names(statement)}


def _without(definitions: dict[str, ast.stmt], protected: set[str]) -> dict[str, ast.stmt]:
    return {
        name: statement for name, statement in definitions.items() if protected.isdisjoint(assigned_names(statement))
    }


def _members(beside: list[ast.stmt], new: Function) -> list[ast.stmt]:
    """What the draft defines for the target's class: in a class of that name, or as bare functions with ``self``."""
    if new.classes:
        return [statement for statement in new.classes[-1].body if statement is not new.node]
    return [statement for statement in beside if _takes_self(statement)]


def _takes_self(statement: ast.stmt) -> bool:
    if not isinstance(statement, FunctionNode):
        return False
    parameters = [*statement.args.posonlyargs, *statement.args.args]
    return bool(parameters) and parameters[0].arg in ("self", "cls")


def _select(
    code: list[ast.AST], helpers: dict[str, ast.stmt], members: dict[str, ast.stmt], extras: Extras
) -> tuple[set[str], set[str]]:
    """Follow the names from the new function; fill in helpers and members; return all names and attributes used."""
    todo = list(code)
    names: set[str] = set()
    all_attributes: set[str] = set()
    chosen: set[int] = set()
    while todo:
        used, attributes = used_names([todo.pop()])
        names |= used
        all_attributes |= attributes
        for statements, wanted, found in ((helpers, used, extras.helpers), (members, attributes, extras.members)):
            for name in wanted & statements.keys():
                statement = statements[name]
                if id(statement) not in chosen:
                    chosen.add(id(statement))
                    found.append(statement)
                    todo.append(statement)
    for found in (extras.helpers, extras.members):
        found.sort(key=lambda statement: statement.lineno)
    return names, all_attributes
