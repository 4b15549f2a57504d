"""The functions that ``[tool.blampert] targets`` names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from blampert_env.errors import ProjectError
from blampert_env.projects.syntax import Function, functions
from blampert_env.projects.target import Target, find_targets, is_declaration, make_target

_WHERE = "pyproject.toml, [tool.blampert]: targets names"


def named_targets(names: Sequence[str], sources: Mapping[str, str], others: Iterable[str]) -> tuple[Target, ...]:
    """The targets with these names, in file order.

    Args:
        names: ``"pkg/mod.py::Class.method"`` each; the path may be left out where the rest is unique.
        sources: Path to text of the files that may hold targets.
        others: Paths of the project's other files.

    Raises:
        ProjectError: A name is unknown (the closest one is named), stands for several functions, or for one that has
            no body to write.
        SyntaxError: A source does not parse.
    """
    wanted = {_resolve(name, sources, others) for name in names}
    found = []
    for path, text in sources.items():
        if any(owner == path for owner, _ in wanted):
            waiting = {target.qualname: target for target in find_targets(path, text)}
            for function in functions(text):
                if (path, function.qualname) in wanted:
                    found.append(waiting.get(function.qualname) or make_target(path, text, function, "named"))
    return tuple(found)


def paths_in(names: Iterable[str]) -> set[str]:
    """The files that names with a path name."""
    return {name.rpartition("::")[0] for name in names} - {""}


def _resolve(name: str, sources: Mapping[str, str], others: Iterable[str]) -> tuple[str, str]:
    path, _, qualname = name.rpartition("::")
    if path and path not in sources:
        if path in set(others):
            raise ProjectError(f"{_WHERE} {name!r}, but {path} is no source: it belongs to the tests or the packaging")
        raise ProjectError(f"{_WHERE} {name!r}, but there is no {path}{_closest(path, sources)}")
    found = [
        (owner, function)
        for owner in ([path] if path else sources)
        for function in functions(sources[owner])
        if _fits(function, qualname)
    ]
    written = [(owner, function) for owner, function in found if not is_declaration(function)]
    if not found:
        known = {f"{owner}::{f.qualname}" for owner in ([path] if path else sources) for f in functions(sources[owner])}
        raise ProjectError(f"{_WHERE} {name!r}, which is not there{_closest(name, known)}")
    if not written:
        raise ProjectError(f"{_WHERE} {name!r}, which is abstract or an overload: name an implementation")
    if len(written) > 1:
        choices = ", ".join(f"{_numbered(function, owner)} (line {function.first})" for owner, function in written[:4])
        raise ProjectError(f"{_WHERE} {name!r}, which is there {len(written)} times: name one of {choices}")
    return written[0][0], written[0][1].qualname


def _fits(function: Function, qualname: str) -> bool:
    """Whether a function has this name; ``add@1`` is the first of several, ``add`` any of them."""
    plain, _, number = function.qualname.rpartition("@")
    if number.isdigit():
        return qualname in (function.qualname, plain)
    return qualname in (function.qualname, f"{function.qualname}@1")


def _numbered(function: Function, path: str) -> str:
    number = function.qualname.rpartition("@")[2]
    return f"{path}::{function.qualname}" if number.isdigit() else f"{path}::{function.qualname}@1"


def _closest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    if not close:  # only the last part was given
        close = [
            other
            for other in names
            if other.rpartition("::")[2]
            in difflib.get_close_matches(name, [other.rpartition("::")[2] for other in names], n=1)
        ][:1]
    return f": did you mean {close[0]!r}?" if close else ": correct the name"
