"""The codec between tests and candidate: plain values by copy, everything else by reference.

JSON scalars stand for themselves; the rest is a list whose first entry says what it is::

    ["x", class, ...]                     other immutable values: the class, and what it is made of
    ["c", key, kind, extra, items]        a mutable container, sent first
    ["o", key]                            what both sides know
    ["h", ...] ["T", ...] ["E", ...]      an object, class, exception that is sent first: objects.py

Both sides keep one table of what has gone across, by key: integers, even ones of the tests', odd ones of the
candidate's, or ``module:name`` for what the candidate's modules hold. Containers are shared: a list that one side
changes is changed for the other when it gets to run, as in one process. No pickle: only the classes below are ever
called with what was sent, and only with plain arguments.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import sys
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

from .errors import ProtocolError, Unsupported

_SCALARS = frozenset({type(None), bool, int, float, str})
MAX_DEPTH = 120
MAX_SHARED = 20_000

_CONTAINERS: dict[str, Any] = {
    cls.__name__: cls for cls in (list, dict, set, bytearray, OrderedDict, Counter, deque, defaultdict)
}
# immutable class -> what a value of it is made of; None for what ``__reduce_ex__`` says
_MADE_OF: dict[type, Callable[[Any], Iterable[Any]] | None] = {
    tuple: list,
    frozenset: list,
    slice: lambda value: (value.start, value.stop, value.step),
    bytes: lambda value: [value.decode("latin-1"), "latin-1"],
    complex: lambda value: [value.real, value.imag],
    type(...): lambda value: [],
    type(NotImplemented): lambda value: [],
    uuid.UUID: lambda value: [str(value)],
    **dict.fromkeys((range, datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone)),
    **dict.fromkeys((decimal.Decimal, fractions.Fraction, pathlib.PosixPath, pathlib.PurePosixPath)),
}
_MAKE: dict[str, Callable[..., Any]] = {cls.__name__: cls for cls in _MADE_OF}
_MAKE |= {"tuple": lambda *items: items, "frozenset": lambda *items: frozenset(items)}
_OF_ANYTHING = frozenset({"tuple", "frozenset", "slice"})
_PARTS = _SCALARS | {bytes, datetime.timedelta, datetime.timezone}  # what the others are made of
COPIED = frozenset({*_SCALARS, *_CONTAINERS.values(), *_MADE_OF}) - {type(None)}


def _entries(container: Any) -> list[Any]:
    """What it holds; of a mapping, keys and values in turn."""
    return [part for pair in container.items() for part in pair] if isinstance(container, dict) else list(container)


class Codec:
    """One side's encoder and decoder; subclasses say how objects are described and stood in for.

    Attributes:
        objects: What has gone across, by key.
        keys: The key of each, by its identity.
        shared: Of the containers among them, the entries when both sides last agreed.
    """

    def __init__(self, first_key: int) -> None:
        self._next_key = first_key
        self.objects: dict[Any, Any] = {}
        self.keys: dict[int, Any] = {}
        self.shared: dict[int, list[Any]] = {}

    def new_key(self, value: Any) -> Any:
        """A key for what has none."""
        self._next_key += 2
        return self._next_key

    def know(self, value: Any, key: Any = None) -> Any:
        """Keep what goes across; its key, which is new unless it is given."""
        key = self.new_key(value) if key is None else key
        self.objects[key], self.keys[id(value)] = value, key
        return key

    def is_far(self, value: Any) -> bool:
        """Whether something is known, and the other side's."""
        key = self.keys.get(id(value))
        return key is not None and (type(key) is str or (key - self._next_key) % 2 != 0)

    def encode(self, value: Any, depth: int = 0) -> Any:
        """A JSON value for ``value``.

        Raises:
            Unsupported: It cannot go to the other side.
        """
        kind: Any = type(value)
        if kind in _SCALARS:
            return value
        if (key := self.keys.get(id(value))) is not None and not isinstance(value, BaseException):
            return ["o", key]
        if depth > MAX_DEPTH:
            raise Unsupported("a value that is nested too deeply")
        if kind in _MADE_OF:
            made_of, name = _MADE_OF[kind], kind.__name__
            parts = list(value.__reduce_ex__(4)[1] if made_of is None else made_of(value))
            if name not in _OF_ANYTHING and any(type(part) not in _PARTS for part in parts):
                raise Unsupported(f"a {name} with more to it")
            return ["x", name, *self._items(parts, depth)]
        if kind not in _CONTAINERS.values():
            return self.encode_object(value)
        extra = value.maxlen if kind is deque else self.encode(getattr(value, "default_factory", None), depth + 1)
        key = self.know(value)
        self._share(key)
        return ["c", key, kind.__name__, extra, self._items(self.shared[key], depth)]

    def _items(self, items: Any, depth: int) -> list[Any]:
        if len(items) > 32 and set(map(type, items)) <= _SCALARS:
            return list(items)
        return [self.encode(item, depth + 1) for item in items]

    def _share(self, key: int) -> None:
        if len(self.shared) >= MAX_SHARED:
            raise Unsupported(f"more than {MAX_SHARED:,} containers at once")  # each is looked at with every message
        self.shared[key] = _entries(self.objects[key])

    def encode_object(self, value: Any) -> Any:
        """A reference to what is no plain value, when it is sent first."""
        raise NotImplementedError

    def decode(self, data: Any) -> Any:
        """The value of what :meth:`encode` gave.

        Raises:
            ProtocolError: It is not of that form.
        """
        if type(data) is not list:
            if type(data) is dict:
                raise ProtocolError("a mapping where a value was expected")
            return data
        form = data[0] if data and isinstance(data[0], str) else ""
        if form == "o":
            return self.objects[data[1]] if data[1] in self.objects else self.find(str(data[1]))
        if form == "c":
            return self._decode_container(*data[1:])
        if form != "x":
            return self.decode_object(form, *data[1:])
        parts = [self.decode(part) for part in data[2:]]
        if data[1] not in _OF_ANYTHING and any(type(part) not in _PARTS for part in parts):
            raise ProtocolError(f"a {data[1]} of what is not plain")
        return _MAKE[data[1]](*parts)

    def _decode_container(self, key: Any, kind: str, extra: Any, contents: list[Any]) -> Any:
        if type(key) is not int or key in self.objects or (key - self._next_key) % 2 == 0:
            raise ProtocolError("a container that is none")
        cls: Any = _CONTAINERS[kind]
        extra = self.decode(extra)
        value = cls(maxlen=extra) if cls is deque else cls(extra) if cls is defaultdict else cls()
        self.know(value, key)
        self._share(key)
        self._fill(key, contents)
        return value

    def _fill(self, key: int, contents: list[Any]) -> None:
        """Make a container that both sides hold have these entries, in place."""
        value = self.objects[key]
        items = [self.decode(item) for item in contents]
        value.clear()
        if isinstance(value, dict):
            for name, item in zip(items[::2], items[1::2], strict=True):
                value[name] = item
        else:
            (value.update if isinstance(value, set) else value.extend)(items)
        self.shared[key] = _entries(value)

    def find(self, key: str) -> Any:
        """What a key stands for that is not known yet.

        Raises:
            ProtocolError: Nothing.
        """
        raise ProtocolError(f"a key that was never sent: {key[:80]!r}")

    def decode_object(self, form: str, *data: Any) -> Any:
        """What :meth:`encode_object` described: a stand-in."""
        raise NotImplementedError

    # what both sides hold

    def changes(self) -> list[Any]:
        """``[key, contents]`` of every container whose entries are not those that the sides last agreed on."""
        found = []
        for key, seen in list(self.shared.items()):
            now = _entries(self.objects[key])
            if len(now) != len(seen) or any(a is not b for a, b in zip(now, seen, strict=True)):
                found.append([key, self._items(now, 0)])
                self.shared[key] = now
        return found

    def take_changes(self, changes: list[Any]) -> None:
        """Bring containers to the state that the other side sent."""
        for key, contents in changes:
            if key in self.shared:
                self._fill(key, contents)

    def unheld(self) -> list[int]:
        """Keys of containers that nothing else on this side holds."""
        return [key for key in self.shared if sys.getrefcount(self.objects[key]) <= 2]  # the table's, and the call's

    def forget(self, keys: Iterable[Any]) -> None:
        """The other side no longer holds these containers, or never got what has these keys."""
        for key in keys:
            self.shared.pop(key, None)
            self.keys.pop(id(self.objects.pop(key, None)), None)
