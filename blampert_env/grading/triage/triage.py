"""Is an edit *plain*: can it reach nothing but what it is given?"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping

from blampert_env.grading.triage.comparison import Comparison, dumps
from blampert_env.grading.triage.pieces import changed
from blampert_env.grading.triage.project import ProjectFacts
from blampert_env.grading.triage.view import FileView
from blampert_env.projects.syntax import tree_of

_COOKIE = re.compile(r"[^\n]*(?:\n[ \t\f]*#[^\n]*)?coding[:=]")
_MAX_KNOWN = 1_024
_LARGE = 1_000_000
_MAX_REASONS = 20


class Triage:
    """Decides, by the source alone, whether a candidate's edit is plain. Nothing of it is run.

    Trusted is what is the same as in the untouched file, and what is the same as in the reference, function by
    function. Of a reference nothing else is learnt but what names mean: its imports and definitions count as trusted
    *surroundings* (a helper may be called, an attribute may be stored that it stores), never as a permission: a library
    it uses, a special method it defines, text it runs stay forbidden to all code but its own. A function of the
    reference that would be a tool is one as it would be in the sources. So a reference gives no tool to anybody.

    Args:
        sources: The untouched project's editable files, path to text.
        reference: The solution's files, empty if there is none.
        tests: Every Python file that is the tests' own.
        modules: Dotted module name to path, of the project's modules.
    """

    def __init__(
        self,
        sources: Mapping[str, str],
        *,
        reference: Mapping[str, str],
        tests: Mapping[str, str],
        modules: Mapping[str, str],
    ) -> None:
        self._sources = {path: _unix(text) for path, text in sources.items()}
        self._reference = {path: _unix(text) for path, text in reference.items()}
        self._raw = dict(sources)
        self._project = ProjectFacts(self._sources, self._reference, dict(tests), modules)
        self._trusted: dict[str, dict[str, set[str]]] = {}
        self._known: OrderedDict[tuple[str, str], tuple[str, ...]] = OrderedDict()

    def prepare(self) -> None:
        """Look at the trusted files now, not at the first edit."""
        _ = self._project.tools

    def reasons(self, candidate: Mapping[str, str]) -> tuple[str, ...]:
        """Why a candidate is not plain, one line each; empty if it is.

        Args:
            candidate: The whole text of every editable file.
        """
        found: list[str] = []
        for path, text in candidate.items():
            if self._raw.get(path) != text:
                found += self._of_file(path, text)
        found += [f"{path}: is missing" for path in self._raw if path not in candidate]
        return tuple(found)

    def _of_file(self, path: str, text: str) -> tuple[str, ...]:
        known = self._known.get((path, text))
        if known is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.popitem(last=False)
            try:
                known = tuple(self._look(path, _unix(text)))
            except (RecursionError, MemoryError):
                known = (f"{path}:1: is nested too deeply",)
            self._known[path, text] = known
        return known

    def _look(self, path: str, text: str) -> list[str]:
        versions = [files[path] for files in (self._sources, self._reference) if path in files]
        if text in versions:
            return []
        for is_odd, why in (
            (not versions, "is a new file"),
            (len(text) > _LARGE, "is larger than code is"),
            (not path.endswith(".py"), "is no Python file"),
        ):
            if is_odd:
                return [f"{path}: {why}"]
        found: list[list[str]] = []
        for trusted in versions:
            found.append(self._against(path, trusted, text))
            if not found[-1]:
                return []
        return [f"{path}:{line}" for line in found[0][:_MAX_REASONS]]

    def _against(self, path: str, trusted: str, text: str) -> list[str]:
        """Reasons that are left when the file is compared with a trusted version of it."""
        if _COOKIE.match(text) and text.split("\n", 2)[:2] != trusted.split("\n", 2)[:2]:
            return ["1: declares an encoding"]
        tree = tree_of(trusted)
        piece = changed(tree, trusted, text) if tree is not None else None
        if piece is None:
            return ["1: does not parse"]
        if path not in self._trusted:
            own = tree_of(self._reference.get(path, ""))
            self._trusted[path] = dumps(own.body) if own is not None else {}
        comparison = Comparison(FileView(self._project, path), self._trusted[path])
        comparison.piece(piece)
        return [f"{line}: {why}" for line, why in dict.fromkeys(comparison.reasons)]


def _unix(text: str) -> str:
    """Lines as Python reads them, the last one ended."""
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") or not text else f"{text}\n"
