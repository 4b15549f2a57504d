"""Stand-ins: what one side holds for a class or an object that lives on the other.

A class of the other side becomes a real class here, so that ``isinstance``, ``issubclass``, ``pytest.raises`` and
subclass relations work; every use of it or of its instances, calls of functions among them, is sent across.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from ..walls.linux import words
from .codec import COPIED

__tracebackhide__ = True  # in what pytest shows of a failure
CLOSED = "__blampert_closed__"  # on classes: names of methods that are not called over there
TEXT = "__blampert_text__"  # on exceptions: what str() gives there

# Special methods that take no other value: what they give cannot depend on what a test expects.
UNARY = frozenset(
    f"__{name}__"
    for name in words(
        "len iter next reversed bool int float complex index neg pos abs invert round trunc floor ceil bytes fspath "
        "length_hint format enter exit getitem setitem delitem call get copy deepcopy missing hash repr str dir"
    )
)
_BINARY = words("add sub mul truediv floordiv mod divmod pow matmul and or xor lshift rshift")
# The others see another operand: a candidate's own class could answer what the test wants to hear.
SPECIAL = UNARY | {f"__{prefix}{name}__" for name in _BINARY for prefix in ("", "r", "i")}
SPECIAL |= set(words("__lt__ __le__ __gt__ __ge__ __eq__ __ne__ __contains__"))
# what a test would call on a plain value
PLAIN_NAMES = frozenset(name for kind in COPIED for name in dir(kind) if not name.startswith("_"))
# of those with underscores; others are this side's, or nobody's
_ASKED = words("__name__ __qualname__ __dict__ __doc__ __annotations__ __members__ __version__ __author__")
_INSIDE = words("__signature__ __code__ __defaults__ __kwdefaults__ __globals__ __closure__ __dataclass_fields__")
_peers: list[Any] = []


def use(peer: Any) -> None:
    """Make every stand-in of this process speak through ``peer``."""
    _peers[:] = [peer]


def ask(op: str, *args: Any) -> Any:
    """Send a request to the other side."""
    return _peers[0].request(op, *args)


def get(owner: Any, name: str) -> Any:
    """An attribute; what could judge an expected value in the place of a plain one's method is not called.

    Raises:
        AttributeError: It has none.
        Unsupported: It is such a method, or only of use in one process.
    """
    if name in _INSIDE:
        raise _peers[0].refuse(f"{name} of what is on the other side")
    if name.startswith("__") and name.endswith("__") and name not in _ASKED:
        raise AttributeError(name)
    value = ask("get", owner, name)
    cls = owner if isinstance(owner, RemoteType) else type(owner)
    if name in cls.__dict__.get(CLOSED, ()) and callable(value):
        raise _peers[0].refuse(f"the method {name}, which the untouched project does not have,")
    return value


def _set(self: Any, name: str, value: Any) -> None:
    ask("set", self, name, value)


def _delete(self: Any, name: str) -> None:
    ask("del", self, name)


def _copy(self: Any, protocol: Any) -> Any:
    raise _peers[0].refuse(f"a copy of a {type(self).__name__}")


def _special(name: str) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: _peers[0].special(self, name, args, kwargs)


def _refused(name: str) -> Callable[..., Any]:
    def method(self: Any, *_: Any, **__: Any) -> Any:
        raise _peers[0].refuse(f"{name} of a {type(self).__name__}")

    return method


class RemoteType(type):
    """The class of stand-in classes: calling one makes the object on the other side."""

    __getattr__, __setattr__, __delattr__, __call__ = get, _set, _delete, _special("__call__")
    __iter__, __len__, __getitem__ = map(_special, ("__iter__", "__len__", "__getitem__"))  # of enumerations
    __doc__ = property(lambda self: get(self, "__doc__"))  # type: ignore[assignment]

    def __bool__(cls) -> bool:
        """A class is true."""
        return True


class RemoteObject(metaclass=RemoteType):
    """Base of stand-ins for objects."""

    __slots__ = ("__weakref__",)
    __getattr__, __setattr__, __delattr__, __reduce_ex__ = get, _set, _delete, _copy
    __repr__, __str__, __dir__ = map(_special, ("__repr__", "__str__", "__dir__"))


class RemoteError(metaclass=RemoteType):
    """Base of stand-ins for exceptions, beside the library's class that they extend."""

    __getattr__, __reduce_ex__, __dir__ = get, _copy, _special("__dir__")

    def __str__(self) -> str:
        return str(vars(self)[TEXT])


def make_class(
    name: str,
    module: str,
    bases: Sequence[type],
    special: Collection[str],
    allowed: Collection[str],
    closed: Collection[str],
) -> type:
    """A stand-in class.

    Args:
        name: Its qualified name there.
        module: Its module there.
        bases: Stand-ins and exceptions.
        special: What :func:`special_of` of the other side said.
        allowed: Special methods that may be called there.
        closed: Names of other methods that may not.
    """
    is_error = any(issubclass(base, BaseException) for base in bases)
    needs_root = not any(issubclass(base, (RemoteObject, RemoteError)) for base in bases)
    root = (RemoteError if is_error else RemoteObject,) if needs_root else ()
    namespace: dict[str, Any] = {"__module__": module, "__qualname__": name, CLOSED: closed}
    for method in SPECIAL & set(special) - {"__ne__", "__str__" if is_error else ""}:
        namespace[method] = _special(method) if method in allowed else _refused(method)
    if not is_error:
        namespace["__slots__"] = ()
        namespace["__doc__"] = property(lambda self: get(self, "__doc__"))
    return RemoteType(name.rpartition(".")[2], (*root, *bases), namespace)


def special_of(cls: type) -> list[str]:
    """The special methods that a class has, beside those that every class has."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base not in (object, BaseException, Exception):
            found |= {name: vars(base)[name] for name in SPECIAL & vars(base).keys()}
    return sorted(name for name, method in found.items() if method is not None)
