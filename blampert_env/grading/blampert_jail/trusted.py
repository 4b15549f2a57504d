"""The tests' side: the candidate's modules as stand-ins. This process never loads a line of the candidate's code."""

from __future__ import annotations

import builtins
import contextlib
import dataclasses
import dis
import functools
import importlib
import importlib.abc
import importlib.machinery
import os
import random
import shutil
import socket
import sys
import types
import unittest
from collections.abc import Sequence
from typing import Any

from . import mirror, remote
from .decoys import COUNT, unlike
from .errors import CandidateError, CandidateGone, find_class, importable
from .patches import run_remotely, watch_patches
from .peer import Peer
from .plain import Unsupported
from .remote import CLASS_KEY, RemoteFunction, RemoteObject, RemoteType
from .stand_in_modules import CandidateModule, Finder
from .wire import ProtocolError

_FREE = frozenset({"import", "get", "probe", "classes"})  # what test modules may do while they are staged
# objects whose attributes lead into the interpreter
_CLOSED = (
    types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, types.GeneratorType,
    types.CoroutineType, types.AsyncGeneratorType, types.FrameType, types.CodeType, types.TracebackType,
    functools.partial,
)  # fmt: skip
_CLOSED_MODULES = frozenset({"_pytest", "pytest", "pluggy", "sys", "importlib", "gc", "inspect", "ctypes"})


