"""Objects on the wire: how one side describes what it holds, and what stands for it on the other."""

from __future__ import annotations

import types
from collections.abc import Collection
from typing import Any

from . import remote
from .codec import COPIED, Codec
from .errors import (
    FRAMES,
    ORIGIN,
    CandidateError,
    ProtocolError,
    Unsupported,
    arguments,
    find_class,
    frames,
    remade,
    text_of,
)  # fmt: skip
from .remote import CLASS_KEY, KEY, SPECIAL, TEXT, RemoteFunction, RemoteType

_COROUTINES = (types.CoroutineType, types.AsyncGeneratorType)


class Objects(Codec):
    """A codec that knows stand-ins.

    Args:
        first_key: 0 for the tests, 1 for the candidate.
        modules: Names of the candidate's modules.

    Attributes:
        unsupported: What could not be carried, a few words each, the first twenty.
        refusals: How often that was so.
    """

    root = "\0"  # frames of files below it are told of

    def __init__(self, first_key: int, modules: Collection[str]) -> None:
        super().__init__(first_key)
        self.modules = frozenset(modules)
        self.stand_ins: dict[int, Any] = {}
        self.unsupported: list[str] = []
        self.refusals = 0

    def refuse(self, what: str) -> Unsupported:
        """Note what is not carried, so that the run's last record says it; the error to raise."""
        self.refusals += 1
        if len(self.unsupported) < 20:
            self.unsupported.append(what[:200])
        return Unsupported(f"{what} cannot go between the tests' and the candidate's process")

    def is_foreign(self, obj: Any) -> bool:
        """Whether a class comes from a library, so that both sides may have it."""
        raise NotImplementedError

    def find_named(self, module: str, name: str, facts: list[Any]) -> Any:
        """A name of one of the candidate's modules."""
        raise NotImplementedError

    def permitted(self, module: str, name: str, bases: list[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Special methods of a class of the other side that may be called there, and others that may not."""
        return SPECIAL, frozenset()

    # encoding

    def encode_object(self, value: Any) -> Any:
        """A reference to a stand-in, class, exception, function or any other object."""
        kind = type(value)
        key = None
        if kind is RemoteFunction:
            key = value.__dict__[KEY]
        elif isinstance(value, RemoteType):
            key = value.__dict__.get(CLASS_KEY)
        elif isinstance(kind, RemoteType) and CLASS_KEY in kind.__dict__:
            key = object.__getattribute__(value, KEY)
        if key is not None:
            return ["P", *key] if isinstance(key, tuple) else ["o", key]
        if isinstance(value, type):
            return self.encode_class(value)
        if isinstance(value, BaseException):
            return ["E", self.encode_error(value)]
        if callable(value) and isinstance(getattr(value, "__name__", None), str):
            return self.encode_function(value)
        return self.encode_instance(value)

    def encode_function(self, function: Any) -> Any:
        """A function by key, with its name and module."""
        return ["F", self.export(function), *function_facts(function)]

    def encode_class(self, cls: type) -> Any:
        """A class of a library by name, any other by what it is."""
        return ["g", cls.__module__, cls.__qualname__] if self.is_foreign(cls) else self.encode_type(cls)

    def encode_type(self, cls: type) -> Any:
        """A class by key, described when it is sent first."""
        known = id(cls) in self.export_keys
        key = self.export(cls)
        return ["T", key] if known else ["T", key, *self.class_facts(cls)]

    def class_facts(self, cls: type) -> list[Any]:
        """Names, bases and methods of a class."""
        bases = [self.encode_class(base) for base in self.bases(cls)]
        return [cls.__qualname__, str(cls.__module__), bases, remote.describe(cls)]

    def bases(self, cls: type) -> list[type]:
        """Those bases that mean something on the other side."""
        bases = [base for base in cls.__mro__[1:] if base is not object]
        return [base for base in bases if issubclass(base, BaseException) or not self.is_foreign(base)]

    def encode_instance(self, value: Any) -> Any:
        """An object of this side, by key and class.

        Raises:
            Unsupported: Only a copy would be of use on the other side, and this one cannot be copied.
        """
        if isinstance(value, types.ModuleType) and value.__name__ in self.modules:
            return ["P", value.__name__, ""]
        cls: Any = type(value)
        base = next((base for base in cls.__mro__ if base in COPIED), list)
        is_library = cls.__eq__ is not object.__eq__ and self.is_foreign(cls)
        if isinstance(value, _COROUTINES) or is_library or not issubclass(base, (list, dict, set)):
            raise Unsupported(f"a {cls.__name__}")
        return ["h", self.export(value), self.encode_type(cls)]

    def encode_error(self, error: BaseException, depth: int = 0) -> Any:
        """An exception as JSON: class, arguments, text, frames, what led to it."""
        if ORIGIN in vars(error):
            return {"o": vars(error)[ORIGIN]}
        cls = type(error)
        text = text_of(error)
        try:
            args = [self.encode(argument) for argument in arguments(error)]
        except Unsupported as problem:
            self.refuse(str(problem))
            args = [text]
        if self.is_foreign(cls) and any(not name.startswith("_") for name in vars(error)):
            self.refuse(f"the attributes of a {cls.__name__}")
        chain = (error.__cause__, error.__context__) if depth < 3 else (None, None)
        return {
            "cls": self.encode_class(cls),
            "args": args,
            "text": text,
            "frames": frames(error, self.root),
            "key": self.export(error),
            "bare": error.__suppress_context__,
            "chain": [other and self.encode_error(other, depth + 1) for other in chain],
            "notes": [str(note) for note in getattr(error, "__notes__", [])],
        }

    # decoding

    def decode_reference(self, form: str, data: list[Any]) -> Any:
        """What a reference stands for on this side."""
        if form == "o":
            return self.exports[data[1]]
        if form == "E":
            return self.decode_error(data[1])
        if form == "P":
            return self.find_named(data[1], data[2], data[3:])
        if form == "g":
            found = self.find_class(str(data[1]), str(data[2]))
            if found is None:
                raise self.refuse(f"the class {data[1]}.{data[2]}")
            return found
        if form not in ("F", "T", "h") or type(data[1]) is not int:
            raise ProtocolError(f"an unknown form of value: {str(data)[:80]}")
        if data[1] not in self.stand_ins:
            make: Any = {"F": RemoteFunction, "T": self.make_class, "h": self._instance}[form]
            self.stand_ins[data[1]] = make(*data[1:])
        return self.stand_ins[data[1]]

    def _instance(self, key: int, data: Any) -> Any:
        cls: Any = self.decode(data)
        if not isinstance(cls, RemoteType):
            raise ProtocolError("an object of a class that is none")
        make: Any = cls.__new__
        found = make(cls)
        object.__setattr__(found, KEY, key)
        return found

    def make_class(self, key: Any, name: str, module: str, bases: list[Any], facts: dict[str, Any]) -> type:
        """A stand-in for a class of the other side, below those of its bases."""
        found = [base for base in map(self._base, bases) if base is not None]
        lowest = [base for base in found if not any(base is not other and issubclass(other, base) for other in found)]
        permitted = self.permitted(str(module), str(name), [full_name(base) for base in found])
        cls = remote.make_class(str(name), str(module), lowest, facts, *permitted)
        type.__setattr__(cls, CLASS_KEY, key)
        return cls

    def _base(self, data: Any) -> type | None:
        """A base: a stand-in or an exception; None for any other."""
        base: Any = self.find_class(str(data[1]), str(data[2])) if data[0] == "g" else self.decode(data)
        # the first of them would stop the test run
        is_error = isinstance(base, type) and issubclass(base, BaseException) and base is not KeyboardInterrupt
        return base if is_error or isinstance(base, RemoteType) else None

    def find_class(self, module: str, name: str) -> type | None:
        """A library's class that is an exception or a plain value; None for any other."""
        return find_class(module, name)

    def decode_error(self, data: Any) -> BaseException:
        """The exception to raise on this side."""
        if "o" in data:
            found = self.exports.get(data["o"])
            return found if isinstance(found, BaseException) else CandidateError("an exception that nobody raised")
        cls = self._base(data["cls"])
        args = tuple([self.decode(argument) for argument in data["args"]])
        error: BaseException = CandidateError(f"{str(data['cls'][-1])[:200]}: {data['text']}")
        if cls is not None and issubclass(cls, BaseException):
            error = remade(cls, args)
        key = int(data["key"])
        if isinstance(type(error), RemoteType):
            error.__dict__.update({KEY: key, TEXT: str(data["text"])})
        error.__dict__.update({ORIGIN: key, FRAMES: [str(line) for line in data["frames"]][:40]})
        error.__cause__, error.__context__ = [other and self.decode_error(other) for other in data["chain"]]
        for note in data["notes"]:
            error.add_note(str(note))
        error.__suppress_context__ = bool(data["bare"])
        return error


def function_facts(function: Any) -> list[Any]:
    """Name and module."""
    module = getattr(function, "__module__", None)
    return [str(function.__name__), module if isinstance(module, str) else None]


def full_name(cls: type) -> str:
    """Module and qualified name."""
    return f"{cls.__module__}.{cls.__qualname__}"
