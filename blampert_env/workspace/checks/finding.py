"""Finding: what one check came to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["ok", "note", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check.

    Attributes:
        check: Its name.
        status: ``failed``: right code loses something, or the project cannot be trained on as it is; ``note``: it can,
            but not as well as it could.
        text: One line on what came of it.
        details: What the line sums up, name to value.
    """

    check: str
    status: Status
    text: str
    details: Mapping[str, Any] = field(default_factory=dict)


def some(names: Collection[str], count: int = 3) -> str:
    """``"a, b, c and 4 more"``."""
    shown = ", ".join(list(names)[:count])
    return f"{shown} and {len(names) - count} more" if len(names) > count else shown


def counted(number: int, noun: str) -> str:
    """``"1 test"``, ``"2 tests"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
