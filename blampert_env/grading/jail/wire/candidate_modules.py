"""The candidate's modules as the tests import them."""

from __future__ import annotations

import builtins
import importlib.abc
import importlib.machinery
import types
from collections.abc import Collection, Sequence
from typing import Any

from .remote import ask, get

__tracebackhide__ = True  # in what pytest shows of a failure


class CandidateModule(types.ModuleType):
    """A module of the candidate's: every name is asked for there."""

    def __getattr__(self, name: str) -> Any:
        value = get(self, name)
        self.__dict__["__spec__"].loader.gets.append((self.__name__, name))
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if (name.startswith("__") and name.endswith("__")) or isinstance(value, CandidateModule):
            super().__setattr__(name, value)
        else:
            ask("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        ask("del", self, name)

    def __dir__(self) -> list[str]:
        return list(ask("special", self, "__dir__", [], {}))


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the candidate's modules before any file.

    Args:
        modules: Their names.
        packages: Those that are packages.

    Attributes:
        exports: For each, the names that a star import may take; None while that is found out.
        gets: Module and name of all that test modules took from the candidate's.
        exported: The modules that they imported, and what star imports could take.
    """

    def __init__(self, modules: Collection[str], packages: Collection[str]) -> None:
        self.modules, self.packages = frozenset(modules), frozenset(packages)
        self.exports: dict[str, list[str]] | None = None
        self.gets: list[tuple[str, str]] = []
        self.exported: dict[str, list[str]] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for the candidate's modules, None for others."""
        if name not in self.modules:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=name in self.packages)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """The stand-in."""
        return CandidateModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Let the candidate import it; a star import takes names that the untouched project offers, too."""
        try:
            names, doc = ask("import", module.__name__)
        except (SystemExit, GeneratorExit) as error:  # pytest would stop
            raise ImportError(f"{type(error).__name__}: {error}") from None
        found = [str(name) for name in names if not str(name).startswith("_") and not hasattr(builtins, str(name))]
        if self.exports is not None:
            found = [name for name in found if name in self.exports.get(module.__name__, ())]
        self.exported[module.__name__] = found
        module.__dict__.update({"__all__": found, "__doc__": doc})
