"""What a prompt may show: the state of one target, as plain text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from blampert_env.projects import Target

# Longest text of one part of a prompt, in characters (about 500 tokens): a small model on a processor reads 100 to 200
# tokens a second, so a prompt's length is what a call costs, and four parts fit a 4,096-token context. A longer prompt
# is an outcome of the env ("prompt_too_long"), never the end of a run.
MAX_PART_CHARS = 1_800
MAX_FAILING_CHARS = 900


@dataclass(frozen=True, slots=True)
class CodingContext:
    """Everything a :class:`~blampert_env.coding.Coder` may put in a prompt for one target.

    Nothing of a project's ``held_out/`` or ``solution/`` ever enters here.

    Attributes:
        target: What is to be written.
        files: The project's editable sources as they are now.
        tests: Source of the visible tests that mention the target.
        failing: Output of the visible tests that mention the target and fail now; empty before the first attempt.
        previous: The source of the last attempt at this target; empty before the first.
        examples: Verified pairs (stub, solution) of targets solved earlier in this episode, oldest first.
    """

    target: Target
    files: Mapping[str, str]
    tests: str = ""
    failing: str = ""
    previous: str = ""
    examples: tuple[tuple[str, str], ...] = field(default=())


def clip(text: str, limit: int = MAX_PART_CHARS) -> str:
    """Cut ``text`` at a line end to at most ``limit`` characters, marking the cut."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    cut = head.rfind("\n")
    return (head[:cut] if cut > 0 else head) + "\n# ... (cut)"
