"""The codec between tests and candidate: plain values by copy, everything else by reference.

JSON scalars stand for themselves; the rest is a list whose first entry says what it is::

    ["i", hex]  ["t", ...]  ["f", ...]  ["s", ...]            integers, tuples, frozen sets, slices
    ["x", class, ...]                                         other immutable values: values.py
    ["c", key, kind, extra, items]                            a mutable container, seen first
    ["=", key]                                                a container that both sides know
    ["h", key, type]  ["o", key]                              an object of the sender's, of the receiver's
    ["F", key, ...]  ["T", key, ...]  ["E", error]            a function, class, exception of the sender's
    ["g", module, name]                                       a class that both have
    ["P", module, name, ...]                                  a name of one of the candidate's modules

Containers are shared: a list that one side changes is changed for the other when it gets to run, as in one process.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

from . import values
from .errors import ProtocolError, Unsupported

_SCALARS = frozenset({type(None), bool, str, float})
_SMALL = 1 << 62
MAX_DEPTH = 120
MAX_SHARED = 20_000

_KINDS: dict[Any, str] = {cls: cls.__name__ for cls in (list, dict, set, OrderedDict, Counter, deque, defaultdict)}
_MAKE: dict[str, Callable[[Any], Any]] = {name: lambda extra, cls=cls: cls() for cls, name in _KINDS.items()}  # type: ignore[misc]
_MAKE |= {"deque": lambda extra: deque(maxlen=extra), "defaultdict": lambda extra: defaultdict(extra)}
_SEQUENCES = {tuple: "t", frozenset: "f"}
COPIED = frozenset({bool, int, float, str, slice, *_SEQUENCES, *_KINDS, *values.CLASSES})


def _entries(container: Any) -> list[Any]:
    """What it holds; of a mapping, keys and values in turn."""
    return [part for pair in container.items() for part in pair] if isinstance(container, dict) else list(container)


class Codec:
    """One side's encoder and decoder; subclasses say how objects are described and stood in for.

    Attributes:
        shared: Key to a container that both sides hold, and to its entries when the sides last agreed.
    """

    def __init__(self, first_key: int) -> None:
        self._next_key = first_key  # even on one side, odd on the other
        self.shared: dict[int, list[Any]] = {}
        self.shared_keys: dict[int, int] = {}
        self.exports: dict[int, Any] = {}
        self.export_keys: dict[int, int] = {}

    def new_key(self) -> int:
        """A key that neither side has used."""
        self._next_key += 2
        return self._next_key

    def encode(self, value: Any, depth: int = 0) -> Any:
        """A JSON value for ``value``.

        Raises:
            Unsupported: It cannot go to the other side.
        """
        kind: Any = type(value)
        if kind in _SCALARS:
            return value
        if kind is int:
            return value if -_SMALL < value < _SMALL else ["i", hex(value)]
        if depth > MAX_DEPTH:
            raise Unsupported("a value that is nested too deeply")
        if (name := _KINDS.get(kind)) is not None:
            return self._encode_container(value, name, depth)
        if kind in _SEQUENCES:
            return [_SEQUENCES[kind], *self._items(value, depth)]
        if kind is slice:
            return ["s", *self._items((value.start, value.stop, value.step), depth)]
        return ["x", *self._items(values.parts(value), depth)] if kind in values.CLASSES else self.encode_object(value)

    def _items(self, items: Any, depth: int) -> list[Any]:
        if len(items) > 32 and set(map(type, items)) <= _SCALARS:
            return list(items)
        return [self.encode(item, depth + 1) for item in items]

    def _encode_container(self, value: Any, kind: str, depth: int) -> Any:
        key = self.shared_keys.get(id(value))
        if key is not None:
            return ["=", key]
        key = self.new_key()
        extra = value.maxlen if kind == "deque" else self.encode(getattr(value, "default_factory", None), depth + 1)
        self._share(key, value)
        return ["c", key, kind, extra, self._items(_entries(value), depth)]

    def _share(self, key: int, value: Any) -> None:
        if len(self.shared) >= MAX_SHARED:
            raise Unsupported(f"more than {MAX_SHARED:,} containers at once")  # each is looked at with every message
        self.shared[key] = [value, _entries(value)]
        self.shared_keys[id(value)] = key

    def encode_object(self, value: Any) -> Any:
        """A reference to an object that is no plain value."""
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
        if form == "c":
            return self._decode_container(data)
        if form == "=":
            return self.shared[data[1]][0]
        if form == "i":
            return int(data[1], 16)
        if form == "x":
            return values.made(data[1], [self.decode(item) for item in data[2:]])
        if form in _MADE_OF_ITEMS:
            return _MADE_OF_ITEMS[form]([self.decode(item) for item in data[1:]])
        return self.decode_reference(form, data)

    def _decode_container(self, data: list[Any]) -> Any:
        _, key, kind, extra, contents = data
        if type(key) is not int or key in self.shared or kind not in _MAKE or (key - self._next_key) % 2 == 0:
            raise ProtocolError("a container that is none")
        value = _MAKE[kind](self.decode(extra))
        self._share(key, value)
        self._fill(key, contents)
        return value

    def _fill(self, key: int, contents: list[Any]) -> None:
        """Make a container that both sides hold have these entries, in place."""
        value = self.shared[key][0]
        items = [self.decode(item) for item in contents]
        value.clear()
        if isinstance(value, dict):
            for name, item in zip(items[::2], items[1::2], strict=True):
                value[name] = item
        elif isinstance(value, set):
            value.update(items)
        else:
            value.extend(items)
        self.shared[key][1] = _entries(value)

    def decode_reference(self, form: str, data: list[Any]) -> Any:
        """What a reference stands for on this side."""
        raise NotImplementedError

    # what both sides hold

    def changes(self) -> list[Any]:
        """``[key, contents]`` of every container whose entries are not those that the sides last agreed on."""
        found = []
        for key, (value, seen) in list(self.shared.items()):
            now = _entries(value)
            if len(now) != len(seen) or any(a is not b for a, b in zip(now, seen, strict=True)):
                self.shared[key][1] = now
                found.append([key, self._items(now, 0)])
        return found

    def take_changes(self, changes: list[Any]) -> None:
        """Bring containers to the state that the other side sent."""
        for key, contents in changes:
            if key in self.shared:
                self._fill(key, contents)

    def release(self) -> list[int]:
        """Let go of containers that nothing else on this side holds; their keys."""
        released: list[int] = []
        before = -1
        while before != len(released):
            before = len(released)
            for key in list(self.shared):
                if sys.getrefcount(self.shared[key][0]) <= 2:  # the entry's own, and the call's
                    self.forget(key)
                    released.append(key)
        return released

    def forget(self, key: int) -> None:
        """The other side no longer holds this container."""
        if key in self.shared:
            self.shared_keys.pop(id(self.shared.pop(key)[0]), None)

    def export(self, value: Any) -> int:
        """A key for an object of this side."""
        key = self.export_keys.get(id(value))
        if key is None:
            key = self.export_keys[id(value)] = self.new_key()
            self.exports[key] = value
        return key


_MADE_OF_ITEMS: dict[str, Callable[[list[Any]], Any]] = {"t": tuple, "f": frozenset, "s": lambda items: slice(*items)}
