"""The codec between tests and candidate: plain values by copy, everything else by reference.

JSON scalars stand for themselves; the rest is a list whose first entry says what it is::

    ["i", hex]  ["t", ...]  ["f", ...]  ["x", kind, ...]      immutable: integers, tuples, frozen sets, plain.py
    ["c", key, kind, extra, items]                            a mutable container, seen first
    ["=", key]                                                a container that both sides know
    ["h", key, type, base]  ["o", key]                        an object of the sender's, of the receiver's
    ["g", module, name]  ["m", module]                        a class or function that both can import, a module
    ["T", description]  ["P", module, name]                   a class of the sender's, a name of the candidate's module

Containers are shared: a list that one side changes is changed for the other when it gets to run, as in one process.
"""

from __future__ import annotations

import collections
import sys
from typing import Any

from . import frames, plain
from .plain import Unsupported

_SCALARS = frozenset({type(None), bool, str, float})
_SMALL = 1 << 62
MAX_DEPTH = 120
MAX_SHARED = 20_000

_COUNTER, _DEQUE, _ORDERED = collections.Counter, collections.deque, collections.OrderedDict
_KINDS: dict[type, str] = {
    list: "list", dict: "dict", set: "set", bytearray: "bytearray",
    collections.OrderedDict: "ordered", collections.Counter: "counter", collections.deque: "deque",
    collections.defaultdict: "defaultdict",
}  # fmt: skip
_FRAMES = ("frame", "series")
_MAPPINGS = ("dict", "ordered", "counter", "defaultdict")


class ProtocolError(Exception):
    """The other side sent what it may not send."""


class Shared:
    """A container that both sides hold: the object, and what it held when the sides last agreed."""

    __slots__ = ("kind", "obj", "seen")

    def __init__(self, obj: Any, kind: str) -> None:
        self.obj, self.kind = obj, kind
        self.seen: Any = ()

    def agree(self) -> None:
        """Remember the state."""
        self.seen = self._state()

    def changed(self) -> bool:
        """Whether it differs from what was remembered, entry by entry and by identity."""
        if self.kind in _FRAMES:
            return not frames.is_same(self.obj, self.seen)
        state = self._state()
        if self.kind in ("bytearray", "set", "array"):
            return bool(state != self.seen)
        return len(state) != len(self.seen) or any(a is not b for a, b in zip(state, self.seen, strict=True))

    def _state(self) -> Any:
        if self.kind == "bytearray":
            return bytes(self.obj)
        if self.kind == "array":
            return self.obj.tobytes()
        if self.kind in _FRAMES:
            return frames.state(self.obj)
        if self.kind == "set":
            return frozenset(self.obj)
        if self.kind in _MAPPINGS:
            return [part for pair in self.obj.items() for part in pair]
        return list(self.obj)


