"""Values of the standard library (and NumPy arrays) that travel between tests and candidate as copies.

Each kind is encoded as ``["x", kind, *parts]`` of JSON values and rebuilt by its constructor: no pickle, nothing of
the sender's code runs.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import fractions
import pathlib
import re
import sys
import uuid
from collections.abc import Callable
from typing import Any

MAX_ARRAY = 64 * 2**20


class Unsupported(Exception):
    """A value that cannot go to the other side."""


def _zone(zone: datetime.tzinfo | None) -> list[Any] | None:
    if zone is None:
        return None
    if type(zone) is datetime.timezone:
        offset = zone.utcoffset(None)
        return ["offset", offset.days, offset.seconds, offset.microseconds, zone.tzname(None)]
    key = getattr(zone, "key", None)
    if type(zone).__module__.startswith("zoneinfo") and isinstance(key, str):
        return ["zone", key]
    raise Unsupported(f"a time zone of type {type(zone).__name__}")


def _to_zone(parts: list[Any] | None) -> datetime.tzinfo | None:
    if parts is None:
        return None
    if parts[0] == "zone":
        import zoneinfo

        return zoneinfo.ZoneInfo(parts[1])
    delta = datetime.timedelta(parts[1], parts[2], parts[3])
    plain = datetime.timezone(delta)
    return plain if plain.tzname(None) == parts[4] else datetime.timezone(delta, parts[4])


def _moment(value: datetime.datetime) -> list[Any]:
    naive = value.replace(tzinfo=None)
    return [naive.isoformat(), value.fold, _zone(value.tzinfo)]


def _to_moment(text: str, fold: int, zone: list[Any] | None) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(fold=fold, tzinfo=_to_zone(zone))


def _to_time(text: str, fold: int, zone: list[Any] | None) -> datetime.time:
    return datetime.time.fromisoformat(text).replace(fold=fold, tzinfo=_to_zone(zone))


def is_array(value: object) -> bool:
    """Whether it is a NumPy array of numbers, texts or times."""
    numpy = sys.modules.get("numpy")
    if numpy is None or type(value) is not getattr(numpy, "ndarray", None):
        return False
    dtype = value.dtype  # type: ignore[attr-defined]
    return not dtype.hasobject and not dtype.names and value.nbytes <= MAX_ARRAY  # type: ignore[attr-defined]


def array_text(value: Any) -> str:
    """An array's items as text."""
    return base64.b64encode(value.tobytes()).decode()


def fill_array(value: Any, text: str) -> None:
    """Give an array other items, in place; one that may not be written keeps its own."""
    import numpy

    if value.flags.writeable:
        value[...] = numpy.frombuffer(base64.b64decode(text), value.dtype).reshape(value.shape)


def _empty(dtype: str, shape: list[int]) -> Any:
    import numpy

    kind = numpy.dtype(dtype)
    if kind.hasobject or numpy.prod(shape, dtype=object) * kind.itemsize > MAX_ARRAY:
        raise Unsupported("an array of objects, or too large")
    return numpy.empty(shape, kind)


def _scalar(dtype: str, text: str) -> Any:
    value = _empty(dtype, [])
    fill_array(value, text)
    return value[()]


_PATHS = {kind.__name__: kind for kind in (pathlib.PosixPath, pathlib.PurePosixPath, pathlib.PureWindowsPath)}

# exact type -> (kind, to parts)
_ENCODERS: dict[type, tuple[str, Callable[[Any], list[Any]]]] = {
    bytes: ("bytes", lambda value: [value.decode("latin-1")]),
    complex: ("complex", lambda value: [value.real, value.imag]),
    range: ("range", lambda value: [value.start, value.stop, value.step]),
    type(...): ("ellipsis", lambda value: []),
    type(NotImplemented): ("not_implemented", lambda value: []),
    datetime.date: ("date", lambda value: [value.isoformat()]),
    datetime.datetime: ("datetime", _moment),
    datetime.time: ("time", lambda value: [value.replace(tzinfo=None).isoformat(), value.fold, _zone(value.tzinfo)]),
    datetime.timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    datetime.timezone: ("zone", lambda value: [_zone(value)]),
    decimal.Decimal: ("decimal", lambda value: [str(value)]),
    fractions.Fraction: ("fraction", lambda value: [hex(value.numerator), hex(value.denominator)]),
    uuid.UUID: ("uuid", lambda value: [value.hex]),
    re.Pattern: (
        "pattern",
        lambda value: [value.pattern, value.flags] if type(value.pattern) is str else _refuse(value),
    ),
    **{kind: ("path", lambda value: [type(value).__name__, str(value)]) for kind in _PATHS.values()},
}

_DECODERS: dict[str, Callable[..., Any]] = {
    "bytes": lambda text: text.encode("latin-1"),
    "complex": complex,
    "range": range,
    "ellipsis": lambda: ...,
    "not_implemented": lambda: NotImplemented,
    "date": datetime.date.fromisoformat,
    "datetime": _to_moment,
    "time": _to_time,
    "timedelta": datetime.timedelta,
    "zone": _to_zone,
    "decimal": decimal.Decimal,
    "fraction": lambda above, below: fractions.Fraction(int(above, 16), int(below, 16)),
    "uuid": lambda text: uuid.UUID(hex=text),
    "pattern": re.compile,
    "path": lambda kind, text: _PATHS[kind](text),
    "shape": _empty,
    "scalar": _scalar,
}


def _refuse(value: object) -> list[Any]:
    raise Unsupported(f"a {type(value).__name__}")


def encode(value: object) -> list[Any] | None:
    """``["x", kind, *parts]``; None for a value of another type.

    Raises:
        Unsupported: A value of these types that cannot be copied.
    """
    entry = _ENCODERS.get(type(value))
    if entry is not None:
        return ["x", entry[0], *entry[1](value)]
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, getattr(numpy, "generic", ())) and type(value).__module__ == "numpy":
        array = numpy.asarray(value)
        if is_array(array):
            return ["x", "scalar", array.dtype.str, array_text(array)]
    from .frames import scalar

    return scalar(value)


def decode(parts: list[Any]) -> Any:
    """The value of ``["x", kind, *parts]``.

    Raises:
        Exception: Whatever the constructor raises for parts that are not its own.
    """
    if parts[1] in ("missing", "timestamp", "span"):
        from .frames import to_scalar

        return to_scalar(parts[1], parts[2])
    return _DECODERS[parts[1]](*parts[2:])
