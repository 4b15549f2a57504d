"""Objects on the wire: how one side describes what it holds, and what stands for it on the other.

["h", key, class]                                        an object, functions among them
["T", key, name, module, bases, special methods]         a class
["g", module, name]                                      a class that both have
["E", key, class, arguments, text, notes, ...]           an exception, with what led to it
"""

from __future__ import annotations

import types
from collections.abc import Collection
from typing import Any

from . import remote
from .codec import COPIED, Codec
from .errors import ORIGIN, CandidateError, ProtocolError, Unsupported, arguments, find_class, imported, remade, text_of
from .remote import SPECIAL, RemoteType

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

    def __init__(self, first_key: int, modules: Collection[str]) -> None:
        super().__init__(first_key)
        self.modules = frozenset(modules)
        self.unsupported: list[str] = []
        self.refusals = 0

    def refuse(self, what: str) -> Unsupported:
        """Note what is not carried, so that the run's last record says it; the error to raise."""
        self.refusals += 1
        if len(self.unsupported) < 20:
            self.unsupported.append(what[:200])
        return Unsupported(f"{what} cannot go between the tests' and the candidate's process")

    def is_own(self, module: Any) -> bool:
        """Whether a module is this side's own, and no library's that both may have."""
        raise NotImplementedError

    def is_foreign(self, obj: Any) -> bool:
        """Whether a class or function comes from a library, so that both sides may have it."""
        module = getattr(obj, "__module__", None)
        return not self.is_own(module) and imported(module, getattr(obj, "__qualname__", "")) is obj

    def permitted(self, module: str, name: str, bases: list[str]) -> tuple[Collection[str], Collection[str]]:
        """Special methods of a class of the other side that may be called there, and others that may not."""
        return SPECIAL, ()

    # encoding

    def encode_object(self, value: Any) -> Any:
        """What is sent first: a class, an exception, any other object.

        Raises:
            Unsupported: Only a copy would be of use on the other side, and this one cannot be copied.
        """
        if isinstance(value, type):
            return self.encode_class(value)
        if isinstance(value, BaseException):
            return self.encode_error(value)
        cls: Any = type(value)
        base = next((base for base in cls.__mro__ if base in COPIED), list)
        is_data = cls.__eq__ is not object.__eq__ and self.is_foreign(cls) and not callable(value)
        if isinstance(value, _COROUTINES) or is_data or not issubclass(base, (list, dict, set)):
            raise Unsupported(f"a {cls.__name__}")
        return ["h", self.know(value), self.encode_type(cls)]

    def encode_class(self, cls: type) -> Any:
        """A class of a library by name, any other by what it is."""
        return ["g", cls.__module__, cls.__qualname__] if self.is_foreign(cls) else self.encode_type(cls)

    def encode_type(self, cls: type) -> Any:
        """A class by key; described when it is sent first."""
        if (key := self.keys.get(id(cls))) is not None:
            return ["o", key]
        if isinstance(cls, RemoteType):
            raise Unsupported(f"the class {cls.__name__}, which extends one of the other side,")
        bases = [self.encode_class(base) for base in self.bases(cls)]
        return ["T", self.know(cls), cls.__qualname__, str(cls.__module__), bases, remote.special_of(cls)]

    def bases(self, cls: type) -> list[type]:
        """Those bases that mean something on the other side."""
        bases = [base for base in cls.__mro__[1:] if base is not object]
        return [base for base in bases if issubclass(base, BaseException) or not self.is_foreign(base)]

    def encode_error(self, error: BaseException, depth: int = 0) -> Any:
        """An exception, and up to three that led to it."""
        if ORIGIN in vars(error):
            return ["o", vars(error)[ORIGIN]]
        cls, text = type(error), text_of(error)
        try:
            args = [self.encode(argument) for argument in arguments(error)]
        except Unsupported as problem:
            self.refuse(str(problem))
            args = [text]
        if self.is_foreign(cls) and any(not name.startswith("_") for name in vars(error)):
            self.refuse(f"the attributes of a {cls.__name__}")
        known = [self.know(error, self.keys.get(id(error))), self.encode_class(cls), args, text]
        notes = [str(note) for note in getattr(error, "__notes__", [])]
        chain = (error.__cause__, error.__context__) if depth < 3 else (None, None)
        led = [other and self.encode_error(other, depth + 1) for other in chain]
        return ["E", *known, notes, error.__suppress_context__, *led]

    # decoding

    def decode_object(self, form: str, *data: Any) -> Any:
        """What stands for it here; for what is known already, what stood for it before."""
        if form == "g":
            found = self._library(*data)
            if found is None:
                raise self.refuse(f"the class {data[0]}.{data[1]}")
            return found
        if form == "E":
            return self._error(*data)
        make: Any = {"h": self._instance, "T": self._class}.get(form)
        key = data[0] if data else None
        if make is None or not self.may_name(key):
            raise ProtocolError(f"an unknown form of value: {form[:80]}")
        made = make(*data[1:])  # in any case: it holds others that may be new
        if key not in self.objects:
            self.know(made, key)
        return self.objects[key]

    def may_name(self, key: Any) -> bool:
        """Whether the other side may give something this key."""
        return type(key) is int and (key - self._next_key) % 2 != 0

    def _instance(self, data: Any) -> Any:
        cls: Any = self.decode(data)
        if not isinstance(cls, RemoteType):
            raise ProtocolError("an object of a class that is none")
        make: Any = cls.__new__
        return make(cls)

    def _class(self, name: str, module: str, bases: list[Any], special: list[str]) -> type:
        """A stand-in for a class of the other side, below those of its bases."""
        found = [base for base in map(self._base, bases) if base is not None]
        lowest = [base for base in found if not any(base is not other and issubclass(other, base) for other in found)]
        permitted = self.permitted(str(module), str(name), [full_name(base) for base in found])
        return remote.make_class(str(name), str(module), lowest, special, *permitted)

    def _base(self, data: Any) -> type | None:
        """A base: a stand-in or an exception; None for any other."""
        base: Any = self._library(data[1], data[2]) if data[0] == "g" else self.decode(data)
        # the first of them would stop the test run
        is_error = isinstance(base, type) and issubclass(base, BaseException) and base is not KeyboardInterrupt
        return base if is_error or isinstance(base, RemoteType) else None

    def _library(self, module: Any, name: Any) -> type | None:
        return None if self.is_own(module) else find_class(str(module), str(name))

    def _error(
        self, key: Any, data: Any, args: list[Any], text: str, notes: list[Any], bare: Any, *chain: Any
    ) -> BaseException:
        """The exception to raise on this side, which does not keep it: it knows where it is from."""
        cls = self._base(data)
        values = tuple([self.decode(argument) for argument in args])
        error: BaseException = CandidateError(f"{str(data[-1])[:200]}: {text}")
        if cls is not None and issubclass(cls, BaseException):
            error = remade(cls, values)
        vars(error).update({remote.TEXT: str(text), ORIGIN: key})
        error.__cause__, error.__context__ = [other and self.decode(other) for other in chain]
        for note in notes:
            error.add_note(str(note))
        error.__suppress_context__ = bool(bare)
        return error


def full_name(cls: type) -> str:
    """Module and qualified name."""
    return f"{cls.__module__}.{cls.__qualname__}"
