"""pandas objects between tests and candidate: copies of columns and indices, kept the same on both sides.

Rebuilt by pandas' own constructors from plain values and raw arrays; no pickle.
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Callable
from typing import Any

from .linux import words
from .plain import Unsupported

_NULLABLE = frozenset(words("string boolean Float32 Float64 Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64"))
Encode = Callable[[Any], Any]


def loaded() -> Any:
    """Pandas, or None if this process has not imported it."""
    pandas = sys.modules.get("pandas")
    return pandas if hasattr(pandas, "DataFrame") else None


def kind_of(value: Any) -> str | None:
    """``frame``, ``series``, or None for anything else."""
    pandas = loaded()
    if pandas is None:
        return None
    return {pandas.DataFrame: "frame", pandas.Series: "series"}.get(type(value))


def rehearse() -> None:
    """Do what tests and candidates do with frames, before the first fork: pandas sets much up when it is first used.

    1.7 of 31.4 ms in an evaluation of six small tests.
    """
    import pandas

    for _ in range(2):
        frame = pandas.DataFrame({"k": ["a", "b", "a"], "v": [1, 2, 3], "w": [1.0, None, 2.5]})
        for value in (frame, frame.v, frame.k):
            copy = empty(str(kind_of(value)))
            fill(copy, contents(value, lambda part: part), lambda part: part)
            assert is_same(copy, state(value))
        frame.groupby("k").v.sum().to_dict()
        frame.merge(frame, on="k").sort_values("v_x").drop_duplicates().dropna().fillna(0)
        frame.describe(), frame.isna().sum(), frame[frame.v > 1], frame.iloc[0], frame.loc[0, "v"]
        repr(frame)
        pandas.read_csv(io.StringIO(frame.to_csv(index=False)))


def empty(kind: str) -> Any:
    """One to be filled."""
    import pandas

    return pandas.DataFrame() if kind == "frame" else pandas.Series(dtype="float64")


def state(value: Any) -> Any:
    """What it holds now, for :func:`is_same`."""
    return value.copy()


def is_same(value: Any, before: Any) -> bool:
    """Whether it holds what it held before."""
    if kind_of(value) == "series":
        return bool(value.equals(before) and value.index.equals(before.index) and value.name == before.name)
    return bool(value.equals(before) and value.columns.equals(before.columns) and value.index.equals(before.index))


def contents(value: Any, encode: Encode) -> list[Any]:
    """Its index, columns and values.

    Raises:
        Unsupported: Of a type that cannot be copied.
    """
    if kind_of(value) == "series":
        return [_index(value.index, encode), encode(value.name), _values(value, encode)]
    columns = [_values(column, encode) for _, column in value.items()]
    return [_index(value.index, encode), _index(value.columns, encode), columns]


def fill(value: Any, data: list[Any], decode: Encode) -> None:
    """Make it hold other contents, in place."""
    import pandas

    index = _to_index(data[0], decode)
    if kind_of(value) == "series":
        pandas.Series.__init__(value, _to_values(data[2], decode), index=index, name=decode(data[1]), copy=False)
        return
    columns = _to_index(data[1], decode)
    parts = {number: _to_values(column, decode) for number, column in enumerate(data[2])}
    # positions first: names may occur twice
    pandas.DataFrame.__init__(value, parts, index=index, copy=False)
    value.columns = columns


def _index(index: Any, encode: Encode) -> list[Any]:
    import pandas

    if type(index) is pandas.RangeIndex:
        return ["range", index.start, index.stop, index.step, encode(index.name)]
    if type(index) is pandas.MultiIndex:
        return ["multi", encode(list(index)), encode(list(index.names))]
    return ["index", _values(index, encode), encode(index.name)]


def _to_index(data: list[Any], decode: Encode) -> Any:
    import pandas

    if data[0] == "range":
        return pandas.RangeIndex(data[1], data[2], data[3], name=decode(data[4]))
    if data[0] == "multi":
        return pandas.MultiIndex.from_tuples(decode(data[1]), names=decode(data[2]))
    return pandas.Index(_to_values(data[1], decode), name=decode(data[2]))


def _values(column: Any, encode: Encode) -> list[Any]:
    import numpy
    import pandas

    dtype = column.dtype
    if isinstance(dtype, numpy.dtype):
        if dtype.hasobject:
            return ["list", "object", [encode(item) for item in column]]
        return ["raw", dtype.str, base64.b64encode(column.to_numpy().tobytes()).decode()]
    if isinstance(dtype, pandas.CategoricalDtype):
        codes = numpy.asarray(column.cat.codes if hasattr(column, "cat") else column.codes, numpy.int32)
        text = base64.b64encode(codes.tobytes()).decode()
        return ["category", text, _index(dtype.categories, encode), bool(dtype.ordered)]
    if str(dtype) == "str" or str(dtype) in _NULLABLE:
        return ["list", str(dtype), [None if pandas.isna(item) else encode(item) for item in column]]
    raise Unsupported(f"a column of type {dtype}")


def _to_values(data: list[Any], decode: Encode) -> Any:
    import numpy
    import pandas

    if data[0] == "raw":
        dtype = numpy.dtype(data[1])
        if dtype.hasobject:
            raise Unsupported("an array of objects")
        return numpy.frombuffer(base64.b64decode(data[2]), dtype).copy()
    if data[0] == "category":
        codes = numpy.frombuffer(base64.b64decode(data[1]), numpy.int32)
        return pandas.Categorical.from_codes(codes, categories=_to_index(data[2], decode), ordered=bool(data[3]))
    if data[1] not in _NULLABLE and data[1] not in ("object", "str"):
        raise Unsupported(f"a column of type {data[1]}")
    items = [decode(item) for item in data[2]]
    if data[1] == "object":
        found = numpy.empty(len(items), object)
        found[:] = items
        return found
    return pandas.array(items, dtype=data[1])


def scalar(value: Any) -> list[Any] | None:
    """A time stamp, a span or a missing value of pandas' as ``["x", kind, ...]``; None for anything else."""
    pandas = loaded()
    if pandas is None:
        return None
    if value is pandas.NaT or value is pandas.NA:
        return ["x", "missing", "NaT" if value is pandas.NaT else "NA"]
    if type(value) is pandas.Timestamp and value.tz is None:
        return ["x", "timestamp", value.isoformat()]
    if type(value) is pandas.Timedelta:
        return ["x", "span", value.isoformat()]
    return None


def to_scalar(kind: str, text: str) -> Any:
    """The value of what :func:`scalar` gave."""
    import pandas

    if kind == "missing":
        return pandas.NaT if text == "NaT" else pandas.NA
    return pandas.Timestamp(text) if kind == "timestamp" else pandas.Timedelta(text)
