"""The candidate's modules as the tests import them."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import types
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .remote import RemoteType

if TYPE_CHECKING:
    from .trusted import Tests


class CandidateModule(types.ModuleType):
    """A module of the candidate's: every name is asked for there."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name not in ("__version__", "__author__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        peer = self.__dict__["_blampert_peer"]
        value = peer.request("get", self, name)
        methods = sorted(value.__blampert_methods__) if isinstance(value, RemoteType) else None
        peer.gets.append([self.__name__, name, methods])
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if (name.startswith("__") and name.endswith("__")) or isinstance(value, CandidateModule):
            super().__setattr__(name, value)
        else:
            self.__dict__["_blampert_peer"].request("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        self.__dict__["_blampert_peer"].request("del", self, name)

    def __dir__(self) -> list[str]:
        return list(self.__dict__["_blampert_peer"].request("dir", self))


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the candidate's modules before any file."""

    def __init__(self, peer: Tests) -> None:
        self.peer = peer

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for the candidate's modules, None for others."""
        if name not in self.peer.modules:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=name in self.peer.packages)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """The stand-in."""
        module = CandidateModule(spec.name)
        module.__dict__["_blampert_peer"] = self.peer
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Let the candidate import it; raises what that raises."""
        __tracebackhide__ = True
        try:
            names, doc, _ = self.peer.request("import", module.__name__)
        except (SystemExit, GeneratorExit) as error:  # pytest would stop
            raise ImportError(f"{type(error).__name__}: {error}") from None
        self.peer.imported.append(module.__name__)
        module.__dict__["__all__"], module.__dict__["__doc__"] = self.peer.public(module.__name__, names), doc
