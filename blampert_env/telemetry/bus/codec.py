"""Values to JSON and, where JSON cannot hold them, to what can be kept of them."""

from __future__ import annotations

import json
from typing import Any

import orjson

MAX_REPR = 1_000_000
"""Longest ``repr`` that is kept, in characters."""

# ASCII only: a lone surrogate is escaped and survives. NaN is no JSON and is refused.
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


class Unserialisable(Exception):
    """A value that JSON cannot hold; the message says why."""


_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS


def encode(value: Any) -> str:
    """``value`` as JSON.

    orjson is ten times as fast as the library's own encoder, which has the last word: on what orjson refuses (a key
    that is a number, a lone surrogate), and on null, which orjson also makes of NaN.

    Raises:
        Unserialisable: It cannot be written as JSON.
    """
    try:
        text = orjson.dumps(value, option=_STRICT)
        if b"null" not in text:
            return text.decode()
    except TypeError:  # orjson's JSONEncodeError is one
        pass
    try:
        return _encode(value)
    except Exception as error:  # a value's own methods may raise anything; none of it may reach the publisher
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Unserialisable(f"cannot be written as JSON: {reason}") from error


def describe(value: Any) -> str:
    """``repr(value)``, cut at :data:`MAX_REPR` characters; its type where ``repr`` itself fails."""
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    text = str(clean(text))
    return text if len(text) <= MAX_REPR else f"{text[:MAX_REPR]}... ({len(text)} characters)"


def clean(key: str | None) -> str | None:
    """A key that every store takes: text without lone surrogates."""
    return None if key is None else str(key).encode("utf-8", "backslashreplace").decode("utf-8")
