"""Stand-ins: what one side holds for a class, a function or an object that lives on the other.

A class of the other side becomes a real class here, so that ``isinstance``, ``issubclass``, ``pytest.raises`` and
subclass relations work; its instances carry a key and send every use of them across.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable, Collection, Sequence
from typing import Any

from ..walls.linux import words
from .codec import COPIED

KEY = "__blampert_key__"  # on objects and functions: how the other side knows them
CLASS_KEY = "__blampert_class__"  # likewise on classes
METHODS = "__blampert_methods__"  # on classes: names of plain methods, which need not be asked for
CLOSED = "__blampert_closed__"  # on classes: names of methods that are not called over there
TEXT = "__blampert_text__"  # on exceptions: what str() gives there

# Special methods that take no other value: what they give cannot depend on what a test expects.
UNARY = frozenset(
    f"__{name}__"
    for name in words(
        "len iter next reversed bool int float complex index neg pos abs invert round trunc floor ceil bytes fspath "
        "length_hint format enter exit getitem setitem delitem call copy deepcopy missing hash repr str dir"
    )
)
_BINARY = words("add sub mul truediv floordiv mod divmod pow matmul and or xor lshift rshift")
# The others see another operand: a candidate's own class could answer what the test wants to hear.
SPECIAL = UNARY | {f"__{prefix}{name}__" for name in _BINARY for prefix in ("", "r", "i")}
SPECIAL |= set(words("__lt__ __le__ __gt__ __ge__ __eq__ __ne__ __contains__"))
# what a test would call on a plain value
PLAIN_NAMES = frozenset(name for kind in COPIED for name in dir(kind) if not name.startswith("_"))
_ASKED = words("__dict__ __doc__ __annotations__ __members__ __version__ __author__")  # of those with underscores
_INSIDE = words("__signature__ __code__ __defaults__ __kwdefaults__ __globals__ __closure__")
_peers: list[Any] = []


def use(peer: Any) -> None:
    """Make every stand-in of this process speak through ``peer``."""
    _peers[:] = [peer]


def ask(op: str, *args: Any) -> Any:
    """Send a request to the other side."""
    __tracebackhide__ = True
    return _peers[0].request(op, *args)


def get(owner: Any, name: str, closed: Collection[str] = ()) -> Any:
    """An attribute; what could judge an expected value in the place of a plain one's method is not called.

    Raises:
        AttributeError: It has none.
        Unsupported: It is such a method, or of the interpreter.
    """
    __tracebackhide__ = True
    if name in _INSIDE:
        raise _peers[0].refuse(f"{name} of a function")
    if name.startswith("__") and name.endswith("__") and name not in _ASKED:
        raise AttributeError(name)
    value = ask("get", owner, name)
    if name in closed and callable(value):
        raise _peers[0].refuse(f"the method {name}, which the untouched project does not have,")
    return value


def _special(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        return _peers[0].special(self, name, args, kwargs)

    return method


def _method(owner: Any, name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        return ask("method", owner, name, list(args), kwargs)

    call.__name__ = name
    return call


def _refused(name: str) -> Callable[..., Any]:
    def method(self: Any, *_: Any, **__: Any) -> Any:
        __tracebackhide__ = True
        raise _peers[0].refuse(f"{name} of a {type(self).__name__}")

    return method


def _equal(self: Any, other: object) -> Any:
    __tracebackhide__ = True
    return _peers[0].equal(self, other)


class RemoteType(type):
    """The class of stand-in classes: calling one makes the object on the other side."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an object there."""
        __tracebackhide__ = True
        if CLASS_KEY not in cls.__dict__:
            raise _peers[0].refuse(f"the class {cls.__name__}, which extends one of the other side,")
        return ask("call", cls, list(args), kwargs)

    def __getattr__(cls, name: str) -> Any:
        """A class attribute, class method or static method."""
        __tracebackhide__ = True
        return get(cls, name, cls.__dict__.get(CLOSED, ()))

    def __setattr__(cls, name: str, value: Any) -> None:
        """Set it there."""
        __tracebackhide__ = True
        if name == "__abstractmethods__" or CLASS_KEY not in cls.__dict__:
            super().__setattr__(name, value)
        else:
            ask("set", cls, name, value)

    def __delattr__(cls, name: str) -> None:
        """Delete it there."""
        __tracebackhide__ = True
        ask("del", cls, name)

    def __bool__(cls) -> bool:
        """A class is true."""
        return True

    # of enumerations
    __iter__, __len__, __getitem__ = map(_special, ("__iter__", "__len__", "__getitem__"))