class Tests(Peer):
    """The tests' end of the wire.

    Args:
        sock: Connected to the candidate; may be given later.
        spec: ``modules`` of the candidate, ``packages`` among them, ``tests_root``, ``trusted`` special methods.
    """

    __test__ = False

    def __init__(self, sock: socket.socket | None, spec: dict[str, Any]) -> None:
        super().__init__(sock, 0)  # type: ignore[arg-type]
        self.modules = frozenset(spec["modules"])
        self.packages = frozenset(spec["packages"])
        self.tests_root = spec["tests_root"].rstrip("/") + "/"
        self.grants = spec["grants"]
        self.trust(spec.get("trusted", ()))
        self.exports_allowed: dict[str, list[str]] | None = spec.get("exports")
        self.exported: dict[str, list[str]] = {}
        self.named: dict[tuple[str, str], Any] = {}
        self.gets: list[list[Any]] = []  # names that test modules took from the candidate's while they were staged
        self.imported: list[str] = []
        self.used = False  # anything but names was asked for
        self.gone = self.tampered = False
        self.unsupported: list[str] = []
        self.state = mirror.State()
        self.state.random = bool(spec.get("random"))
        self.state.believes = False
        self.state.follows = bool(spec.get("cwd"))
        self.patched: list[Any] = []
        self.watched: list[str] = []
        self.seen: list[Any] = []
        self.changed: set[str] = set()
        self.enforces = True
        remote.use(self)
        sys.meta_path.insert(0, Finder(self))
        run_remotely(dataclasses, "asdict", "astuple", "fields", "replace", "is_dataclass")
        watch_patches(self)

    def trust(self, classes: Sequence[Sequence[Any]]) -> None:
        """Know the classes of the untouched project: module, name, special methods, public names, bases."""
        self.classes_of_project = list(classes)
        self.trusted = {(str(module), str(name)): facts for module, name, *facts in classes}
        self.described: Sequence[Any] | None = None  # of the class that is being made, if the project has it

    # the wire

    def request(self, op: str, *args: Any) -> Any:
        """Ask the candidate.

        Raises:
            BaseException: What it raised; CandidateGone if it is no longer there or breaks the protocol.
        """
        __tracebackhide__ = True
        if self.gone:
            raise CandidateGone("the candidate's process has ended")
        if op not in _FREE:
            self.used = True
        try:
            while self.patched:
                super().request("patch", *self.patched.pop(0))
            if op in ("call", "method"):
                self._grant([*args[-2], *args[-1].values()])
            self.check_watched()
            answer = super().request(op, *args)
            self.check_watched()
            return answer
        except Unsupported as error:
            self.unsupported.append(str(error))
            raise TypeError(f"{error} cannot be given to the candidate's process") from None
        except (EOFError, OSError) as error:
            if isinstance(error, OSError) and "__blampert_frames__" in vars(error):
                raise  # the candidate's own
            self.gone = True
            raise CandidateGone("the candidate's process has ended") from None

    def _watched(self) -> list[Any]:
        """What identifies each file of the project that both sides can read."""
        found: list[Any] = []
        for path in self.watched:
            try:
                info = os.stat(path, follow_symlinks=False)
                found.append((info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns))
            except OSError:
                found.append(None)
        return found

    def watch(self, paths: list[str]) -> None:
        """From now on these files must stay what they are."""
        self.watched = paths
        self.seen = self._watched()

    def check_watched(self) -> None:
        """A candidate that changes a file of the project could change what the tests compare with.

        Raises:
            CandidateGone: It did.
        """
        now = self._watched()
        if now == self.seen:
            return
        self.changed |= {path for path, old, new in zip(self.watched, self.seen, now, strict=True) if old != new}
        if self.enforces:
            raise self._tampered(f"a change of {sorted(self.changed)[0]}, which is the project's")

    def is_over(self) -> bool:
        """Whether nothing that is said from now on counts."""
        if not self.gone:
            with contextlib.suppress(CandidateGone):
                self.check_watched()
        return self.gone

    def _grant(self, values: list[Any]) -> None:
        """Files of the tests' own folder that they name to the candidate can be read by it."""
        for value in values:
            if isinstance(value, (str, os.PathLike)) and str(value).startswith(self.tests_root):
                path = os.path.normpath(str(value))
                target = os.path.join(self.grants, os.path.relpath(path, self.tests_root))
                if path.startswith(self.tests_root) and os.path.exists(path) and not os.path.exists(target):
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    if os.path.isdir(path):
                        shutil.copytree(path, target, ignore=shutil.ignore_patterns("*.py"))
                    elif not path.endswith(".py"):
                        shutil.copyfile(path, target)

    def _receive(self) -> dict[str, Any]:
        try:
            return super()._receive()
        except (ValueError, RecursionError, MemoryError, ProtocolError) as error:
            raise self._broken(error) from None

    def decode_message(self, message: dict[str, Any], kind: str) -> Any:
        """The payload; whatever does not follow the protocol ends the candidate."""
        try:
            value = super().decode_message(message, kind)
        except (CandidateGone, Warning):
            raise
        except Exception as error:
            raise self._broken(error) from None
        return value

    def decode_error(self, data: Any) -> BaseException:
        """As for any peer; what would stop the test run becomes a plain failure."""
        error = super().decode_error(data)
        if isinstance(error, KeyboardInterrupt):
            stand_in = CandidateError(f"KeyboardInterrupt: {error}")
            stand_in.__dict__.update(vars(error))
            return stand_in
        return error

    def _tampered(self, what: str) -> CandidateGone:
        """Nothing that this candidate did counts, not what it did before either."""
        self.tampered = True
        return self._broken(ValueError(what))

    def _broken(self, error: BaseException) -> CandidateGone:
        self.gone = True
        return CandidateGone(f"the candidate broke the protocol: {error}"[:300])

    def extras(self) -> dict[str, Any]:
        """The tests' environment, working folder and random numbers, if they changed."""
        return self.state.changes(self)

    def take_extras(self, message: dict[str, Any]) -> None:
        """The candidate's output and state."""
        self.state.take(message, self)
        mirror.replay(message, self.find)

    # what the candidate may ask of objects that the tests gave it

    def serve(self, message: dict[str, Any]) -> None:
        """Answer a request, if it is about an object that the tests gave: spelt by its key, and nothing else."""
        payload = message["q"]
        if type(payload) is not list or len(payload) < 2 or not _is_own(payload[1]):
            raise self._broken(ProtocolError("a request about an object that the tests did not give"))
        super().serve(message)

    def decode_reference(self, data: list[Any]) -> Any:
        """As for any peer; a method is one of an object that the tests gave, and a public one."""
        if data[0] == "b":
            if not _is_own(data[1]):
                raise ProtocolError("a method of an object that the tests did not give")
            return self._attribute(self.decode(data[1]), str(data[2]))
        return super().decode_reference(data)

    def make_class(self, name: str, module: str, bases: list[Any], description: dict[str, Any]) -> type:
        """As for any peer; bases are stand-ins, exceptions, and the immutable built-ins."""
        kept = [base for base in bases if self._may_be_base(self.decode(base))]
        names = [f"{base.__module__}.{base.__qualname__}" for base in map(self.decode, kept)]
        facts = self.trusted.get((module, name))
        self.described = facts if facts is not None and list(facts[2]) == names else None
        cls = super().make_class(name, module, kept, description)
        # a method that no class of the project has could answer what a test wants to hear
        own = frozenset(facts[1]) if facts is not None and list(facts[2]) == names else frozenset()
        type.__setattr__(cls, remote.CLOSED, remote.PLAIN_NAMES - own)
        return cls

    def _may_be_base(self, base: Any) -> bool:
        if not isinstance(base, type):
            return False
        return isinstance(base, RemoteType) or issubclass(base, BaseException) or base in remote.BASES.values()

    def handle(self, op: str, args: list[Any]) -> Any:
        """Do it, or refuse."""
        target = args[0] if args else None
        if op == "call":
            return target(*args[1], **args[2])  # type: ignore[misc]
        if op == "method":
            return self._attribute(target, args[1])(*args[2], **args[3])
        if op == "get":
            return self._attribute(target, args[1])
        if op == "set" and self._may_set(target, str(args[1])):
            return setattr(target, args[1], args[2])
        if op == "special" and args[1] in remote.SPECIAL | {"__hash__"}:
            return getattr(type(target), args[1])(target, *args[2])
        if op in ("repr", "str"):
            return str(repr(target) if op == "repr" else target)
        if op == "members" and isinstance(target, type):
            return list(target)  # type: ignore[call-overload]
        raise AttributeError(f"the tests' objects do not allow {op!r} from the candidate's process")

    def _attribute(self, target: Any, name: str) -> Any:
        top = str(type(target).__module__).partition(".")[0]
        is_closed = isinstance(target, _CLOSED) or top in _CLOSED_MODULES
        if isinstance(target, unittest.TestCase) and hasattr(unittest.TestCase, name):
            is_closed = True
        if name.startswith("_") or is_closed:
            raise AttributeError(f"{type(target).__name__!r} object has no attribute {name!r} for the candidate")
        return getattr(target, name)

    def _may_set(self, target: Any, name: str) -> bool:
        """Plain data of an instance of the tests' own classes, never what could be called."""
        if name.startswith("_") or not self._is_of_tests(type(target)) or isinstance(target, (type, unittest.TestCase)):
            return False
        return not hasattr(type(target), name) and not callable(getattr(target, name, None))

    def _is_of_tests(self, cls: type) -> bool:
        module = sys.modules.get(cls.__module__)
        return str(getattr(module, "__file__", "")).startswith(self.tests_root)

    # references

    def is_foreign(self, obj: Any) -> bool:
        """Whether a class or function comes from a library."""
        module = sys.modules.get(getattr(obj, "__module__", None) or "")
        file = getattr(module, "__file__", None) or ""
        return not file.startswith(self.tests_root) and importable(obj) is not None

    def encode_module(self, module: types.ModuleType) -> Any:
        """The candidate's modules are known by name."""
        return ["P", module.__name__, ""] if isinstance(module, CandidateModule) else ["m", module.__name__]

    def reference(self, value: Any) -> Any:
        """As for any peer; names carry no facts on the way back."""
        found = super().reference(value)
        return found[:3] if found is not None and found[0] == "P" else found

    def find(self, module: str, name: str) -> Any:
        """A class of a library that is an exception or a plain value; a text in the place of any other.

        Functions never come by name: what the tests hold of them calls back to where they came from.
        """
        found = find_class(str(module), str(name))
        file = str(getattr(sys.modules.get(str(module)), "__file__", "") or "")
        return _UNKNOWN if found is None or file.startswith(self.tests_root) else found

    def find_module(self, name: str) -> Any:
        """A library's module that is loaded on this side."""
        module = sys.modules.get(str(name))
        file = str(getattr(module, "__file__", "") or "")
        if module is None or file.startswith(self.tests_root) or str(name).partition(".")[0] in _CLOSED_MODULES:
            raise ProtocolError(f"the module {name!r}")
        return module

    def find_named(self, module: str, name: str, facts: list[Any]) -> Any:
        """The stand-in for a name of one of the candidate's modules."""
        if module not in self.modules:
            raise ProtocolError(f"a name of the module {module!r}")
        if not name:
            return importlib.import_module(module)
        key = (module, name)
        if key not in self.named:
            if facts[0] == "F":
                from .peer import function_facts_of

                self.named[key] = RemoteFunction(key, *function_facts_of(facts[1:]))
            else:
                _, qualname, home, bases, description = facts
                self.named[key] = cls = self.make_class(qualname, home, bases, description)
                type.__setattr__(cls, CLASS_KEY, key)
        return self.named[key]

    def allowed(self, module: str, name: str, special: list[str]) -> set[str]:
        """Those that see another operand only where the untouched project defines them, too."""
        known = self.described[0] if self.described is not None else ()
        return {method for method in special if method.strip("_") in remote.UNARY or method in known}

    def public(self, module: str, names: Sequence[Any]) -> list[str]:
        """What a star import takes: names that the untouched project offers, none of the language's own."""
        found = [str(name) for name in names if not str(name).startswith("_") and not hasattr(builtins, str(name))]
        if self.exports_allowed is not None:
            found = [name for name in found if name in self.exports_allowed.get(module, ())]
        self.exported[module] = found
        return found

    # comparison

    def special(self, stand_in: Any, name: str, args: tuple[Any, ...]) -> Any:
        """Call a special method; a context manager never sees what an assertion says, and cannot silence it."""
        __tracebackhide__ = True
        if name != "__exit__" or len(args) != 3:
            return super().special(stand_in, name, args)
        error = args[1]
        if error is None or "__blampert_origin__" in vars(error):
            return super().special(stand_in, name, (args[0], error, None))
        if _is_of_a_check(error):
            super().special(stand_in, name, (AssertionError, AssertionError(), None))
            return False
        return super().special(stand_in, name, (args[0], error, None))

    def equal(self, stand_in: Any, other: object) -> Any:
        """Ask for ``stand_in == other`` among comparisons that must fail; an object equal to those is equal to nothing.

        Raises:
            CandidateGone: It was equal to a decoy.
        """
        __tracebackhide__ = True
        draw = random.Random(os.urandom(8))
        decoys = [] if stand_in is other else [unlike(other, draw) for _ in range(COUNT)]
        decoys = [decoy for decoy in decoys if isinstance(other, RemoteObject) or decoy != other]
        asked = [*decoys, other]
        order = list(range(len(asked)))
        draw.shuffle(order)
        said = self.request("equal", stand_in, [asked[number] for number in order])
        if type(said) is not list or len(said) != len(order):
            raise self._broken(ProtocolError("an answer that is none"))
        answers = dict(zip(order, said, strict=True))
        equal = [number for number, answer in answers.items() if answer is not NotImplemented and answer]
        if len(decoys) in equal and len(equal) > 1:  # to one of them alone it may be equal: 8's neighbour is 7
            raise self._tampered("an object that is equal to too much")
        return answers[len(decoys)]

    def text(self, op: str, stand_in: Any) -> str:
        """Its ``repr`` or ``str``; never fails in a message about a failure."""
        if self.gone:
            return f"<{type(stand_in).__name__} of the candidate>"
        return super().text(op, stand_in)


def _is_of_a_check(error: BaseException) -> bool:
    """Whether a test failed with it: an assertion, a verdict of pytest's, or what a wrong value does elsewhere."""
    from _pytest.outcomes import OutcomeException

    if isinstance(error, (AssertionError, OutcomeException)):
        return True
    if not isinstance(error, (TypeError, LookupError, AttributeError)):
        return False
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is None or dis.opname[trace.tb_frame.f_code.co_code[trace.tb_lasti]] != "RAISE_VARARGS"


def _is_own(data: Any) -> bool:
    """Whether a reference is to an object of the tests."""
    return type(data) is list and len(data) == 2 and data[0] == "o" and type(data[1]) is int


_UNKNOWN = "an object of a library that the tests do not know"


__all__ = ["Tests"]
