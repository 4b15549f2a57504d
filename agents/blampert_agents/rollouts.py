"""What an agent remembers of each rollout in progress."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

import numpy as np

_REMEMBERED = 256  # rollouts in progress at the same time; of more, the one that acted longest ago starts over

T = TypeVar("T")


class PerRollout(Generic[T]):
    """One value a rollout, which is known by the generator that it hands to ``act``: a new one is a new rollout.

    So an agent that remembers has the protocol of one that does not, and rollouts in several threads do not mix.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The generator is kept beside its value: an id is only unique among living objects.
        self._values: OrderedDict[int, tuple[np.random.Generator, T]] = OrderedDict()

    def __len__(self) -> int:
        """Rollouts that are remembered."""
        return len(self._values)

    def get(self, rng: np.random.Generator, default: T) -> T:
        """What was kept for the rollout, or ``default`` where nothing was."""
        with self._lock:
            return self._values.get(id(rng), (rng, default))[1]

    def keep(self, rng: np.random.Generator, value: T) -> None:
        """Keep ``value`` for the rollout, in the place of what was kept before."""
        with self._lock:
            self._values[id(rng)] = (rng, value)
            self._values.move_to_end(id(rng))
            if len(self._values) > _REMEMBERED:
                self._values.popitem(last=False)
