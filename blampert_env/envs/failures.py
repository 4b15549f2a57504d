"""How an attempt failed, as a policy may want to know: a missing name is mended otherwise than a wrong value."""

from __future__ import annotations

import re

from blampert_env.coding.facts import failure_texts
from blampert_env.grading import TestReport

KINDS = ("syntax", "name", "type", "assertion", "time", "other")
_ERROR = re.compile(r"^E\s+(?:[\w.]+\.)?(\w+)(?::|$)", re.MULTILINE)
_NAMED = {
    **dict.fromkeys(("SyntaxError", "IndentationError", "TabError"), "syntax"),
    **dict.fromkeys(("NameError", "UnboundLocalError", "AttributeError", "ImportError", "ModuleNotFoundError"), "name"),
    "TypeError": "type",
    **dict.fromkeys(("AssertionError", "Failed", "DocTestFailure"), "assertion"),
    **dict.fromkeys(("TimeoutError", "RecursionError"), "time"),
}
_REFUSED = {"syntax_error": "syntax", "no_code": "syntax", "empty": "syntax", "binary": "syntax"}  # no Python at all
_ASSERTED = re.compile(r"^E\s+(?:assert\b|Expected:|Got:)|^Expected:", re.MULTILINE)


def failure_kind(outcome: str, report: TestReport | None, failing: str) -> str:
    """One of :data:`KINDS`; "" where everything passes. Endless recursion counts as ``time``.

    Args:
        outcome: What came of an attempt.
        report: Its report; None where nothing was graded.
        failing: What the tests of its target said, a blank line between them. Where they failed in several ways, it is
            called by what most of them say, the earlier kind first.
    """
    if report is None:
        return _REFUSED.get(outcome, "other")
    if report.killed == "timeout":
        return "time"
    kinds = [_of_text(text) for text in failure_texts(failing)]
    if not kinds:  # a crash says nothing
        return "" if report.verdict == "ok" else "other"
    return max(KINDS, key=lambda kind: (kinds.count(kind), -KINDS.index(kind)))


def _of_text(text: str) -> str:
    named = [name for name in _ERROR.findall(text) if name in _NAMED]
    if named:  # the last of a chain is what the test saw
        return _NAMED[named[-1]]
    return "assertion" if _ASSERTED.search(text) else "other"
