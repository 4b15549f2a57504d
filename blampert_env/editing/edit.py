"""Edit: what an LM or a script proposes to do with one target, and why it may be refused.

==================== =================================================================================================
reason               the edit
==================== =================================================================================================
empty                holds no code
binary               is not text: NUL, lone surrogates, or no ``str``
too_large            is longer than allowed
syntax_error         is not Python, is nested too deeply, or would not compile in its place
unknown_target       names no target of the project
outside_project      names a file that may not be edited: tests, support files, anything outside of the project
wrong_name           does not define the target's function
signature_changed    changes parameter names, order, kinds or defaults, or async into sync
decorators_changed   drops or reorders decorators
misplaced            would change another function of the file
==================== =================================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass

REASONS = frozenset(
    {
        "empty",
        "binary",
        "too_large",
        "syntax_error",
        "unknown_target",
        "outside_project",
        "wrong_name",
        "signature_changed",
        "decorators_changed",
        "misplaced",
    }
)


@dataclass(frozen=True, slots=True)
class Edit:
    """New code for one target.

    Attributes:
        target: The target's id, such as ``"calculator.py::Calculator.add"``.
        source: Python text with the whole function; it may carry imports, helper functions and constants, wrap a
            method in its class, or be the whole file again.
    """

    target: str
    source: str
