"""Several things at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def at_once(
    actions: Sequence[Callable[[], T]], abandon: Callable[[Collection[int]], None] = lambda threads: None
) -> Iterator[T]:
    """What each gives, in their order; all are begun before the first is over.

    Args:
        actions: What to do.
        abandon: Told the threads whose results are wanted no more: one of the others has failed, or the caller has
            been interrupted, or has seen enough.
    """
    if len(actions) == 1:
        yield actions[0]()
        return
    threads: set[int] = set()

    def done(action: Callable[[], T]) -> T:
        threads.add(threading.get_ident())
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        futures = [pool.submit(done, action) for action in actions]
        try:
            for future in futures:
                yield future.result()
        except BaseException:
            abandon(threads)
            raise
