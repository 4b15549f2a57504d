"""What goes wrong between two processes, and what an exception is on its way to the other side."""

from __future__ import annotations

import sys
import types
from typing import Any

# modules whose classes are plain values, beside exceptions of any library
_PLAIN = frozenset(["builtins", "collections", "datetime", "decimal", "fractions", "pathlib", "uuid"])
# what a test runner takes for more than a failure may not be raised from outside
_REFUSED = frozenset(["unittest", "pytest", "pluggy", "bdb", "blampert_jail", "doctest"])
ORIGIN = "__blampert_origin__"  # on exceptions: the key there


class Unsupported(Exception):
    """What the wire does not carry. Whoever raises it sees to it that the run's last record says so."""


class ProtocolError(Exception):
    """The other side sent what it may not send."""


class CandidateGone(BaseException):
    """The candidate's process ended, or broke the protocol. Not an Exception: no test may catch it by accident."""


class CandidateError(Exception):
    """Stands for an exception whose class this side cannot know."""


def imported(module: object, name: object) -> Any:
    """What a loaded module has under a qualified name; None for what is not there."""
    found: Any = sys.modules.get(str(module))
    for part in str(name).split("."):
        found = vars(found).get(part) if isinstance(found, (type, types.ModuleType)) else None
    return found


def find_class(module: str, name: str) -> type | None:
    """A library's class by its own name, if it is an exception or a plain value's; not the test runner's."""
    found, top = imported(module, name), module.partition(".")[0]
    if not isinstance(found, type) or (found.__module__, found.__qualname__) != (module, name):
        return None
    if top in _REFUSED or top.startswith("_pytest"):
        return None
    return found if issubclass(found, BaseException) or top in _PLAIN else None


def text_of(error: BaseException) -> str:
    """``str(error)``, whatever that does."""
    try:
        return str(error)[:4000]
    except BaseException as problem:
        return f"<{type(problem).__name__} in __str__>"


def arguments(error: BaseException) -> tuple[Any, ...]:
    """What the error's class is to be given to make one like it: a file's name is in no ``args``."""
    return tuple(OSError.__reduce__(error)[1]) if isinstance(error, OSError) else error.args


def remade(cls: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    """An exception of the class, without a run of what its own class says; built-ins set errno, code, value."""
    error = cls.__new__(cls, *args)
    if not isinstance(error, OSError):
        error.args = args
    builtin = next(base for base in cls.__mro__ if base.__module__ == "builtins")
    try:
        builtin.__init__(error, *args)  # type: ignore[misc]
    except (TypeError, ValueError):
        error.args = args
    return error
