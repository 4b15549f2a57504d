"""The candidate's side: its modules live here, and do what the tests' side asks. Nothing in this process is trusted."""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import socket
import sys
import types
from collections.abc import Callable
from typing import Any

from ..paths import extend_path, forget_folder
from . import remote
from .errors import CandidateGone, importable
from .objects import full_name, function_facts
from .peer import Peer
from .surroundings import Habits


def _special(owner: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Call a special method as operators do; a class is subscripted in two ways."""
    return owner[args[0]] if name == "__getitem__" else getattr(type(owner), name)(owner, *args, **kwargs)


def _equal(owner: Any, others: list[Any]) -> list[Any]:
    """``owner == other`` for each of them, as its class sees it."""
    equal: Any = type(owner).__eq__
    answers = [equal(owner, other) for other in others]
    return [answer if answer is NotImplemented else bool(answer) for answer in answers]


_DO: dict[str, Callable[..., Any]] = {
    "get": getattr,
    "set": setattr,
    "del": delattr,
    "call": lambda function, args, kwargs: function(*args, **kwargs),
    "method": lambda owner, name, args, kwargs: getattr(owner, name)(*args, **kwargs),
    "special": _special,
    "equal": _equal,
}


class Candidate(Peer):
    """Serves the candidate's modules.

    Args:
        sock: Connected to the tests.
        spec: The project's: ``modules``, ``box``, what the tests use.
    """

    def __init__(self, sock: socket.socket, spec: dict[str, Any]) -> None:
        super().__init__(sock, 1, spec["modules"])
        self.pid = os.getpid()
        self.root = spec["box"].rstrip("/") + "/"
        self.pins: dict[tuple[str, str], Any] = {}
        self.pinned: dict[int, tuple[str, str]] = {}
        self.habits = Habits(self.refuse, spec)

    def serve_forever(self) -> None:
        """Until the tests' side is gone."""
        while True:
            select.select([self.sock], [], [])
            with self.lock:  # a thread of the candidate may be talking, and have read it
                if not select.select([self.sock], [], [], 0)[0]:
                    continue
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

    def look(self) -> list[str]:
        """All that was refused since the last message."""
        self.habits.look()
        found, self.unsupported = self.unsupported, []
        return found

    _take = Peer._decoded  # what cannot be understood is the tests' to know

    def handle(self, op: str, args: list[Any]) -> Any:
        """Do what the tests' side asks."""
        return getattr(self, f"do_{op}")(*args) if op in ("import", "probe", "classes") else _DO[op](*args)

    def do_import(self, name: str) -> Any:
        """Import one of the modules: its public names and docstring."""
        module = self._module(name)
        public = getattr(module, "__all__", None) or [part for part in vars(module) if not part.startswith("_")]
        return [list(public), module.__doc__ if isinstance(module.__doc__, str) else None]

    def do_probe(self, modules: list[str], names: list[list[Any]]) -> Any:
        """What each name is, in a form that can be compared; None if anything is not there."""
        try:
            for module in modules:
                self._module(module)
            return [self._shape(getattr(sys.modules[module], name), methods) for module, name, methods in names]
        except BaseException:
            return None

    def _shape(self, value: Any, methods: list[str]) -> Any:
        """Kind and outline of a class or function that is known by name; of its methods, those that are asked about."""
        named = self.pinned.get(id(value))
        if named is None or not isinstance(value, type):
            return named and ["function", *named]
        facts = remote.describe(value)
        facts["methods"] = sorted(set(methods) & set(facts["methods"]))
        return ["class", *named, [full_name(base) for base in value.__mro__[1:]], facts]

    def do_classes(self) -> list[Any]:
        """Every class of the candidate's modules that load: module, name, special methods, public names, bases."""
        for name in sorted(self.modules):
            with contextlib.suppress(BaseException):
                self._module(name)
        found = []
        for name in sorted(self.modules & sys.modules.keys()):
            for value in list(vars(sys.modules[name]).values()):
                if isinstance(value, type) and value.__module__ == name:
                    public = [part for part in dir(value) if not part.startswith("_")]
                    facts = [remote.describe(value)["special"], public, [full_name(base) for base in self.bases(value)]]
                    found.append([name, value.__qualname__, *facts])
        return found

    # references

    def _module(self, name: str) -> types.ModuleType:
        module = importlib.import_module(name)
        for part, value in list(vars(module).items()):
            if id(value) in self.pinned or (name, part) in self.pins:
                continue
            is_function = callable(value) and isinstance(getattr(value, "__name__", None), str)
            if (isinstance(value, type) or is_function) and not self.is_foreign(value):
                self.pins[name, part] = value
                self.pinned[id(value)] = (name, part)
        return module

    def is_foreign(self, obj: Any) -> bool:
        """Whether a class or function comes from outside the project."""
        module = getattr(obj, "__module__", None)
        return module not in self.modules and module != "__main__" and importable(obj)

    def encode_function(self, function: Any) -> Any:
        """A function of one of the modules is known by name."""
        named = self.pinned.get(id(function))
        return super().encode_function(function) if named is None else ["P", *named, "F", *function_facts(function)]

    def encode_type(self, cls: type) -> Any:
        """A class of one of the modules is known by name."""
        named = self.pinned.get(id(cls))
        return super().encode_type(cls) if named is None else ["P", *named, "T", *self.class_facts(cls)]

    def find_named(self, module: str, name: str, facts: list[Any]) -> Any:
        """What the tests' side knows by name: what it was when it was first seen."""
        if not name:
            return self._module(module)
        if (module, name) not in self.pins:
            self._module(module)
        return self.pins[module, name]


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
