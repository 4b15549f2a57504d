"""A text space for source code.

Gymnasium's ``Text`` wants a fixed character set; source code may hold any character. ``SourceText`` takes every string
up to a length, samples printable ASCII, and crosses process borders in ``AsyncVectorEnv`` as code points.
"""

from __future__ import annotations

import multiprocessing as mp
import string
from collections.abc import Sequence
from ctypes import c_int32
from multiprocessing.sharedctypes import SynchronizedArray
from types import ModuleType
from typing import Any

import numpy as np
from gymnasium.spaces import Text
from gymnasium.vector.utils.shared_memory import (
    create_shared_memory,
    read_from_shared_memory,
    write_to_shared_memory,
)
from numpy.typing import NDArray

SAMPLED = string.ascii_letters + string.digits + string.punctuation + " \n"


class SourceText(Text):
    """Every ``str`` of at most ``max_length`` characters.

    Args:
        max_length: Most characters, >= 1.
        seed: Seed or generator for sampling.
    """

    def __init__(self, max_length: int, *, seed: int | np.random.Generator | None = None) -> None:
        super().__init__(max_length, min_length=0, charset=SAMPLED, seed=seed)

    def contains(self, x: Any) -> bool:
        """Any string that is short enough."""
        return isinstance(x, str) and len(x) <= self.max_length

    def __repr__(self) -> str:
        return f"SourceText({self.max_length})"


class SharedTexts(Sequence[str]):
    """The sub-environments' texts, decoded when looked at.

    ``AsyncVectorEnv`` reads shared memory once, when it is made, and copies what it got then after each step: right
    for arrays, which are views, and stale for strings. This is a view too, and a deep copy of it is a tuple of texts.
    """

    def __init__(self, rows: NDArray[np.int32]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self)[index]
        row = self._rows[index]
        return "".join(map(chr, row[1 : row[0] + 1]))

    def __deepcopy__(self, memo: dict[int, Any]) -> tuple[str, ...]:
        return tuple(self)


@create_shared_memory.register(SourceText)
def _create(space: SourceText, n: int = 1, ctx: ModuleType = mp) -> SynchronizedArray[c_int32]:
    """One row a sub-environment: the length, then the code points."""
    return ctx.Array(np.dtype(np.int32).char, n * (space.max_length + 1))  # type: ignore[no-any-return]


@read_from_shared_memory.register(SourceText)
def _read(space: SourceText, shared_memory: SynchronizedArray[c_int32], n: int = 1) -> SharedTexts:
    rows = np.frombuffer(shared_memory.get_obj(), dtype=np.int32).reshape(n, space.max_length + 1)  # type: ignore[call-overload]
    return SharedTexts(rows)


@write_to_shared_memory.register(SourceText)
def _write(space: SourceText, index: int, values: str, shared_memory: SynchronizedArray[c_int32]) -> None:
    rows = np.frombuffer(shared_memory.get_obj(), dtype=np.int32).reshape(-1, space.max_length + 1)  # type: ignore[call-overload]
    row = rows[index]
    row[0] = len(values)
    row[1 : len(values) + 1] = [ord(character) for character in values]
