"""Immutable values of the standard library that travel between tests and candidate as copies.

Each is sent as the name of its class and what that was made of, as its own pickle protocol tells; only the classes
below are ever called with it, and only with plain arguments: no pickle, nothing of the sender's code runs.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

from .errors import ProtocolError, Unsupported


def _zone_key(zone: Any) -> list[Any]:
    if zone.key is None:
        raise Unsupported("a time zone without a name")
    return [zone.key]


# class -> what a value of it is made of; None for what ``__reduce_ex__`` says
CLASSES: dict[type, Callable[[Any], list[Any]] | None] = {
    bytes: lambda value: [value.decode("latin-1"), "latin-1"],
    complex: lambda value: [value.real, value.imag],
    type(...): lambda value: [],
    type(NotImplemented): lambda value: [],
    uuid.UUID: lambda value: [str(value)],
    zoneinfo.ZoneInfo: _zone_key,
    **dict.fromkeys((range, datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone)),
    **dict.fromkeys((decimal.Decimal, fractions.Fraction)),
    **dict.fromkeys((pathlib.PosixPath, pathlib.PurePosixPath, pathlib.PureWindowsPath)),
}
_NAMES = {cls.__name__: cls for cls in CLASSES}
_PARTS = (type(None), int, float, str, bytes, datetime.timedelta, datetime.timezone, zoneinfo.ZoneInfo)


def parts(value: object) -> list[Any]:
    """Name of the class and what the value is made of.

    Raises:
        Unsupported: It cannot be copied.
    """
    cls = type(value)
    made_of = CLASSES[cls]
    return [cls.__name__, *(value.__reduce_ex__(4)[1] if made_of is None else made_of(value))]


def made(name: str, parts: list[Any]) -> Any:
    """The value again.

    Raises:
        Exception: Whatever the constructor raises for parts that are not its own.
    """
    if any(type(part) not in _PARTS for part in parts):
        raise ProtocolError(f"a {name} of what is not plain")
    return _NAMES[name](*parts)
