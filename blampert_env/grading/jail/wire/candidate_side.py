"""The candidate's side: its modules live here, and do what the tests' side asks. Nothing in this process is trusted."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import socket
import sys
import types
from collections.abc import Callable
from typing import Any

from ..paths import extend_path, forget_folder
from . import remote
from .errors import CandidateGone
from .objects import full_name
from .peer import Peer
from .surroundings import of_candidate


def _special(owner: Any, name: str, args: tuple[Any, ...], kwargs: tuple[tuple[str, Any], ...]) -> Any:
    """Call a special method as operators do; a class is subscripted in two ways."""
    return owner[args[0]] if name == "__getitem__" else getattr(type(owner), name)(owner, *args, **dict(kwargs))


def _equal(owner: Any, others: list[Any]) -> list[Any]:
    """``owner == other`` for each of them, as its class sees it."""
    equal: Any = type(owner).__eq__
    answers = [equal(owner, other) for other in others]
    return [answer if answer is NotImplemented else bool(answer) for answer in answers]


def _names(module: types.ModuleType) -> tuple[Any, ...]:
    """The public ones of a module."""
    return tuple(getattr(module, "__all__", None) or [part for part in vars(module) if not part.startswith("_")])


_DO: dict[str, Callable[..., Any]] = {"get": getattr, "set": setattr, "del": delattr}
_DO |= {"special": _special, "equal": _equal, "names": _names}


class Candidate(Peer):
    """Serves the candidate's modules.

    Args:
        sock: Connected to the tests.
        spec: The project's: ``modules``, ``box``, what the tests use.
    """

    confesses = True
    _take = Peer.decoded  # what cannot be understood is the tests' to know

    def __init__(self, sock: socket.socket, spec: dict[str, Any]) -> None:
        super().__init__(sock, 1, spec["modules"])
        self.pid = os.getpid()
        kinds: Any = (types.FunctionType, types.ModuleType, functools._lru_cache_wrapper)
        self.pins: dict[str, Any] = {full_name(cls): cls for cls in kinds}
        self.pinned: dict[int, str] = {id(cls): key for key, cls in self.pins.items()}
        self.surroundings = of_candidate(self.refuse, spec)

    def serve_forever(self) -> None:
        """Until the tests' side is gone."""
        while True:
            with self.lock:  # a thread of the candidate's may talk while it serves
                try:
                    message = self._receive()
                except CandidateGone:  # the other one
                    return
            self.serve(message)

    def write(self, data: bytes) -> None:
        """Put a message on the wire, unless this is a fork that the tests' side does not know."""
        if os.getpid() != self.pid:
            os._exit(0)
        super().write(data)

    def handle(self, op: str, args: list[Any]) -> Any:
        """Do what the tests' side asks."""
        return getattr(self, f"do_{op}")(*args) if op in ("probe", "classes") else _DO[op](*args)

    def do_probe(self, names: tuple[tuple[str, str], ...]) -> str | None:
        """What each name is, as a text that can be compared; None if anything is not there, or known by no name."""
        found = []
        try:
            for module, name in names:
                value = getattr(self._module(module), name)
                found.append([self.pinned[id(value)], full_name(type(value)), *self._outline(value)])
        except BaseException:
            return None
        return repr(found)

    def do_classes(self) -> list[Any]:
        """Every class of the candidate's modules that load: module, name, special methods, public names, bases."""
        for name in sorted(self.modules):
            with contextlib.suppress(BaseException):
                self._module(name)
        found = []
        for name in sorted(self.modules & sys.modules.keys()):
            for value in list(vars(sys.modules[name]).values()):
                if isinstance(value, type) and value.__module__ == name:
                    found.append([name, value.__qualname__, *self._outline(value)])
        return found

    def _outline(self, value: Any) -> list[Any]:
        """Special methods, public names, bases of a class."""
        if not isinstance(value, type):
            return []
        public = [part for part in dir(value) if not part.startswith("_")]
        return [remote.special_of(value), public, [full_name(base) for base in self.bases(value)]]

    # references

    def _module(self, name: str) -> types.ModuleType:
        """Import a module; what it holds is known by name, and stays what it was when it was first seen."""
        module = importlib.import_module(name)
        for part, value in list(vars(module).items()):
            key = f"{name}:{part}"
            is_function = callable(value) and isinstance(getattr(value, "__name__", None), str)
            if id(value) in self.pinned or key in self.pins:
                continue
            if (isinstance(value, type) or is_function) and not self.is_foreign(value):
                self.pins[key] = value
                self.pinned[id(value)] = key
        return module

    def is_own(self, module: Any) -> bool:
        """Whether it is of the project."""
        return module in self.modules or module == "__main__"

    def new_key(self, value: Any) -> Any:
        """A name for a module of the project, and for what it holds."""
        if isinstance(value, types.ModuleType) and value.__name__ in self.modules:
            return f"{value.__name__}:"
        return self.pinned.get(id(value)) or super().new_key(value)

    def find(self, key: str) -> Any:
        """What the tests' side knows by name."""
        name, _, part = key.partition(":")
        module = self._module(name)
        return self.pins[key] if part else module


def run(sock: socket.socket, spec: dict[str, Any]) -> None:
    """Be the candidate: take its place on the path and serve. Never returns."""
    os.chdir(spec["box"])
    os.environ["TMPDIR"] = os.environ["HOME"] = spec["tmp"]
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = sys.modules["builtins"]
    sys.modules["__main__"] = main
    sys.argv = ["pytest"]
    extend_path(spec["path"])
    forget_folder(spec["box"])
    for name in spec["modules"]:
        if name.partition(".")[0] not in sys.stdlib_module_names:
            sys.modules.pop(name, None)
    sys.setrecursionlimit(1000)
    Candidate(sock, spec).serve_forever()
    os._exit(0)
