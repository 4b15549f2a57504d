"""Peer: one end of the wire between tests and candidate; requests may go both ways and nest."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import types
import weakref
from typing import Any

from . import remote
from .errors import CandidateError, frames, text_of
from .plain import Unsupported
from .remote import CLASS_KEY, KEY, RemoteFunction, RemoteMethod, RemoteObject, RemoteType
from .wire import Codec, ProtocolError

_LENGTH = struct.Struct("!I")
MAX_MESSAGE = 64 * 2**20


class Peer(Codec):
    """Sends requests and serves those that come back meanwhile.

    Args:
        sock: Connected to the other side.
        first_key: 0 for the tests, 1 for the candidate.
    """

    root = "\0"

    def __init__(self, sock: socket.socket, first_key: int) -> None:
        super().__init__(first_key)
        self.sock = sock
        self.lock = threading.RLock()
        self.dropped: list[Any] = []
        self.stand_ins: dict[Any, Any] = {}  # key -> weak reference to the object that stands for it
        self.classes: dict[Any, type] = {}

    # the wire

    def request(self, op: str, *args: Any) -> Any:
        """Ask the other side and wait for its answer.

        Raises:
            BaseException: What was raised there.
        """
        __tracebackhide__ = True
        with self.lock:
            self._send("q", [op, *[self.encode(argument) for argument in args]])
            while True:
                message = self._receive()
                if "q" in message:
                    self.serve(message)
                else:
                    break
            if "ok" in message:
                return self.decode_message(message, "ok")
            error = self.decode_message(message, "err")
        raise error

    def serve(self, message: dict[str, Any]) -> None:
        """Do what the other side asks and answer."""
        try:
            op, *args = self.decode_message(message, "q")
            answer = self.handle(op, args)
            del args  # what nothing else holds need not be shared any longer
            with self.lock:
                payload = self.encode(answer)
                del answer
                self._send("ok", payload)
        except BaseException as error:
            with self.lock:
                self._send("err", self.encode_error(error))
            error.__traceback__ = None

    def handle(self, op: str, args: list[Any]) -> Any:
        """The answer to a request; subclasses decide what may be asked."""
        raise NotImplementedError

    def _send(self, kind: str, payload: Any) -> None:
        message: dict[str, Any] = {kind: payload}
        message.update(self.extras())
        if self.shared:
            if changes := self.changes():
                message["c"] = changes
            if released := self.release():
                message["r"] = released
        if self.dropped:
            message["d"], self.dropped = self.dropped, []
        data = json.dumps(message, separators=(",", ":")).encode()
        if len(data) > MAX_MESSAGE:
            raise Unsupported("a value of more than 64 MB")
        self.write(_LENGTH.pack(len(data)) + data)

    def write(self, data: bytes) -> None:
        """Put a message on the wire."""
        self.sock.sendall(data)

    def read(self, size: int) -> bytes:
        """Take ``size`` bytes from the wire."""
        data = self.sock.recv(size, socket.MSG_WAITALL)
        if len(data) < size:
            raise EOFError
        return data

    def _receive(self) -> dict[str, Any]:
        size = _LENGTH.unpack(self.read(_LENGTH.size))[0]
        if size > MAX_MESSAGE:
            raise ProtocolError("a message of more than 64 MB")
        message = json.loads(self.read(size))
        if type(message) is not dict:
            raise ProtocolError("a message that is none")
        return message

    def decode_message(self, message: dict[str, Any], kind: str) -> Any:
        """The payload, once everything else in the message is taken in."""
        payload = message[kind]
        if kind == "q":
            value: Any = [payload[0], *[self.decode(part) for part in payload[1:]]]
        else:
            value = self.decode_error(payload) if kind == "err" else self.decode(payload)
        if "c" in message:
            self.take_changes(message["c"])
        for key in message.get("r", ()):
            self.forget(key)
        for key in message.get("d", ()):
            self.discard(key)
        self.take_extras(message)
        return value

    def extras(self) -> dict[str, Any]:
        """What else goes with a message: output, environment, patches."""
        return {}

    def take_extras(self, message: dict[str, Any]) -> None:
        """Take in the other side's extras."""

    # objects

    def export(self, value: Any) -> int:
        """A key for an object of this side."""
        key = self.export_keys.get(id(value))
        if key is None:
            key = self.new_key()
            self.exports[key] = value
            self.export_keys[id(value)] = key
        return key

    def discard(self, key: Any) -> None:
        """The other side holds this object no more."""
        value = self.exports.pop(key, None)
        self.export_keys.pop(id(value), None)

    def drop(self, stand_in: Any) -> None:
        """A stand-in of this side is gone."""
        try:
            key = object.__getattribute__(stand_in, KEY)  # never asks the other side: this is a finaliser
        except AttributeError:
            return
        if type(key) is int:
            known = self.stand_ins.get(key)
            if known is not None and known() is None:
                del self.stand_ins[key]
                self.dropped.append(key)

    def reference(self, value: Any) -> Any:
        """How the other side knows an object of its own, None if ``value`` stands for none."""
        kind = type(value)
        if isinstance(value, RemoteType) and CLASS_KEY in value.__dict__:
            key = value.__dict__[CLASS_KEY]
        elif kind is RemoteFunction:
            key = value.__dict__[KEY]
        elif isinstance(kind, RemoteType) and CLASS_KEY in kind.__dict__:
            key = object.__getattribute__(value, KEY)
        else:
            return None
        return ["P", *key] if isinstance(key, tuple) else ["o", key]

    def encode_object(self, value: Any, depth: int) -> Any:
        """A reference to a stand-in, module, class, exception, function or any other object."""
        found = self.reference(value)
        if found is not None:
            return found
        if type(value) is RemoteMethod:
            return ["b", self.reference(value.__self__), value.__name__]
        if isinstance(value, types.ModuleType):
            return self.encode_module(value)
        if isinstance(value, type):
            return ["g", value.__module__, value.__qualname__] if self.is_foreign(value) else self.encode_type(value)
        if isinstance(value, BaseException):
            return ["E", self.encode_error(value)]
        if callable(value) and isinstance(getattr(value, "__name__", None), str):
            return self.encode_function(value)
        return self.encode_instance(value)

    def encode_module(self, module: types.ModuleType) -> Any:
        """A module by name; both sides have it."""
        return ["m", module.__name__]

    def encode_function(self, function: Any) -> Any:
        """A function of a library by name, any other by key."""
        if isinstance(function, (types.FunctionType, types.BuiltinFunctionType)) and self.is_foreign(function):
            return ["g", function.__module__, function.__qualname__]
        return ["F", self.export(function), *function_facts(function)]

    def encode_type(self, cls: type) -> Any:
        """A reference to a class of this side, described when it is sent first."""
        known = id(cls) in self.export_keys
        key = self.export(cls)
        if known:
            return ["T", key]
        bases = []
        for base in cls.__mro__[1:]:
            found = self.encode_base(base)
            if found is not None:
                bases.append(found)
        return ["T", key, cls.__qualname__, str(cls.__module__), bases, remote.describe(cls)]

    def encode_base(self, base: type) -> Any:
        """A base class as the other side may know it; None for one that means nothing there."""
        if base is object:
            return None
        if base.__module__ == "builtins":
            is_known = issubclass(base, BaseException) or base.__name__ in remote.BASES
            return ["g", "builtins", base.__name__] if is_known else None
        if issubclass(base, BaseException) and self.is_foreign(base):
            return ["g", base.__module__, base.__qualname__]
        return None if self.is_foreign(base) else self.encode_type(base)

    def is_foreign(self, obj: Any) -> bool:
        """Whether a class or function is of a library, so that both sides may import it."""
        raise NotImplementedError

    def find(self, module: str, name: str) -> Any:
        """A library's class or function."""
        raise NotImplementedError

    def find_module(self, name: str) -> Any:
        """A library's module."""
        raise NotImplementedError

    def find_named(self, module: str, name: str, facts: list[Any]) -> Any:
        """A name of one of the candidate's modules."""
        raise NotImplementedError

    def allowed(self, module: str, name: str, special: list[str]) -> set[str]:
        """Special methods of a class of the other side that may be sent there."""
        return set(special)

    def decode_reference(self, data: list[Any]) -> Any:
        """What a reference stands for on this side."""
        kind = data[0]
        if kind == "o":
            if data[1] not in self.exports:
                raise ProtocolError("an object that nobody sent")
            return self.exports[data[1]]
        if kind == "b":
            return getattr(self.decode(data[1]), data[2])
        if kind == "g":
            return self.find(data[1], data[2])
        if kind == "m":
            return self.find_module(data[1])
        if kind == "E":
            return self.decode_error(data[1])
        if kind == "P":
            return self.find_named(data[1], data[2], data[3:])
        if kind == "T":
            return self.class_of(data)
        return self._stand_in(data)

    def _stand_in(self, data: list[Any]) -> Any:
        key = data[1]
        if type(key) is not int:
            raise ProtocolError("an object without a key")
        known = self.stand_ins.get(key)
        found = known() if known is not None else None
        if found is not None:
            return found
        if data[0] == "F":
            found = RemoteFunction(key, *function_facts_of(data[2:]))
        else:
            cls = self.decode(data[2])
            if not isinstance(cls, RemoteType):
                raise ProtocolError("an object of a class that is none")
            found = self._instance(cls, data[3])
            object.__setattr__(found, KEY, key)
        with contextlib.suppress(TypeError):  # extensions of int and tuple cannot be watched: a new object each time
            self.stand_ins[key] = weakref.ref(found)
        return found

    def _instance(self, cls: type, plain: Any) -> Any:
        base = next((base for base in cls.__mro__ if base in remote.BASES.values()), None)
        if base is not None:
            value = self.decode(plain)
            if type(value) is not base:
                raise ProtocolError("a plain value of another class")
            return base.__new__(cls, value)
        if issubclass(cls, BaseException):
            return cls.__new__(cls)
        return object.__new__(cls)

    def class_of(self, data: list[Any]) -> type:
        """The stand-in for a class of the other side."""
        key = data[1]
        if key in self.classes:
            return self.classes[key]
        if type(key) is not int or len(data) != 6:
            raise ProtocolError("a class that nobody described")
        _, _, name, module, bases, description = data
        self.classes[key] = cls = self.make_class(name, module, bases, description)
        type.__setattr__(cls, CLASS_KEY, key)
        return cls

    def make_class(self, name: str, module: str, bases: list[Any], description: dict[str, Any]) -> type:
        """A stand-in class below the stand-ins of its bases."""
        found = [base for base in map(self.decode, bases) if isinstance(base, type)]
        lowest = [base for base in found if not any(base is not other and issubclass(other, base) for other in found)]
        names = {f"__{special.strip('_')}__" for special in description["special"]}
        allowed = self.allowed(module, name, sorted(names & remote.SPECIAL))
        return remote.make_class(str(name), str(module), tuple(lowest), description, allowed)

    def encode_instance(self, value: Any) -> Any:
        """An object of this side, by key and class, with its plain value where its class extends a built-in."""
        cls = type(value)
        base = next(
            (base for base in cls.__mro__ if base.__name__ in remote.BASES and base in remote.BASES.values()), None
        )
        plain = None
        if base is not None:
            plain = self.encode(
                base.__new__(base, value) if base not in (tuple, frozenset) else base(base.__iter__(value)), 1
            )
        key = self.export(value)
        return ["h", key, self.encode_type(cls), plain]

    # errors

    def encode_error(self, error: BaseException, depth: int = 0) -> Any:
        """An exception as JSON: class, arguments, text, frames, cause."""
        origin = vars(error).get("__blampert_origin__")
        if origin is not None:
            return {"o": origin}
        try:
            args = [self.encode(argument) for argument in error.args]
        except Unsupported:
            args = [text_of(error)]
        cls = type(error)
        is_library = self.is_foreign(cls)
        data: dict[str, Any] = {
            "cls": ["g", cls.__module__, cls.__qualname__] if is_library else self.encode_type(cls),
            "args": args,
            "text": text_of(error),
            "frames": frames(error, self.root),
            "key": self.export(error),
        }
        if depth < 3 and error.__cause__ is not None:
            data["cause"] = self.encode_error(error.__cause__, depth + 1)
        return data

    def decode_error(self, data: Any) -> BaseException:
        """The exception to raise on this side."""
        if "o" in data:
            found = self.exports.get(data["o"])
            return found if isinstance(found, BaseException) else CandidateError("an exception that nobody raised")
        cls = self.decode(data["cls"])
        args = [self.decode(argument) for argument in data["args"]]
        text = str(data.get("text", ""))
        error: BaseException
        if isinstance(cls, type) and issubclass(cls, BaseException):
            error = cls.__new__(cls, *args)
            error.args = tuple(args)
            if isinstance(
                error, (OSError, SyntaxError, UnicodeError, StopIteration, SystemExit, ImportError, KeyError)
            ):
                _refill(error, args)
        else:
            error = CandidateError(f"{data['cls'][2] if len(data['cls']) > 2 else 'error'}: {text}")
        if data.get("key") is not None:
            error.__dict__["__blampert_origin__"] = data["key"]
            if isinstance(type(error), RemoteType):
                object.__setattr__(error, KEY, data["key"])
                error.__dict__[remote.TEXT] = text
        error.__dict__["__blampert_frames__"] = [str(line) for line in data.get("frames", [])][:40]
        if data.get("cause"):
            error.__cause__ = self.decode_error(data["cause"])
        return error

    # conveniences of the stand-ins

    def text(self, op: str, stand_in: Any) -> str:
        """Its ``repr`` or ``str``."""
        return str(self.request(op, stand_in))

    def special(self, stand_in: Any, name: str, args: tuple[Any, ...]) -> Any:
        """Call a special method."""
        __tracebackhide__ = True
        return self.request("special", stand_in, name, list(args))

    def equal(self, stand_in: Any, other: object) -> Any:
        """``stand_in == other``."""
        __tracebackhide__ = True
        return self.request("special", stand_in, "__eq__", [other])

    def signature(self, stand_in: Any) -> Any:
        """Its :class:`inspect.Signature`."""
        import inspect

        target = stand_in.__self__ if type(stand_in) is RemoteMethod else stand_in
        name = stand_in.__name__ if type(stand_in) is RemoteMethod else ""
        parameters = []
        for part, kind, has_default, default, annotation in self.request("signature", target, name):
            parameters.append(
                inspect.Parameter(
                    part,
                    getattr(inspect.Parameter, kind),
                    default=default if has_default else inspect.Parameter.empty,
                    annotation=annotation if annotation is not None else inspect.Parameter.empty,
                )
            )
        return inspect.Signature(parameters)


def function_facts(function: Any) -> list[Any]:
    """Name, docstring, module, and whether it is a coroutine function."""
    doc, module = getattr(function, "__doc__", None), getattr(function, "__module__", None)
    code = getattr(function, "__code__", None)
    return [
        str(function.__name__),
        doc[:2000] if isinstance(doc, str) else None,
        module if isinstance(module, str) else None,
        bool(code is not None and code.co_flags & 0x80),
    ]


def function_facts_of(data: list[Any]) -> tuple[str, str | None, str | None, bool]:
    """Check what :func:`function_facts` gave on the other side."""
    name, doc, module, is_async = data
    return str(name), doc if isinstance(doc, str) else None, module if isinstance(module, str) else None, bool(is_async)


def _refill(error: BaseException, args: list[Any]) -> None:
    """Let a built-in exception set its own attributes (errno, code, value) from its arguments."""
    cls = next(base for base in type(error).__mro__ if base.__module__ == "builtins")
    try:
        cls.__init__(error, *args)  # type: ignore[misc]
    except (TypeError, ValueError):
        error.args = tuple(args)


__all__ = ["MAX_MESSAGE", "Peer", "RemoteObject"]
