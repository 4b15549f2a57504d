"""Applies an edit: the target's lines are replaced, what it needs is added, every other byte stays."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from blampert_env.editing.check import check_neighbours, check_signature, resolve_target
from blampert_env.editing.draft import Draft, describe, find_function, read_draft
from blampert_env.editing.edit import Edit
from blampert_env.editing.extras import Extras, collect
from blampert_env.editing.function import compose, expected_body, same_meaning
from blampert_env.editing.layout import usual_unit
from blampert_env.editing.names import assigned_names
from blampert_env.editing.placement import BOM, spliced, splices
from blampert_env.editing.plain import plain_edit, remember
from blampert_env.errors import EditRejected
from blampert_env.projects import Project, Target
from blampert_env.projects.syntax import Function, check_compiles, functions, indent_of, parse, split_lines, unix


def apply_edit(project: Project, files: Mapping[str, str], edit: Edit, *, max_chars: int = 20_000) -> dict[str, str]:
    """Replace one target with the edit's code.

    The original header and decorators stay, as does the docstring if the new code has none. Imports, helpers and
    constants that the new code needs and the file lacks are added; everything else in the edit is left out. Helpers
    and imports that earlier edits added are replaced, or removed if nothing needs them any more, unless other code
    uses them. No other byte of the file changes.

    Args:
        project: The untouched project: it says what may be edited and what the interface is.
        files: Its sources as they are now, POSIX path to text; missing ones are taken from the project.
        edit: The target and its new code.
        max_chars: Longest text of an edit.

    Returns:
        All sources, with one of them changed (or none, if the edit changes nothing).

    Raises:
        EditRejected: The edit cannot be right; ``reason`` is one of :data:`REASONS`.
    """
    target = resolve_target(project, edit.target)
    result = {**project.sources, **files}
    try:
        draft = read_draft(edit, max_chars)
        result[target.path] = _edited(project.sources[target.path], result[target.path], target, draft)
    except RecursionError:
        raise EditRejected("syntax_error", "the edit is nested too deeply: write simpler code") from None
    except ValueError as error:  # a number that hexadecimal digits can write and decimal ones may not
        raise EditRejected("syntax_error", str(error).partition(";")[0]) from None
    return result


def _edited(original_text: str, text: str, target: Target, draft: Draft) -> str:
    """The file's new text."""
    new = find_function(draft, target.qualname)
    original = _find(original_text, target)
    edited = plain_edit(original_text, text, draft, new, original)
    return _placed(original_text, text, target, draft, new, original) if edited is None else edited


def _placed(original_text: str, text: str, target: Target, draft: Draft, new: Function, original: Function) -> str:
    """The file's new text with all that the new function needs, checked as a whole."""
    try:
        current = _find(text, target)
    except SyntaxError as error:
        raise EditRejected("misplaced", f"{target.path} as it is does not parse: {describe(error, text)}") from None
    check_signature(original.node, new.node)
    extras = collect(draft, new, original, current, (original_text, text))
    indent = indent_of(split_lines(text.removeprefix(BOM))[current.node.lineno - 1])
    wanted = expected_body(new, original, extras.local_imports)
    unit = usual_unit(original_text, split_lines(unix(original_text)))
    failure: SyntaxError | None = None
    for number, lines in enumerate(compose(draft, new, original, original_text, indent, extras.local_imports)):
        changes = splices(draft, extras, text, current, lines, indent, unit if number == 0 else "")
        candidate = spliced(text, changes)
        try:
            placed = _find(candidate, target)
            check_compiles(candidate)
        except SyntaxError as error:
            failure = failure or error
            continue
        check_neighbours(text, candidate, target.qualname, _qualified(extras, target))
        if _means(candidate, placed, extras, wanted):
            if extras == Extras():
                remember(original_text, text, candidate)
            return candidate
    if failure:
        raise EditRejected("syntax_error", re.sub(r"^line \d+: ", "", describe(failure, "")))
    raise EditRejected("misplaced", f"the edit cannot be put in the place of {target.qualname!r}: write it plainly")


def _means(candidate: str, function: Function, extras: Extras, wanted: list[ast.stmt]) -> bool:
    """Whether the function and its helpers still mean in the file what they meant in the edit."""
    if not same_meaning(function.node.body, wanted):
        return False
    owner = function.classes[-1].body if function.classes else []
    for statements, body in ((extras.helpers, parse(candidate).body), (extras.members, owner)):
        present = [part for part in body if assigned_names(part)] if statements else []
        if not all(any(same_meaning(statement, part) for part in present) for statement in statements):
            return False
    return True


def _qualified(extras: Extras, target: Target) -> set[str]:
    """Qualified names of all helpers."""
    helpers = [*extras.helpers, *extras.leftovers.helpers]
    members = [*extras.members, *extras.leftovers.members]
    top = {name for helper in helpers for name in assigned_names(helper)}
    return top | {f"{target.class_name}.{name}" for member in members for name in assigned_names(member)}


def _find(text: str, target: Target) -> Function:
    for function in functions(text):
        if function.qualname == target.qualname:
            return function
    raise EditRejected("misplaced", f"{target.path} as it is does not define {target.qualname!r}")