class Codec:
    """One side's encoder and decoder; subclasses say how objects are described and stood in for."""

    def __init__(self, first_key: int) -> None:
        self._next_key = first_key  # even on one side, odd on the other
        self.shared: dict[int, Shared] = {}
        self.shared_keys: dict[int, int] = {}
        self.exports: dict[int, Any] = {}
        self.export_keys: dict[int, int] = {}

    def new_key(self) -> int:
        """A key that neither side has used."""
        self._next_key += 2
        return self._next_key

    # encoding

    def encode(self, value: Any, depth: int = 0) -> Any:
        """A JSON value for ``value``.

        Raises:
            Unsupported: It cannot go to the other side.
        """
        kind = type(value)
        if kind in _SCALARS:
            return value
        if kind is int:
            return value if -_SMALL < value < _SMALL else ["i", hex(value)]
        if depth > MAX_DEPTH:
            raise Unsupported("a value that is nested too deeply")
        if kind is tuple:
            return ["t", *self._items(value, depth)]
        if kind in _KINDS:
            return self._encode_container(value, _KINDS[kind], depth)
        if kind is frozenset:
            return ["f", *self._items(value, depth)]
        if kind is slice:
            return ["s", *self._items((value.start, value.stop, value.step), depth)]
        if plain.is_array(value):
            return self._encode_container(value, "array", depth)
        frame = frames.kind_of(value)
        if frame is not None:
            return self._encode_container(value, frame, depth)
        found = plain.encode(value)
        return found if found is not None else self.encode_object(value, depth)

    def _items(self, items: Any, depth: int) -> list[Any]:
        depth += 1
        if len(items) > 32 and set(map(type, items)) <= _SCALARS:
            return list(items)
        return [self.encode(item, depth) for item in items]

    def _encode_container(self, value: Any, kind: str, depth: int) -> Any:
        key = self.shared_keys.get(id(value))
        if key is not None:
            return ["=", key]
        key = self.new_key()
        shared = self.share(key, value, kind)
        encoded = ["c", key, kind, self._extra(value, kind, depth), self._contents(value, kind, depth)]
        shared.agree()
        return encoded

    def share(self, key: int, value: Any, kind: str) -> Shared:
        """Know a container from now on.

        Raises:
            Unsupported: There are too many: each is looked at with every message.
        """
        if len(self.shared) >= MAX_SHARED:
            raise Unsupported(f"more than {MAX_SHARED:,} containers at once")
        shared = self.shared[key] = Shared(value, kind)
        self.shared_keys[id(value)] = key
        return shared

    def _extra(self, value: Any, kind: str, depth: int) -> Any:
        if kind == "deque":
            return value.maxlen
        if kind == "array":
            return ["x", "shape", value.dtype.str, list(value.shape)]
        return self.encode(value.default_factory, depth + 1) if kind == "defaultdict" else None

    def _contents(self, value: Any, kind: str, depth: int) -> Any:
        if kind == "bytearray":
            return value.decode("latin-1")
        if kind == "array":
            return plain.array_text(value)
        if kind in _FRAMES:
            return frames.contents(value, lambda part: self.encode(part, depth + 1))
        if kind in _MAPPINGS:
            return self._items([part for pair in list(value.items()) for part in pair], depth)
        return self._items(list(value), depth)

    def encode_object(self, value: Any, depth: int) -> Any:
        """A reference to an object that is no plain value."""
        raise Unsupported(f"a {type(value).__name__}")

    # decoding

    def decode(self, data: Any) -> Any:
        """The value of what :meth:`encode` gave.

        Raises:
            ProtocolError: It is not of that form.
        """
        if type(data) is not list:
            if type(data) is dict:
                raise ProtocolError("a mapping where a value was expected")
            return data
        handler = _DECODE.get(data[0]) if data and isinstance(data[0], str) else None
        if handler is None:
            raise ProtocolError(f"an unknown form of value: {str(data)[:80]}")
        return handler(self, data)

    def _decode_container(self, data: list[Any]) -> Any:
        _, key, kind, extra, contents = data
        if type(key) is not int or key in self.shared or kind not in _MAKE or (key - self._next_key) % 2 == 0:
            raise ProtocolError("a container that is none")
        value = _MAKE[kind](self.decode(extra))
        shared = self.share(key, value, kind)
        self._fill(value, kind, contents)
        shared.agree()
        return value

    def _fill(self, value: Any, kind: str, contents: Any) -> None:
        """Make an existing container hold ``contents``, in place."""
        if kind == "bytearray":
            value[:] = contents.encode("latin-1")
            return
        if kind == "array":
            plain.fill_array(value, contents)
            return
        if kind in _FRAMES:
            frames.fill(value, contents, self.decode)
            return
        items = [self.decode(item) for item in contents]
        if kind == "list":
            value[:] = items
            return
        value.clear()
        if kind in _MAPPINGS:
            for name, item in zip(items[::2], items[1::2], strict=True):
                dict.__setitem__(value, name, item)
        elif kind == "set":
            value.update(items)
        else:
            value.extend(items)

    def decode_reference(self, data: list[Any]) -> Any:
        """What a reference stands for on this side."""
        raise ProtocolError("a reference where a plain value was expected")

    # containers that both sides hold

    def changes(self) -> list[Any]:
        """``[key, contents]`` of every shared container that changed since the sides last agreed."""
        found = []
        for key, shared in list(self.shared.items()):
            if shared.changed():
                found.append([key, self._contents(shared.obj, shared.kind, 0)])
                shared.agree()
        return found

    def take_changes(self, changes: list[Any]) -> None:
        """Bring containers to the state that the other side sent."""
        for key, contents in changes:
            shared = self.shared.get(key)
            if shared is not None:
                self._fill(shared.obj, shared.kind, contents)
                shared.agree()

    def release(self) -> list[int]:
        """Let go of containers that nothing else on this side holds; their keys."""
        released: list[int] = []
        going = True
        while going:
            going = False
            for key in list(self.shared):
                shared = self.shared[key]
                if sys.getrefcount(shared.obj) <= 2:  # the entry's own, and the call's
                    self.forget(key)
                    released.append(key)
                    going = True
        return released

    def forget(self, key: int) -> None:
        """The other side no longer holds this container."""
        shared = self.shared.pop(key, None)
        if shared is not None:
            self.shared_keys.pop(id(shared.obj), None)


def _known(codec: Codec, data: list[Any]) -> Any:
    shared = codec.shared.get(data[1])
    if shared is None:
        raise ProtocolError("a container that nobody sent")
    return shared.obj


def _hashable(codec: Codec, data: list[Any]) -> frozenset[Any]:
    return frozenset(codec.decode(item) for item in data[1:])


_DECODE: dict[str, Any] = {
    "i": lambda codec, data: int(data[1], 16),
    "t": lambda codec, data: tuple([codec.decode(item) for item in data[1:]]),
    "f": _hashable,
    "s": lambda codec, data: slice(*[codec.decode(item) for item in data[1:]]),
    "x": lambda codec, data: plain.decode(data),
    "c": Codec._decode_container,
    "=": _known,
    **dict.fromkeys("hobgmFTPE", lambda codec, data: codec.decode_reference(data)),
}
_MAKE: dict[str, Any] = {
    "list": lambda extra: [],
    "dict": lambda extra: {},
    "set": lambda extra: set(),
    "bytearray": lambda extra: bytearray(),
    "ordered": lambda extra: _ORDERED(),
    "counter": lambda extra: _COUNTER(),
    "deque": lambda extra: _DEQUE(maxlen=extra),
    "defaultdict": lambda extra: collections.defaultdict(extra),
    "array": lambda extra: extra,
    "frame": lambda extra: frames.empty("frame"),
    "series": lambda extra: frames.empty("series"),
}
