"""What triage learns from a reference solution beyond its text: the tools that the author's own function uses.

A function that the author wrote with a function of the project that looks names up, with a handler that catches much,
or with a library that is not on the list, can hardly be written without. So a reason that holds against the reference's
own version of a function, treated as an edit, does not hold against another version of the same function. Never learnt
is what leads into the interpreter or past it: computed attributes, special attributes, frames, `sys`, files, code from
text, classes made by calls. And what was learnt is no proof: a verdict on plain code is confirmed with twins before it
is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from blampert_env.grading.triage.triage import Triage
from blampert_env.projects.syntax import functions

_NEVER = re.compile(
    r"\.__|computed name|makes? a class|makes the class|\bf_|frame|\bsys\b|modules|inspect|importlib|builtins|ctypes|"
    r"pdb|\bgc\b|signal|pickle|marshal|exec|eval|compile|globals|locals|vars|\bopen\b|write|unlink|mkdir|subprocess|"
    r"socket|docstring|encoding|does not parse|is gone|top of the file|tests? |means something already|"
    r"__(?:exit|getattr|class)"
)
_REASON = re.compile(r"(?P<path>.*?):(?P<line>\d+): (?P<why>.*)", re.DOTALL)


class LearningTriage:
    """Triage that forgives another version of a function what its reference does as well.

    Args:
        sources: As for :class:`Triage`.
        reference: As there.
        tests: As there.
        modules: As there.
    """

    def __init__(
        self,
        sources: Mapping[str, str],
        *,
        reference: Mapping[str, str],
        tests: Mapping[str, str],
        modules: Mapping[str, str],
    ) -> None:
        self._sources, self._reference = sources, reference
        self._strict = Triage(sources, reference=reference, tests=tests, modules=modules)
        self._bare = Triage(sources, reference={}, tests=tests, modules=modules) if reference else self._strict

    def reasons(self, candidate: Mapping[str, str]) -> tuple[str, ...]:
        """As :meth:`Triage.reasons`, less what was learnt."""
        found = self._strict.reasons(candidate)
        if not found or not self._reference:
            return found
        return tuple(reason for reason in found if not self._is_learnt(reason, candidate))

    def prepare(self) -> None:
        """Look at the trusted files now, not at the first edit."""
        self._strict.prepare()

    def _is_learnt(self, reason: str, candidate: Mapping[str, str]) -> bool:
        match = _REASON.fullmatch(reason)
        if match is None or match["path"] not in candidate:
            return False
        name = _function_at(candidate[match["path"]], int(match["line"]))
        return (match["path"], name, match["why"]) in self._learnt

    @cached_property
    def _learnt(self) -> frozenset[tuple[str, str, str]]:
        """Path, function and reason of all that may be learnt."""
        found = set()
        for path, text in self._reference.items():
            for reason in self._bare.reasons({**self._sources, path: text}):
                match = _REASON.fullmatch(reason)
                name = _function_at(text, int(match["line"])) if match is not None else ""
                if match is not None and name and not _NEVER.search(match["why"]):
                    found.add((path, name, match["why"]))
        return frozenset(found)


def _function_at(text: str, line: int) -> str:
    """Qualified name of the function around a line; "" if there is none."""
    try:
        return next((one.qualname for one in functions(text) if one.first <= line <= one.last), "")
    except SyntaxError:
        return ""
