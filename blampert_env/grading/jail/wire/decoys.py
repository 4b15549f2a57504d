"""Decoys: values that stand beside the one a test compares with, so that a liar cannot tell which is meant."""

from __future__ import annotations

import random
import string
from typing import Any

COUNT = 12  # a liar that guesses which is meant is caught twelve times in thirteen


def unlike(value: Any, draw: random.Random) -> Any:
    """A value of the same type, size and magnitude that is not equal to ``value``."""
    kind = type(value)
    if kind is bool:
        return not value
    if kind in (int, float):
        steps = (1, 2, 3, 4, 5, 7, 9, 10, 11, 20, 100) if kind is int else (1.0, 0.5, 2.0, 10.0)
        return value + draw.choice([-1, 1]) * draw.choice([*steps, abs(value) + 1])
    if kind is str and value:
        at = draw.randrange(len(value))
        other = draw.choice((string.ascii_lowercase + string.digits).replace(value[at].lower(), ""))
        return value[:at] + (other.upper() if value[at].isupper() else other) + value[at + 1 :]
    if kind in (list, tuple) and value:
        at = draw.randrange(len(value))
        return kind([*value[:at], unlike(value[at], draw), *value[at + 1 :]])
    if kind is dict and value:
        name = draw.choice(list(value))
        return {**value, name: unlike(value[name], draw)}
    return draw.choice(
        [draw.randrange(100), draw.choice("abcdefgh") * draw.randrange(1, 5), [draw.randrange(10)], None, ""]
    )
