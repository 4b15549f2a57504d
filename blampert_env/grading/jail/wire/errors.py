"""What goes wrong between two processes, and exceptions on their way to the other side."""

from __future__ import annotations

import sys
import traceback
from typing import Any

# modules whose classes are plain values, beside exceptions of any library
_PLAIN = frozenset(["builtins", "collections", "datetime", "decimal", "fractions", "pathlib", "uuid"])
# what a test runner takes for more than a failure may not be raised from outside
_REFUSED = frozenset(["unittest", "pytest", "pluggy", "bdb", "blampert_jail", "doctest"])
ORIGIN, FRAMES = "__blampert_origin__", "__blampert_frames__"  # on exceptions: the key there, lines of its traceback
_MAX_TEXT = 4000
_MAX_FRAMES = 8


class Unsupported(Exception):
    """What the wire does not carry. Whoever raises it sees to it that the run's last record says so."""


class ProtocolError(Exception):
    """The other side sent what it may not send."""


class CandidateGone(BaseException):
    """The candidate's process ended, or broke the protocol. Not an Exception: no test may catch it by accident."""


class CandidateError(Exception):
    """Stands for an exception whose class this side cannot know."""


def find_class(module: str, name: str) -> type | None:
    """A class of a loaded library, by its own name; None for any other, and for what may not be named."""
    top = module.partition(".")[0]
    home = sys.modules.get(module)
    if home is None or top in _REFUSED or top.startswith("_pytest"):
        return None
    found: Any = home
    for part in name.split("."):
        if found is not home and not isinstance(found, type):
            return None
        found = vars(found).get(part)
    if not isinstance(found, type) or (found.__module__, found.__qualname__) != (module, name):
        return None
    return found if issubclass(found, BaseException) or top in _PLAIN else None


def importable(obj: Any) -> bool:
    """Whether a class can be imported by its module and qualified name."""
    module, name = getattr(obj, "__module__", None), getattr(obj, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or "<" in name:
        return False
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is obj


def frames(error: BaseException, root: str) -> list[str]:
    """``file:line: in function`` and the line, for the last frames below ``root``."""
    found = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(root)]
    lines = [[f"{frame.filename[len(root) :]}:{frame.lineno}: in {frame.name}", f"    {frame.line}"] for frame in found]
    return [line[:400] for pair in lines[-_MAX_FRAMES:] for line in pair]


def text_of(error: BaseException) -> str:
    """``str(error)``, whatever that does."""
    try:
        return str(error)[:_MAX_TEXT]
    except BaseException as problem:
        return f"<{type(problem).__name__} in __str__>"


def arguments(error: BaseException) -> tuple[Any, ...]:
    """What the error's class is to be given to make one like it: a file's name is in no ``args``."""
    if isinstance(error, OSError) and error.filename is not None:
        return (*error.args[:2], error.filename, None, error.filename2)
    return error.args


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
