"""Several things at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def at_once(actions: Sequence[Callable[[], T]]) -> Iterator[T]:
    """What each gives, in their order; all are begun before the first is over."""
    if len(actions) == 1:
        yield actions[0]()
        return
    with ThreadPoolExecutor(len(actions)) as pool:
        yield from pool.map(lambda action: action(), actions)
