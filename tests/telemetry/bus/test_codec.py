"""JSON as the standard library has it, only faster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blampert_env.telemetry.bus.codec import Unserialisable, clean, describe, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=15,
)


@given(JSON)
def test_what_the_library_writes_is_written(value: Any) -> None:
    assert json.loads(encode(value)) == json.loads(json.dumps(value))


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    "value",
    [float("nan"), [1.0, float("inf")], {"a": {"b": float("-inf")}}, {1}, b"x", Point(1), datetime(2026, 1, 1), 1j],
)
def test_what_the_library_refuses_is_refused(value: Any) -> None:
    with pytest.raises(Unserialisable, match="cannot be written as JSON: "):
        encode(value)


def test_none_beside_a_number_is_fine_and_a_text_that_says_null_too() -> None:
    assert json.loads(encode({"a": None, "b": "null", "c": 1.5})) == {"a": None, "b": "null", "c": 1.5}


def test_a_long_repr_is_cut() -> None:
    assert describe("x" * 2_000_000).endswith("... (2000002 characters)")
    assert len(describe("x" * 2_000_000)) < 1_000_100


def test_a_key_is_text_that_every_store_takes() -> None:
    assert clean(None) is None
    assert clean("ä") == "ä"
    assert clean("\ud800") == "\\ud800"
