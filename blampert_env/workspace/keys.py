"""What values a setting takes, and how it is read from the command line or the environment."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class Kind:
    """Values of one kind.

    Attributes:
        what: As in "must be a whole number of at least 1".
        takes: Whether a JSON value is one.
        make: The value as it is kept: 1 is 1.0 where numbers are meant.
    """

    what: str
    takes: Callable[[Any], bool]
    make: Callable[[Any], Any] = lambda value: value

    def parse(self, text: str) -> Any:
        """The value that ``text`` stands for, to be checked with :attr:`takes`: JSON if that fits, else the text."""
        if self.takes(True) and text.lower() in _FLAGS:
            return _FLAGS[text.lower()]
        try:
            value = json.loads(text)
        except ValueError:
            return text
        return value if self.takes(value) else text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def whole(low: int, high: int | None = None) -> Kind:
    """A whole number from ``low`` to ``high``, both included."""
    what = f"a whole number from {low} to {high}" if high is not None else f"a whole number of at least {low}"
    top = math.inf if high is None else high
    return Kind(what, lambda value: _is_number(value) and isinstance(value, int) and low <= value <= top)


def number(low: float, *, above: bool = False) -> Kind:
    """A finite number of at least ``low``, or above it."""
    what = f"a number above {low:g}" if above else f"a number of at least {low:g}"
    return Kind(what, lambda value: _is_number(value) and (value > low or (value == low and not above)), float)


def one_of(*words: str) -> Kind:
    """One of these words."""
    return Kind(f"one of {', '.join(words)}", lambda value: isinstance(value, str) and value in words)


def optional(kind: Kind) -> Kind:
    """That, or null."""
    return Kind(
        f"{kind.what}, or null",
        lambda value: value is None or kind.takes(value),
        lambda value: None if value is None else kind.make(value),
    )


TEXT = Kind(
    "a text that is not empty", lambda value: isinstance(value, str) and bool(value.strip()) and value.isprintable()
)
PATH = Kind(
    "a path",
    lambda value: isinstance(value, str) and bool(value.strip()) and "\0" not in value,
)
FLAG = Kind("true or false", lambda value: isinstance(value, bool))


def setting(default: Any, kind: Kind, text: str) -> Any:
    """A field of a section: its default, what it takes, and one line on what it does."""
    return field(default=default, metadata={"kind": kind, "text": text})
