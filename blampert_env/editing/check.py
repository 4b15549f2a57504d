"""What an edit may not do: name another place, change the interface, touch the neighbours."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Set
from functools import lru_cache

from blampert_env.errors import EditRejected, ProjectError
from blampert_env.projects import Project, Target
from blampert_env.projects.syntax import FunctionNode, functions, split_lines
from blampert_env.projects.target import signature_of


def resolve_target(project: Project, target_id: object) -> Target:
    """The target that an edit names.

    Raises:
        EditRejected: outside_project or unknown_target.
    """
    name = str(target_id)[:300]
    path = name.partition("::")[0]
    outside = path.startswith(("/", "~")) or "\\" in path or ".." in path.split("/")
    if outside or path.startswith("held_out/") or path in project.tests or path in project.support:
        raise EditRejected("outside_project", f"{path!r} may not be edited: edit one of {_listed(project)}")
    try:
        return project.target(name)
    except ProjectError as error:
        raise EditRejected("unknown_target", " ".join(str(error).split())) from None


def _listed(project: Project) -> str:
    return ", ".join(sorted({target.path for target in project.targets}))[:200]


def check_signature(original: FunctionNode, new: FunctionNode) -> None:
    """Refuse other parameter names, order, kinds or defaults, and async for sync; annotations may differ.

    Raises:
        EditRejected: signature_changed.
    """
    if _shape(original) != _shape(new):
        message = f"keep the signature {_short(signature_of(original))!r}; the edit has {_short(signature_of(new))!r}"
        raise EditRejected("signature_changed", message)


def _shape(node: FunctionNode) -> tuple[object, ...]:
    """Everything of a header that a caller could notice."""
    arguments = node.args
    return (
        isinstance(node, ast.AsyncFunctionDef),
        node.name,
        [[part.arg for part in group] for group in (arguments.posonlyargs, arguments.args, arguments.kwonlyargs)],
        [part.arg if part else None for part in (arguments.vararg, arguments.kwarg)],
        [ast.dump(default) for default in arguments.defaults],
        [ast.dump(default) if default else None for default in arguments.kw_defaults],
    )


def check_decorators(original: FunctionNode, new: FunctionNode) -> bool:
    """Whether the new decorators add to the original ones.

    Returns:
        False if the new code has none, or the same ones: then the original text is kept.

    Raises:
        EditRejected: decorators_changed: some are missing or in another order.
    """
    before = [ast.dump(decorator) for decorator in original.decorator_list]
    after = [ast.dump(decorator) for decorator in new.decorator_list]
    rest = iter(after)
    if after and not all(decorator in rest for decorator in before):
        kept = ", ".join(f"@{ast.unparse(decorator)}" for decorator in original.decorator_list)
        raise EditRejected(
            "decorators_changed", f"keep the decorators {_short(kept)} of {original.name!r} in this order"
        )
    return bool(after) and after != before


def check_neighbours(before: str, after: str, target: str, extras: Set[str]) -> None:
    """Make sure that nothing but the target and its helpers changed.

    Functions are compared by their text and their place: the same text at the same place is the same code.

    Args:
        before: The file as it was.
        after: The file as it would be.
        target: Qualified name of the function that may differ.
        extras: Qualified names of helpers that may be new or differ.

    Raises:
        EditRejected: misplaced.
    """
    old, new = _texts(before), _texts(after)
    changed = {name for name, _ in old.items() ^ new.items()}
    for name in sorted(changed - {target}):
        if not any(f"{name}.".startswith(f"{extra}.") for extra in extras):
            raise EditRejected("misplaced", f"the edit would change {name!r}: edit only {target!r}")


@lru_cache(maxsize=256)
def _texts(text: str) -> Mapping[str, str]:
    """Every function's text without its last line end: the file's last line may get one."""
    lines = split_lines(text)
    return {
        function.qualname: "".join(lines[function.first - 1 : function.last]).rstrip("\r\n")
        for function in functions(text)
    }


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:197] + "..."
