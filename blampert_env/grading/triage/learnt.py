"""What triage learns from a reference solution beyond its text: the tools that the author's own function uses.

A function that the author wrote with a function of the project that looks names up, with a handler that catches much,
or with a library that is not on the list, can hardly be written without. So a reason that holds against the reference's
own version of a function, treated as an edit, does not hold against another version of the same function. A tool may be
called as the author calls it: with the same words, of parameters that nothing else is bound to. Never learnt is what
leads into the interpreter or past it: computed attributes, special attributes, frames, `sys`, files, code from text,
classes made by calls. And what was learnt is no proof: a verdict on plain code is confirmed with twins before it is
kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from blampert_env.grading.triage.triage import Triage
from blampert_env.projects.syntax import functions

_NEVER = re.compile(
    r"\.__|computed name|makes? a class|makes the class|\bf_|frame|\bsys\b|modules|inspect|importlib|builtins|ctypes|"
    r"pdb|\bgc\b|signal|pickle|marshal|exec|eval|compile|globals|locals|vars|\bopen\b|write|unlink|mkdir|subprocess|"
    r"socket|docstring|encoding|does not parse|is gone|top of the file|tests? |means something already|"
    r"__(?:exit|getattr|class)|is a tool$"
)
_REASON = re.compile(r"(?P<path>.*?):(?P<line>\d+): (?P<why>.*)", re.DOTALL)
_Reason = tuple[str, str, str]  # path, function and why


class LearningTriage(Triage):
    """Triage that forgives another version of a function what its reference does as well."""

    def __init__(self, sources: Mapping[str, str], **others: Any) -> None:
        super().__init__(sources, **others)
        self._given = sources, others

    def reasons(self, candidate: Mapping[str, str]) -> tuple[str, ...]:
        """As :meth:`Triage.reasons`, less what was learnt."""
        found = super().reasons(candidate)
        if not found or not self._reference:
            return found
        keys = dict(_by_function(found, candidate))
        return tuple(reason for reason in found if keys.get(reason) not in self._learnt)

    @cached_property
    def _learnt(self) -> frozenset[_Reason]:
        """All that may be learnt."""
        (sources, others), found = self._given, set[_Reason]()
        bare = Triage(sources, **{**others, "reference": {}})
        for path, text in self._reference.items():
            reasons = bare.reasons({**sources, path: text})
            found |= {key for _, key in _by_function(reasons, {path: text}) if key[1] and not _NEVER.search(key[2])}
        return frozenset(found)


def _by_function(reasons: tuple[str, ...], files: Mapping[str, str]) -> Iterator[tuple[str, _Reason]]:
    """Each reason with its path, the qualified name of the function around it ("" if there is none), and its text."""
    for reason in reasons:
        match = _REASON.fullmatch(reason)
        if match is not None and match["path"] in files:
            yield reason, (match["path"], _function_at(files[match["path"]], int(match["line"])), match["why"])


def _function_at(text: str, line: int) -> str:
    try:
        return next((one.qualname for one in functions(text) if one.first <= line <= one.last), "")
    except SyntaxError:
        return ""
