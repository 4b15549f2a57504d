"""Stand-ins: what one side holds for a class, a function or an object that lives on the other.

A class of the other side becomes a real class here, so that ``isinstance``, ``issubclass``, ``pytest.raises`` and
subclass relations work; its instances carry a key and send every use of them across.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .linux import words

if TYPE_CHECKING:
    from .peer import Peer

KEY = "__blampert_key__"  # on objects and functions: how the other side knows them
CLASS_KEY = "__blampert_class__"  # likewise on classes

# Special methods that take no other value: what they give cannot depend on what a test expects.
UNARY = frozenset(
    words(
        "len iter next reversed bool int float complex index neg pos abs invert round trunc floor ceil bytes "
        "fspath length_hint format enter exit getitem setitem delitem call copy deepcopy missing"
    )
)
# Those that see the other operand: a candidate's own class could answer what the test wants to hear.
BINARY = frozenset(
    f"{prefix}{name}"
    for name in words("add sub mul truediv floordiv mod divmod pow matmul and or xor lshift rshift")
    for prefix in ("", "r", "i")
) | frozenset(["lt", "le", "gt", "ge", "eq", "ne", "contains"])
TEXT = "__blampert_text__"  # on exceptions: what str() gives there
CLOSED = "__blampert_closed__"  # on classes: public names that are not sent across
PLAIN_NAMES = frozenset(
    name for kind in (str, bytes, list, tuple, dict, set, int, float) for name in dir(kind) if not name.startswith("_")
)
SPECIAL = {f"__{name}__" for name in UNARY | BINARY}
_COMPARED = words("__eq__ __ne__ __lt__ __le__ __gt__ __ge__ __hash__ __bool__ __len__ __contains__")
_IMMUTABLE = (bool, int, float, str, bytes, tuple, frozenset, complex)
BASES: dict[str, type] = {base.__name__: base for base in (int, float, str, bytes, tuple, frozenset)}


def special_methods(cls: type) -> list[str]:
    """Special methods of ours that a class, or a base of it other than ``object``, defines."""
    found = {
        name
        for base in cls.__mro__
        if base is not object and base not in _IMMUTABLE and base is not BaseException and base is not Exception
        for name in SPECIAL & base.__dict__.keys()
        if base.__dict__[name] is not None
    }
    return sorted(found)


class RemoteType(type):
    """The class of stand-in classes: calling one makes the object on the other side."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an object there."""
        __tracebackhide__ = True
        if CLASS_KEY not in cls.__dict__:
            return super().__call__(*args, **kwargs)
        return _peer(cls).request("call", cls, list(args), dict(kwargs))

    def __getattr__(cls, name: str) -> Any:
        """A class attribute, class method or static method."""
        __tracebackhide__ = True
        if name in _NEVER or name in cls.__dict__.get(CLOSED, ()):
            raise AttributeError(name)
        return _peer(cls).request("get", cls, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        """Set it there."""
        __tracebackhide__ = True
        if name in ("__abstractmethods__", CLASS_KEY) or CLASS_KEY not in cls.__dict__:
            super().__setattr__(name, value)
        else:
            _peer(cls).request("set", cls, name, value)

    def __delattr__(cls, name: str) -> None:
        """Delete it there."""
        __tracebackhide__ = True
        _peer(cls).request("del", cls, name)

    def __iter__(cls) -> Iterator[Any]:
        """Members of an enumeration."""
        __tracebackhide__ = True
        return iter(_peer(cls).request("members", cls))

    def __len__(cls) -> int:
        """Number of members of an enumeration."""
        __tracebackhide__ = True
        return len(_peer(cls).request("members", cls))

    def __bool__(cls) -> bool:
        """A class is true."""
        return True

    def __getitem__(cls, name: Any) -> Any:
        """A member of an enumeration."""
        __tracebackhide__ = True
        return _peer(cls).request("item", cls, name)

    def __contains__(cls, member: Any) -> bool:
        """Whether it is a member of an enumeration."""
        __tracebackhide__ = True
        return any(member is known for known in _peer(cls).request("members", cls))


_NEVER = frozenset(
    (KEY, CLASS_KEY, CLOSED,
     "__isabstractmethod__", "__wrapped__", "__signature__", "__text_signature__", "__set_name__",
     "__get__", "__set__", "__delete__", "__pytest_wrapped__", "__path__", "__file__", "__spec__", "__mro_entries__",
     "__array_interface__", "__array_struct__", "__array__", "__array_function__", "__array_ufunc__", "__await__",
     "__aiter__", "__anext__", "__test__", "__typing_subst__", "__typing_is_unpacked_typevartuple__")
)  # fmt: skip
_peers: list[Any] = []


def use(peer: Peer) -> None:
    """Make every stand-in of this process speak through ``peer``."""
    _peers[:] = [peer]


def _peer(stand_in: Any) -> Peer:
    if not _peers:
        raise RuntimeError("the candidate is not there yet")
    return _peers[0]  # type: ignore[no-any-return]


class RemoteObject(metaclass=RemoteType):
    """Base of stand-ins for objects."""

    __slots__ = (KEY, "__weakref__")

    def __getattr__(self, name: str) -> Any:
        __tracebackhide__ = True
        if name in _NEVER or name in getattr(type(self), CLOSED, ()):
            raise AttributeError(name)
        if name in getattr(type(self), "__blampert_methods__", ()):
            return RemoteMethod(self, name)
        return _peer(self).request("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        __tracebackhide__ = True
        _peer(self).request("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        __tracebackhide__ = True
        _peer(self).request("del", self, name)

    def __dir__(self) -> list[str]:
        return list(_peer(self).request("dir", self))

    def __repr__(self) -> str:
        return _peer(self).text("repr", self)

    def __str__(self) -> str:
        return _peer(self).text("str", self)

    def __del__(self) -> None:
        if _peers:
            _peers[0].drop(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"cannot pickle {type(self).__name__!r}: it lives in the candidate's process")

    def __copy__(self) -> Any:
        __tracebackhide__ = True
        return _peer(self).request("std", "copy", "copy", [self])

    def __deepcopy__(self, memo: Any) -> Any:
        __tracebackhide__ = True
        return _peer(self).request("std", "copy", "deepcopy", [self])


class RemoteFunction:
    """A stand-in for a function, a built-in, or whatever else is called and has a name."""

    def __init__(self, key: Any, name: str, doc: str | None, module: str | None, is_async: bool) -> None:
        values = {KEY: key, "__name__": name, "__qualname__": name, "__doc__": doc, "__module__": module}
        self.__dict__.update(values)
        if is_async:
            import asyncio.coroutines

            self.__dict__["_is_coroutine_marker"] = getattr(asyncio.coroutines, "_is_coroutine", None)
            self.__dict__["_is_coroutine"] = self.__dict__["_is_coroutine_marker"]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it there."""
        __tracebackhide__ = True
        result = _peer(self).request("call", self, list(args), dict(kwargs))
        return _awaitable(result) if "_is_coroutine" in self.__dict__ else result

    def __get__(self, obj: Any, owner: Any = None) -> Any:
        return self if obj is None else functools.partial(self, obj)

    def __getattr__(self, name: str) -> Any:
        __tracebackhide__ = True
        if name == "__signature__":
            return _peer(self).signature(self)
        if name in _NEVER or name in PLAIN_NAMES:
            raise AttributeError(name)
        return _peer(self).request("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        __tracebackhide__ = True
        _peer(self).request("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        __tracebackhide__ = True
        _peer(self).request("del", self, name)

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"cannot pickle {self.__name__!r}: it lives in the candidate's process")


class RemoteMethod:
    """A method of a stand-in, bound to it."""

    def __init__(self, owner: Any, name: str) -> None:
        self.__self__, self.__name__ = owner, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it there."""
        __tracebackhide__ = True
        result = _peer(self).request("method", self.__self__, self.__name__, list(args), dict(kwargs))
        return _awaitable(result) if self.__name__ in type(self.__self__).__blampert_async__ else result

    def __getattr__(self, name: str) -> Any:
        __tracebackhide__ = True
        if name == "__signature__":
            return _peer(self).signature(self)
        if name in _NEVER:
            raise AttributeError(name)
        return getattr(_peer(self).request("get", self.__self__, self.__name__), name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteMethod) and (self.__self__, self.__name__) == (other.__self__, other.__name__)

    def __hash__(self) -> int:
        return hash((id(self.__self__), self.__name__))


def _awaitable(result: Any) -> Any:
    """A coroutine of this side that lets the one of the other side run to its end."""

    async def run() -> Any:
        return _peer(result).request("await", result)

    return run() if isinstance(result, RemoteObject) else result


def _special(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any) -> Any:
        __tracebackhide__ = True
        return _peer(self).special(self, name, args)

    method.__name__ = name
    return method


def _equal(self: Any, other: object) -> Any:
    __tracebackhide__ = True
    return _peer(self).equal(self, other)


def _unequal(self: Any, other: object) -> Any:
    __tracebackhide__ = True
    answer = _peer(self).equal(self, other)
    return answer if answer is NotImplemented else not answer


def _identical(self: Any, other: object) -> Any:
    return self is other or NotImplemented


def make_class(name: str, module: str, bases: tuple[type, ...], description: dict[str, Any], allowed: set[str]) -> type:
    """A stand-in class.

    Args:
        name: Its qualified name there.
        module: Its module there.
        bases: Stand-ins, exceptions, or one immutable built-in.
        description: What :func:`describe` of the other side said.
        allowed: Special methods that may be sent across.
    """
    is_value = any(issubclass(base, (*BASES.values(), BaseException)) for base in bases)
    roots = bases or (RemoteObject,)
    if is_value and not any(issubclass(base, RemoteBehaviour) for base in bases):
        roots = (RemoteBehaviour, *bases)
    namespace: dict[str, Any] = {
        "__module__": module,
        "__qualname__": name,
        "__doc__": description.get("doc"),
        "__blampert_methods__": frozenset(description.get("methods", ())),
        "__blampert_async__": frozenset(description.get("async", ())),
    }
    if not is_value:
        namespace["__slots__"] = ()
    for special in description.get("special", ()):
        if special in allowed and special not in ("__eq__", "__ne__", "__copy__", "__deepcopy__"):
            namespace[special] = _special(special)
    value_base = next((base for base in BASES.values() if any(issubclass(one, base) for one in bases)), None)
    if value_base is not None:  # compared here, by value, whatever else its class inherits
        namespace.update({name: getattr(value_base, name) for name in _COMPARED if hasattr(value_base, name)})
    if not is_value:
        has_equal = "__eq__" in allowed and "__eq__" in description.get("special", ())
        namespace["__eq__"] = _equal if has_equal else _identical
        if has_equal:
            namespace["__ne__"] = _unequal
        hashing = description.get("hash")
        own = _special("__hash__") if hashing == "own" else object.__hash__
        namespace["__hash__"] = None if hashing == "none" else own
    return RemoteType(name.rpartition(".")[2], roots, namespace)


class RemoteBehaviour(metaclass=RemoteType):
    """What :class:`RemoteObject` does, for classes that cannot have its slot: exceptions, extended built-ins."""

    def __str__(self) -> str:
        text = self.__dict__.get(TEXT)
        if text is None and isinstance(self, BaseException) and KEY not in self.__dict__:
            return super().__str__()
        return _peer(self).text("str", self) if text is None else str(text)

    __getattr__ = RemoteObject.__getattr__
    __dir__ = RemoteObject.__dir__
    __del__ = RemoteObject.__del__
    __copy__ = RemoteObject.__copy__
    __deepcopy__ = RemoteObject.__deepcopy__


def describe(cls: type) -> dict[str, Any]:
    """What the other side needs to know of a class, apart from its bases."""
    methods, asynchronous = [], []
    for base in cls.__mro__:
        if base is object:
            continue
        for name, value in base.__dict__.items():
            if isinstance(value, types.FunctionType) and not name.startswith("__"):
                methods.append(name)
                if value.__code__.co_flags & 0x80:  # CO_COROUTINE
                    asynchronous.append(name)
    own_hash = cls.__hash__ not in (None, object.__hash__)  # type: ignore[comparison-overlap]
    return {
        "special": special_methods(cls),
        "methods": sorted(set(methods)),
        "async": sorted(set(asynchronous)),
        "hash": "none" if cls.__hash__ is None else "own" if own_hash else "identity",
        "doc": (cls.__doc__ or "")[:2000] if isinstance(cls.__doc__, str) else None,
    }
