"""The tests' side: the candidate's modules as stand-ins. This process never loads a line of the candidate's code."""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import socket
import sys
import unittest
from collections.abc import Sequence
from typing import Any

from .candidate_modules import CandidateModule, Finder
from .decoys import COUNT, unlike
from .errors import ORIGIN, CandidateGone, ProtocolError, importable
from .files import Watched, grant
from .peer import Peer
from .remote import PLAIN_NAMES, SPECIAL, UNARY, RemoteFunction, RemoteType
from .surroundings import Surroundings, watch_patches

_FREE = frozenset({"import", "get", "probe", "classes"})  # what test modules may do while they are staged
_OPEN_MODULES = frozenset({"_io", "io", "unittest.mock"})  # whose objects a candidate may look into
_EQUAL = frozenset({"__eq__", "__ne__"})  # asked among decoys: see Tests.equal


class Tests(Peer):
    """The tests' end of the wire.

    Args:
        sock: Connected to the candidate; may be given later.
        spec: ``modules`` of the candidate, ``packages`` among them, ``tests_root``, ``grants``; once staged also
            ``trusted``, the classes of the untouched project, and ``exports``.
    """

    __test__ = False

    def __init__(self, sock: socket.socket | None, spec: dict[str, Any]) -> None:
        super().__init__(sock, 0, spec["modules"])  # type: ignore[arg-type]
        self.tests_root = spec["tests_root"].rstrip("/") + "/"
        self.grants = spec["grants"]
        self.trust(spec.get("trusted", ()))
        self.named: dict[tuple[str, str], Any] = {}
        self.used = False  # anything but names was asked for
        self.tampered = False
        self.watched = Watched()
        self.enforces = True
        self.finder = Finder(spec["modules"], spec["packages"], spec.get("exports"))
        sys.meta_path.insert(0, self.finder)
        self.surroundings = Surroundings(self.refuse, (spec["box"], spec["tests_root"]))
        watch_patches(self.refuse, self._is_carried)

    def trust(self, classes: Sequence[Sequence[Any]]) -> None:
        """Know the classes of the untouched project: module, name, special methods, public names, bases."""
        self.classes_of_project = list(classes)
        self.trusted = {(str(module), str(name)): facts for module, name, *facts in classes}

    # the wire

    def request(self, op: str, *args: Any) -> Any:
        """Ask the candidate.

        Raises:
            BaseException: What it raised; CandidateGone if it is no longer there or breaks the protocol.
        """
        __tracebackhide__ = True
        if self.gone:
            raise self.over("the process has ended")
        if op not in _FREE:
            self.used = True
        if op in ("call", "method"):
            grant([*args[-2], *args[-1].values()], self.tests_root, self.grants)
        self.check_watched()
        answer = super().request(op, *args)
        self.check_watched()
        return answer

    def check_watched(self) -> None:
        """Raises CandidateGone if a file of the project is not what it was."""
        if self.watched.look() and self.enforces:
            raise self._tampered(f"a change of {min(self.watched.changed)}, which is the project's")

    def is_over(self) -> bool:
        """Whether nothing that is said from now on counts."""
        if not self.gone:
            with contextlib.suppress(CandidateGone):
                self.check_watched()
        return self.gone

    def look(self) -> list[str]:
        """The candidate is told nothing."""
        self.surroundings.look()
        return []

    def take_refusals(self, words: list[Any]) -> None:
        """The candidate's are the run's."""
        for what in words:
            self.refuse(str(what))

    def _tampered(self, what: str) -> CandidateGone:
        """Nothing that this candidate did counts, not what it did before either."""
        self.tampered = True
        return self.over(f"it tampers: {what}")

    # what the candidate may ask of objects that the tests gave it

    def serve(self, message: dict[str, Any]) -> None:
        """Answer a request, if it is about an object that the tests gave: spelt by its key, and nothing else."""
        payload = message["q"]
        if type(payload) is not list or len(payload) < 2 or type(payload[1]) is not list or payload[1][:1] != ["o"]:
            raise self.over("a request about an object that the tests did not give")
        super().serve(message)

    def handle(self, op: str, args: list[Any]) -> Any:
        """Do it, or refuse."""
        target, *more = args
        if op == "call":
            return target(*more[0], **more[1])
        if op == "get":
            return self._attribute(target, str(more[0]))
        if op == "method":
            return self._attribute(target, str(more[0]))(*more[1], **more[2])
        if op == "special" and more[0] in SPECIAL:
            return getattr(type(target), more[0])(target, *more[1], **more[2])
        raise self.refuse(f"{op!r} of an object of the tests")

    def _attribute(self, target: Any, name: str) -> Any:
        module = type(target).__module__
        if name.startswith("_"):
            raise AttributeError(f"{type(target).__name__!r} object has no attribute {name!r} for the candidate")
        is_open = module in _OPEN_MODULES or self._is_of_tests(module)
        if not is_open or (isinstance(target, unittest.TestCase) and hasattr(unittest.TestCase, name)):
            raise self.refuse(f"{name} of a {type(target).__name__} of the tests")
        return getattr(target, name)

    # references

    def _is_carried(self, value: Any, module: str) -> bool:
        """Whether a change of it is the tests' own, pytest's, or goes to the candidate."""
        is_far = isinstance(value, (CandidateModule, RemoteType, RemoteFunction)) or isinstance(type(value), RemoteType)
        return is_far or module.startswith("_pytest") or self._is_of_tests(module)

    def _is_of_tests(self, module: Any) -> bool:
        return (getattr(sys.modules.get(module), "__file__", None) or "").startswith(self.tests_root)

    def is_foreign(self, obj: Any) -> bool:
        """Whether a class comes from a library."""
        return not self._is_of_tests(getattr(obj, "__module__", None)) and importable(obj)

    def find_class(self, module: str, name: str) -> type | None:
        """As for any peer, but none of the tests' own."""
        return None if self._is_of_tests(module) else super().find_class(module, name)

    def find_named(self, module: str, name: str, facts: list[Any]) -> Any:
        """The stand-in for a name of one of the candidate's modules."""
        if module not in self.modules:
            raise ProtocolError(f"a name of the module {module!r}")
        if not name:
            return importlib.import_module(module)
        key = (module, name)
        if key not in self.named:
            make: Any = RemoteFunction if facts[0] == "F" else self.make_class
            self.named[key] = make(key, *facts[1:])
        return self.named[key]

    def permitted(self, module: str, name: str, bases: list[str]) -> tuple[frozenset[str], frozenset[str]]:
        """What sees another operand, or has the name of a plain value's method, only where the project has it, too."""
        special, public, known = self.trusted.get((module, name), ((), (), None))
        if known != bases:
            special = public = ()
        return UNARY | _EQUAL | set(special), PLAIN_NAMES - set(public)

    # comparison

    def special(self, stand_in: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a special method; a context manager never sees what an assertion says, and cannot silence it."""
        __tracebackhide__ = True
        if name != "__exit__" or len(args) != 3:
            return super().special(stand_in, name, args, kwargs)
        error = args[1]
        if error is None or ORIGIN in vars(error) or isinstance(type(error), RemoteType):
            return super().special(stand_in, name, (args[0], error, None), {})
        from _pytest.outcomes import OutcomeException

        super().special(stand_in, name, (AssertionError, AssertionError(), None), {})
        if not isinstance(error, (AssertionError, OutcomeException)):
            self.refuse("an exception of the tests' own through a context manager")
        return False

    def equal(self, stand_in: Any, other: object) -> Any:
        """Ask for ``stand_in == other`` among comparisons that must fail; an object equal to those is equal to nothing.

        Raises:
            CandidateGone: It was equal to a decoy.
        """
        __tracebackhide__ = True
        draw = random.Random(os.urandom(8))
        decoys = [] if stand_in is other else [unlike(other, draw) for _ in range(COUNT)]
        decoys = [decoy for decoy in decoys if isinstance(type(other), RemoteType) or decoy != other]
        asked = [*decoys, other]
        order = list(range(len(asked)))
        draw.shuffle(order)
        said = self.request("equal", stand_in, [asked[number] for number in order])
        if type(said) is not list or len(said) != len(order):
            raise self.over("an answer that is none")
        answers = dict(zip(order, said, strict=True))
        equal = [number for number, answer in answers.items() if answer is not NotImplemented and answer]
        if len(decoys) in equal and len(equal) > 1:  # to one of them alone it may be equal: 8's neighbour is 7
            raise self._tampered("an object that is equal to too much")
        return answers[len(decoys)]
