"""The candidate's side: its modules live here, and do what the tests' side asks. Nothing in this process is trusted."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import select
import socket
import sys
import types
from collections.abc import Sequence
from typing import Any

from . import mirror, remote
from .errors import importable
from .peer import Peer, function_facts
from .runner import extend_path, forget_folder


class Candidate(Peer):
    """Serves the candidate's modules.

    Args:
        sock: Connected to the tests.
        modules: Names of the project's modules.
        root: The folder that they lie in, with a slash at its end.
    """

    def __init__(self, sock: socket.socket, modules: Sequence[str], root: str) -> None:
        super().__init__(sock, 1)
        self.pid = os.getpid()
        self.modules = frozenset(modules)
        self.root = root
        self.pins: dict[tuple[str, str], Any] = {}
        self.pinned: dict[int, tuple[str, str]] = {}
        self.outputs = mirror.Outputs()
        self.state = mirror.State()
        self.patches: dict[tuple[str, str, str], Any] = {}
        self.coroutines: Any = None
        remote.use(self)

    def serve_forever(self) -> None:
        """Until the tests' side is gone."""
        while True:
            select.select([self.sock], [], [])
            with self.lock:  # a thread of the candidate may be talking, and have read it
                if not select.select([self.sock], [], [], 0)[0]:
                    continue
                try:
                    message = self._receive()
                except (EOFError, OSError):
                    return
            self.serve(message)

    def write(self, data: bytes) -> None:
        """Put a message on the wire, unless this is a fork that the tests' side does not know."""
        if os.getpid() != self.pid:
            os._exit(0)
        super().write(data)

    def extras(self) -> dict[str, Any]:
        """Output since the last message, and the state of the process if it changed."""
        return {**self.outputs.take(), **self.state.changes(self)}

    def take_extras(self, message: dict[str, Any]) -> None:
        """The tests' environment, working folder, patches."""
        self.state.take(message, self)

    # what the tests' side may ask

    def handle(self, op: str, args: list[Any]) -> Any:
        """Do it."""
        return getattr(self, f"do_{op}")(*args)

    def do_import(self, name: str) -> Any:
        """Import one of the candidate's modules: its public names, docstring, and whether it is a package."""
        module = self._module(name)
        public = getattr(module, "__all__", None) or [part for part in vars(module) if not part.startswith("_")]
        doc = module.__doc__ if isinstance(module.__doc__, str) else None
        return [list(public), doc, hasattr(module, "__path__")]

    def do_probe(self, modules: list[str], names: list[list[Any]]) -> Any:
        """What each name is, in a form that can be compared; None if anything is not there."""
        try:
            for name in modules:
                self._module(name)
            return [self.shape(getattr(self._module(module), name), methods) for module, name, methods in names]
        except BaseException:
            return None

    def shape(self, value: Any, methods: list[str] | None) -> Any:
        """Kind and outline of a class or function; only the methods that were asked about count."""
        named = self.pinned.get(id(value))
        if named is None or named not in self.pins:
            return "value"
        if isinstance(value, type):
            facts = remote.describe(value)
            there = methods is None or set(methods) <= set(facts["methods"])
            bases = [f"{base.__module__}.{base.__qualname__}" for base in value.__mro__[1:]]
            return ["class", *named, bases, facts["special"], facts["hash"], facts["async"], there]
        return ["function", *named, function_facts(value)[3]]

    def do_get(self, owner: Any, name: str) -> Any:
        """An attribute."""
        return getattr(owner, name)

    def do_set(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute."""
        setattr(owner, name, value)

    def do_del(self, owner: Any, name: str) -> None:
        """Delete an attribute."""
        delattr(owner, name)

    def do_call(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call a function or class."""
        return function(*args, **kwargs)

    def do_method(self, owner: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call a method."""
        return getattr(owner, name)(*args, **kwargs)

    def do_special(self, owner: Any, name: str, args: list[Any]) -> Any:
        """Call a special method as operators do."""
        return getattr(type(owner), name)(owner, *args)

    def do_equal(self, owner: Any, others: list[Any]) -> list[Any]:
        """``owner == other`` for each of them, as its class sees it."""
        equal: Any = type(owner).__eq__
        answers = [equal(owner, other) for other in others]
        return [answer if answer is NotImplemented else bool(answer) for answer in answers]

    def do_std(self, module: str, name: str, args: list[Any]) -> Any:
        """Call a function of the standard library on objects of this side."""
        return getattr(importlib.import_module(module), name)(*args)

    def do_repr(self, value: Any) -> str:
        """As ``repr``."""
        return str(repr(value))

    def do_str(self, value: Any) -> str:
        """As ``str``."""
        return str(value)

    def do_dir(self, value: Any) -> list[str]:
        """As ``dir``."""
        return list(dir(value))

    def do_members(self, cls: Any) -> list[Any]:
        """Members of an enumeration, or items of any other class that can be iterated."""
        return list(cls)

    def do_item(self, cls: Any, name: Any) -> Any:
        """``cls[name]``."""
        return cls[name]

    def do_await(self, coroutine: Any) -> Any:
        """Run a coroutine to its end, in one event loop for the whole evaluation."""
        import asyncio

        if self.coroutines is None:
            self.coroutines = asyncio.new_event_loop()
        asyncio.set_event_loop(self.coroutines)
        return self.coroutines.run_until_complete(coroutine)

    def do_signature(self, owner: Any, name: str) -> list[Any]:
        """Parameters: name, kind, whether there is a default, the default, the annotation as text."""
        function = getattr(owner, name) if name else owner
        empty = inspect.Parameter.empty
        found = []
        for parameter in inspect.signature(function).parameters.values():
            default = None if parameter.default is empty else parameter.default
            annotation = None if parameter.annotation is empty else parameter.annotation
            found.append([parameter.name, parameter.kind.name, parameter.default is not empty, default, annotation])
        return found

    def do_classes(self) -> list[Any]:
        """Module, name and special methods of every class of the candidate's modules that load."""
        for name in sorted(self.modules):
            with contextlib.suppress(BaseException):
                self._module(name)
        return [
            [value.__module__, value.__qualname__, remote.special_methods(value), self.public(value), self.bases(value)]
            for name in sorted(self.modules & sys.modules.keys())
            for value in list(vars(sys.modules[name]).values())
            if isinstance(value, type) and value.__module__ == name
        ]

    def public(self, cls: type) -> list[str]:
        """Public names of a class."""
        return [name for name in dir(cls) if not name.startswith("_")]

    def bases(self, cls: type) -> list[str]:
        """Full names of those bases that the tests' side is told of."""
        return [
            f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__[1:] if self.encode_base(base) is not None
        ]

    def do_patch(self, module: str, owner: str, name: str, value: Any, is_back: bool) -> None:
        """Replace an attribute of a library's module or class, or put back what was there."""
        target: Any = importlib.import_module(module)
        for part in filter(None, owner.split(".")):
            target = getattr(target, part)
        key = (module, owner, name)
        if is_back:
            if key in self.patches:
                missing, before = self.patches.pop(key)
                delattr(target, name) if missing else setattr(target, name, before)
            return
        if key not in self.patches:
            self.patches[key] = (not hasattr(target, name), getattr(target, name, None))
        setattr(target, name, value)

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
        return module not in self.modules and module != "__main__" and importable(obj) is not None

    def encode_module(self, module: types.ModuleType) -> Any:
        """The candidate's own modules are known by name."""
        return ["P", module.__name__, ""] if module.__name__ in self.modules else ["m", module.__name__]

    def encode_function(self, function: Any) -> Any:
        """A function of one of the modules is known by name."""
        named = self.pinned.get(id(function))
        if named is not None:
            return ["P", *named, "F", *function_facts(function)]
        return ["F", self.export(function), *function_facts(function)]

    def encode_type(self, cls: type) -> Any:
        """A class of one of the modules is known by name."""
        named = self.pinned.get(id(cls))
        if named is None:
            return super().encode_type(cls)
        bases = [found for base in cls.__mro__[1:] if (found := self.encode_base(base)) is not None]
        return ["P", *named, "C", cls.__qualname__, str(cls.__module__), bases, remote.describe(cls)]

    def find(self, module: str, name: str) -> Any:
        """Anything that can be imported."""
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        return found

    def find_module(self, name: str) -> Any:
        """Any module."""
        return importlib.import_module(name)

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
    Candidate(sock, spec["modules"], spec["box"].rstrip("/") + "/").serve_forever()
    os._exit(0)


__all__ = ["Candidate", "run"]