class RemoteObject(metaclass=RemoteType):
    """Base of stand-ins for objects."""

    __slots__ = (KEY, "__weakref__")

    def __getattr__(self, name: str) -> Any:
        __tracebackhide__ = True
        cls = type(self)
        closed = getattr(cls, CLOSED, ())
        if name in getattr(cls, METHODS, ()) and name not in closed:
            return _method(self, name)
        return get(self, name, closed)

    def __setattr__(self, name: str, value: Any) -> None:
        __tracebackhide__ = True
        ask("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        __tracebackhide__ = True
        ask("del", self, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise _peers[0].refuse(f"a copy of a {type(self).__name__}")

    __repr__, __str__, __dir__ = map(_special, ("__repr__", "__str__", "__dir__"))


class RemoteError(metaclass=RemoteType):
    """Base of stand-ins for exceptions, beside the library's class that they extend."""

    def __str__(self) -> str:
        return str(self.__dict__[TEXT])

    __getattr__, __dir__, __reduce_ex__ = RemoteObject.__getattr__, RemoteObject.__dir__, RemoteObject.__reduce_ex__


class RemoteFunction:
    """A stand-in for a function, a built-in, or whatever else is called and has a name."""

    def __init__(self, key: Any, name: Any, module: Any) -> None:
        facts = {KEY: key, "__name__": str(name), "__qualname__": str(name), "__module__": module and str(module)}
        self.__dict__.update(facts)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it there."""
        __tracebackhide__ = True
        return ask("call", self, list(args), kwargs)

    def __get__(self, obj: Any, owner: Any = None) -> Any:
        return self if obj is None else functools.partial(self, obj)

    def __getattr__(self, name: str) -> Any:
        __tracebackhide__ = True
        return get(self, name, PLAIN_NAMES)

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"

    __setattr__, __delattr__ = RemoteObject.__setattr__, RemoteObject.__delattr__
    __reduce_ex__ = RemoteObject.__reduce_ex__


for _cls in (RemoteType, RemoteFunction):  # not their own
    type.__setattr__(_cls, "__doc__", property(lambda self: get(self, "__doc__")))


def make_class(
    name: str, module: str, bases: Sequence[type], facts: dict[str, Any], allowed: Collection[str], closed: Any
) -> type:
    """A stand-in class.

    Args:
        name: Its qualified name there.
        module: Its module there.
        bases: Stand-ins and exceptions.
        facts: What :func:`describe` of the other side said.
        allowed: Special methods that may be called there.
        closed: Names of other methods that may not.
    """
    is_error = any(issubclass(base, BaseException) for base in bases)
    needs_root = not any(issubclass(base, (RemoteObject, RemoteError)) for base in bases)
    root = (RemoteError if is_error else RemoteObject,) if needs_root else ()
    special = SPECIAL & set(facts["special"]) - {"__ne__", "__str__" if is_error else ""}
    namespace: dict[str, Any] = {"__module__": module, "__qualname__": name, CLOSED: closed}
    namespace[METHODS] = frozenset(facts["methods"])
    namespace |= {method: _special(method) if method in allowed else _refused(method) for method in special}
    if "__eq__" in special:
        namespace["__eq__"] = _equal
    if not is_error:
        namespace["__slots__"] = ()
        namespace["__hash__"] = {"none": None, "own": _special("__hash__")}.get(facts["hash"], object.__hash__)
    if facts["fields"]:
        namespace["__dataclass_fields__"] = {str(field): _field(str(field), init) for field, init in facts["fields"]}
    return RemoteType(name.rpartition(".")[2], (*root, *bases), namespace)


def _field(name: str, init: Any) -> Any:
    """What ``dataclasses.asdict``, ``replace`` and pytest need to know of one."""
    found: Any = dataclasses.field(init=bool(init))
    found.name, found._field_type = name, dataclasses._FIELD  # type: ignore[attr-defined]
    return found


def describe(cls: type) -> dict[str, Any]:
    """What the other side needs to know of a class, apart from its bases."""
    hashing: Any = cls.__hash__  # never compared by ==: of a mock it would be noted as a call
    bases = [base for base in cls.__mro__ if base not in (object, BaseException, Exception)]
    special = {name for base in bases for name in SPECIAL & base.__dict__.keys() if base.__dict__[name] is not None}
    fields = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
    return {
        "special": sorted(special),
        "methods": sorted({name for base in bases for name, value in vars(base).items() if _is_method(name, value)}),
        "hash": "none" if hashing is None else "identity" if hashing is object.__hash__ else "own",
        "fields": [[field.name, field.init] for field in fields],
    }


def _is_method(name: str, value: Any) -> bool:
    return isinstance(value, types.FunctionType) and not name.startswith("__")
