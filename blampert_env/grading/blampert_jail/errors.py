"""Exceptions on their way to the other side."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from .linux import words

# modules whose classes are plain values, beside exceptions of any library
_PLAIN = frozenset(words("builtins collections datetime decimal fractions pathlib uuid re numpy"))
# what a test runner takes for more than a failure may not be raised from outside
_REFUSED = frozenset(words("unittest pytest pluggy bdb blampert_jail doctest"))
MAX_TEXT = 4000
MAX_FRAMES = 8


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


def importable(obj: Any) -> list[str] | None:
    """``[module, qualified name]`` of a class or function of the standard library, or of an installed package."""
    module, name = getattr(obj, "__module__", None), getattr(obj, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or "<" in name:
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return [module, name] if found is obj else None


def frames(error: BaseException, root: str) -> list[str]:
    """``file:line: in function`` and the line, for each frame below ``root``."""
    found = []
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith(root):
            found += [f"{frame.filename[len(root) :]}:{frame.lineno}: in {frame.name}", f"    {frame.line}"]
    if len(found) > 2 * MAX_FRAMES:
        found = [*found[:MAX_FRAMES], "...", *found[-MAX_FRAMES:]]
    return [line[:400] for line in found]


def text_of(error: BaseException) -> str:
    """``str(error)``, whatever that does."""
    try:
        return str(error)[:MAX_TEXT]
    except BaseException as problem:
        return f"<{type(problem).__name__} in __str__>"
