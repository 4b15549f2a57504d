"""Is an edit *plain*: can it reach nothing but what it is given?"""

from __future__ import annotations

import ast
import re
from collections import OrderedDict
from collections.abc import Mapping

from blampert_env.grading.triage import units as layout
from blampert_env.grading.triage.comparison import Comparison
from blampert_env.grading.triage.facts import tree_of
from blampert_env.grading.triage.project import ProjectFacts
from blampert_env.grading.triage.units import Gap, Unit
from blampert_env.grading.triage.view import FileView

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
        self._bases: dict[tuple[str, bool], tuple[Unit, ...]] = {}
        self._views: dict[str, FileView] = {}
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
        if text == self._sources.get(path) or text == self._reference.get(path):
            return []
        if path not in self._sources and path not in self._reference:
            return [f"{path}: is a new file"]
        if len(text) > _LARGE:
            return [f"{path}: is larger than code is"]
        if not path.endswith(".py"):
            return [f"{path}: is no Python file"]
        found = ["is new"]
        for is_reference, files in ((False, self._sources), (True, self._reference)):
            if path in files:
                mine = self._against(path, text, is_reference)
                if not mine:
                    return []
                found = found if is_reference and path in self._sources else mine
        return [f"{path}:{line}" for line in found[:_MAX_REASONS]]

    def _against(self, path: str, text: str, is_reference: bool) -> list[str]:
        """Reasons that are left when the file is compared with a trusted version of it."""
        trusted = (self._reference if is_reference else self._sources)[path]
        if _COOKIE.match(text) and text.split("\n", 2)[:2] != trusted.split("\n", 2)[:2]:
            return ["1: declares an encoding"]
        units = self._units(path, is_reference)
        view = self._view(path)
        view.fresh()
        comparison = Comparison(view, self._trusted_dumps(path))
        if not comparison.text(units, text):
            whole = layout.statements(Gap(units, text, 0))
            if whole is None:
                return ["1: does not parse"]
            comparison.block(units, whole, "", None)
        comparison.finish()
        return [f"{line}: {why}" for line, why in dict.fromkeys(comparison.reasons)]

    def _units(self, path: str, is_reference: bool) -> tuple[Unit, ...]:
        """The statements of a trusted version of a file; none if it does not parse."""
        key = (path, is_reference)
        if key not in self._bases:
            text = (self._reference if is_reference else self._sources)[path]
            tree = tree_of(text)
            self._bases[key] = layout.split(text, tree) if tree is not None else ()
        return self._bases[key]

    def _view(self, path: str) -> FileView:
        if path not in self._views:
            self._views[path] = FileView(self._project, path)
        return self._views[path]

    def _trusted_dumps(self, path: str) -> dict[str, set[str]]:
        """Dumps of the reference's statements by qualified name; of those that define nothing under their block's."""
        if path not in self._trusted:
            found: dict[str, set[str]] = {}
            if path in self._reference:
                for unit in self._units(path, True):
                    for node in unit.nodes:
                        _note(node, "", found)
            self._trusted[path] = found
        return self._trusted[path]


def _note(node: ast.stmt, block: str, found: dict[str, set[str]]) -> None:
    name = f"{block}{getattr(node, 'name', '')}"
    found.setdefault(name, set()).add(ast.dump(node))
    if isinstance(node, ast.ClassDef):
        for item in node.body:
            _note(item, f"{name}.", found)


def _unix(text: str) -> str:
    """Lines as Python reads them, the last one ended."""
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") or not text else f"{text}\n"
