"""The tests' side: the candidate's modules as stand-ins. This process never loads a line of the candidate's code."""

from __future__ import annotations

import os
import random
import socket
import sys
import unittest
from collections.abc import Collection
from pathlib import PurePath
from typing import Any

from .candidate_modules import CandidateModule
from .decoys import COUNT, unlike
from .errors import ORIGIN, CandidateGone
from .peer import Peer
from .remote import PLAIN_NAMES, SPECIAL, UNARY, RemoteType
from .surroundings import FOLDER, Surroundings, watch_patches

__tracebackhide__ = True  # in what pytest shows of a failure
_FREE = frozenset({"names", "get", "probe", "classes"})  # what test modules may do while they are staged
_OPEN_MODULES = frozenset({"_io", "io", "unittest.mock"})  # whose objects a candidate may look into
_NAMES = frozenset({"__name__", "__qualname__", "__doc__"})  # what a decorator copies
_EQUAL = frozenset({"__eq__", "__ne__"})  # asked among decoys: see Tests._equal


class Tests(Peer):
    """The tests' end of the wire.

    Args:
        sock: Connected to the untouched project.
        spec: ``modules`` of the candidate, ``tests_root``, ``box``.

    Attributes:
        classes: Those of the untouched project: module, name, special methods, public names, bases.
        taken: Module and name of all that was taken from the candidate's modules.
        tampered: Whether nothing that this candidate did counts, not what it did before either.
        trusted: Whether it is the project's own code.
    """

    __test__ = False

    def __init__(self, sock: socket.socket, spec: dict[str, Any]) -> None:
        super().__init__(sock, 0, spec["modules"])
        self.tests_root = spec["tests_root"].rstrip("/") + "/"
        self.used = False  # anything but names was asked for
        self.tampered = False
        self.trusted = False
        self.taken: list[tuple[str, str]] = []
        self.exports: dict[str, list[str]] = {}
        self._offer_modules()
        folders = (spec["box"], spec["tests_root"])
        self.surroundings = Surroundings(self.refuse, {FOLDER: lambda: os.getcwd() in folders})
        watch_patches(self.refuse, self._is_carried)
        classes = self.request("classes")
        self.classes = {(str(module), str(name)): facts for module, name, *facts in classes}

    def _offer_modules(self) -> None:
        for name in self.modules:
            if name not in sys.modules or isinstance(sys.modules[name], CandidateModule):  # pytest's own stays
                sys.modules[name] = CandidateModule(name, self.taken, self.exports)
                self.know(sys.modules[name], f"{name}:")

    def knows_names_only(self) -> bool:
        """Whether nothing else is known, so that what is known means the same for any other candidate."""
        return not self.used and all(type(key) is str for key in self.objects)

    def begin_anew(self) -> None:
        """Forget what was learnt of the untouched project while tests were imported, but for what it exports."""
        self.objects.clear()
        self.keys.clear()
        self.shared.clear()
        for name in self.modules:
            self.exports.setdefault(name, [])
        self._offer_modules()

    # the wire

    def request(self, op: str, *args: Any) -> Any:
        """Ask the candidate.

        Raises:
            BaseException: What it raised; CandidateGone if it is no longer there or breaks the protocol.
        """
        if self.gone:
            raise self.over("the process has ended")
        if op not in _FREE:
            self.used = True
        if op == "special" and any(map(self._is_their_file, [*args[-2], *dict(args[-1]).values()])):
            raise self.refuse("a file of the tests' own folder")
        return super().request(op, *args)

    def _is_their_file(self, value: Any) -> bool:
        """Whether it names a file that only the tests have."""
        named = isinstance(value, str | PurePath) and str(value).startswith(self.tests_root)
        return named and os.path.exists(value)

    def _tampered(self, what: str) -> CandidateGone:
        self.tampered = True
        return self.over(f"it tampers: {what}")

    # what the candidate may ask of objects that the tests gave it

    def serve(self, message: dict[str, Any]) -> None:
        """Answer a request, if it is about an object that the tests gave: spelt by its key, and nothing else."""
        match message["q"]:
            case [str(), ["o", int(key)], *_] if key % 2 == 0:
                super().serve(message)
            case _:
                raise self.over("a request about an object that the tests did not give")

    def handle(self, op: str, args: list[Any]) -> Any:
        """Do it, or refuse."""
        target, name, *more = args
        if op == "get":
            return self._attribute(target, str(name))
        if op == "special" and name in SPECIAL:
            return getattr(type(target), name)(target, *more[0], **dict(more[1]))
        raise self.refuse(f"{op!r} of an object of the tests")

    def _attribute(self, target: Any, name: str) -> Any:
        module = type(target).__module__
        if name in _NAMES and callable(target):
            return getattr(target, name)
        if name.startswith("_"):
            raise AttributeError(f"{type(target).__name__!r} object has no attribute {name!r} for the candidate")
        is_open = module in _OPEN_MODULES or self.is_own(module)
        if not is_open or (isinstance(target, unittest.TestCase) and hasattr(unittest.TestCase, name)):
            raise self.refuse(f"{name} of a {type(target).__name__} of the tests")
        return getattr(target, name)

    # references

    def _is_carried(self, value: Any, module: str) -> bool:
        """Whether a change of it is the tests' own, pytest's, or goes to the candidate."""
        is_far = isinstance(value, CandidateModule) or self.is_far(value)
        return is_far or module.startswith("_pytest") or self.is_own(module)

    def is_own(self, module: Any) -> bool:
        """Whether it is of the tests."""
        return (getattr(sys.modules.get(module), "__file__", None) or "").startswith(self.tests_root)

    def may_name(self, key: Any) -> bool:
        """What is the same for every candidate has a name: what their modules hold, the class of functions."""
        return type(key) is str or super().may_name(key)

    def permitted(self, module: str, name: str, bases: list[str]) -> tuple[Collection[str], Collection[str]]:
        """What sees another operand, or has the name of a plain value's method, only where the project has it, too."""
        special, public, known = self.classes.get((module, name), ((), (), None))
        if known != bases:
            special = public = ()
        return UNARY | _EQUAL | set(special), PLAIN_NAMES - set(public)

    # comparison

    def special(self, stand_in: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a special method; a context manager never sees what an assertion says, and cannot silence it."""
        if name == "__eq__":
            return self._equal(stand_in, *args)
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

    def _equal(self, stand_in: Any, other: object) -> Any:
        """Ask for ``stand_in == other`` among comparisons that must fail; an object equal to those is equal to nothing.

        Raises:
            CandidateGone: It was equal to a decoy.
        """
        draw = random.Random(os.urandom(8))
        decoys = [] if stand_in is other else [unlike(other, draw) for _ in range(COUNT)]
        asked = [*[decoy for decoy in decoys if isinstance(type(other), RemoteType) or decoy != other], other]
        draw.shuffle(order := list(range(len(asked))))
        said = self.request("equal", stand_in, [asked[number] for number in order])
        if type(said) is not list or len(said) != len(order):
            raise self.over("an answer that is none")
        answers = dict(zip(order, said, strict=True))
        meant = len(asked) - 1
        equal = [number for number, answer in answers.items() if answer is not NotImplemented and answer]
        if meant in equal and len(equal) > 1:  # to one of them alone it may be equal: 8's neighbour is 7
            raise self._tampered("an object that is equal to too much")
        return answers[meant]
