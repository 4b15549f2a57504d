"""The sample pool: at most K completions of one request, drawn once and kept on disk.

A request (model, weights, messages, decoding) has slots 0 … K-1. An empty slot is filled by a real call to the LM; a
full one gives what was drawn then. So episodes can be repeated exactly, prompts asked again are free, and nothing is
made up.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from blampert_env.errors import StorageError
from blampert_env.lm.completion import Completion
from blampert_env.lm.store import SampleStore

if TYPE_CHECKING:
    from blampert_env.lm.shared_cache import SharedCache

_FRONT = 4096  # completions kept in memory, a few MB
_CLAIM_S = 600.0  # longest wait for another process that draws the same sample
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class PoolStats:
    """Counts of one process. ``hits``: answered from the pool; ``misses``: real LM calls."""

    hits: int
    misses: int


def slot_of(draw: int, samples: int, temperature: float) -> int:
    """Slot of a draw: ``draw mod K``; at temperature 0 every draw is the same sample, so K is 1."""
    return 0 if temperature == 0 else draw % samples


def slot_seed(key: str, slot: int, seed: int = 0) -> int:
    """The sampling seed of a slot, in [0, 2**31): the same everywhere, another one for each slot."""
    return int.from_bytes(hashlib.sha256(f"{key}/{slot}/{seed}".encode()).digest()[:4], "big") >> 1


class SamplePool:
    """Samples on disk (SQLite), shared by every process that names the same file. Thread-safe and picklable.

    Args:
        path: The SQLite file; made, with its folder, at the first use.
        samples: K, the slots of a request, >= 1.
        shared: A cache behind the file that other machines share; what it has is copied into the file.
    """

    def __init__(self, path: Path, samples: int = 8, shared: SharedCache | None = None) -> None:
        if samples < 1:
            raise ValueError(f"samples must be at least 1, not {samples}")
        self.path = Path(path)
        self.samples = samples
        self.shared = shared
        self._store = SampleStore(self.path)
        self._front: dict[tuple[str, int], Completion] = {}
        self._lock = threading.Lock()
        self._hits = self._misses = 0

    def sample(
        self, key: str, slot: int, draw: Callable[[], Completion], about: Callable[[], str] | None = None
    ) -> Completion:
        """What lies in the slot; if it is empty, ``draw()`` fills it, and what ``about()`` says of the request is kept.

        Several threads or processes that want the same empty slot make one call between them; the others wait.
        Should two draw nonetheless, the first to write wins and everybody returns its text.

        Raises:
            StorageError: The file is damaged or cannot be written.
        """
        if found := self._look(key, slot):
            return found
        owner = self._claim(key, slot)
        if owner is None:
            found = self._look(key, slot)
            assert found is not None
            return found
        try:
            if about is not None:
                self._store.describe(key, about())
            found = self._fetch(key, slot)
            if found is not None:
                return found
            drawn = draw()
            offered = self.shared.put(key, slot, drawn) if self.shared else drawn
            winner = self._store.put(key, slot, offered)
        finally:
            with suppress(StorageError):
                self._store.release(key, slot, owner)
        with self._lock:
            self._misses += 1
        self._remember(key, slot, winner)
        return drawn if winner.text == drawn.text else replace(winner, cached=True, latency_s=drawn.latency_s)

    def has(self, key: str, slot: int) -> bool:
        """Whether a sample lies in the slot; raises StorageError as :meth:`sample`."""
        return (key, slot) in self._front or self._store.get(key, slot) is not None

    @property
    def stats(self) -> PoolStats:
        """Hits and misses of this process so far."""
        return PoolStats(self._hits, self._misses)

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        self._store.close()

    def count(self) -> int:
        """Samples on disk."""
        return self._store.count()

    def __reduce__(self) -> tuple[type[SamplePool], tuple[Path, int, SharedCache | None]]:
        return SamplePool, (self.path, self.samples, self.shared)

    def _fetch(self, key: str, slot: int) -> Completion | None:
        """What another machine has drawn: copied into the file, and a hit."""
        found = self.shared.get(key, slot) if self.shared else None
        if found is None:
            return None
        found = replace(self._store.put(key, slot, found), cached=True, latency_s=0.0)
        self._remember(key, slot, found)
        with self._lock:
            self._hits += 1
        return found

    def _look(self, key: str, slot: int) -> Completion | None:
        found = self._front.get((key, slot))
        if found is None:
            found = self._store.get(key, slot)
            if found is None:
                return None
            found = replace(found, latency_s=0.0)  # what is stored is what the first draw took
            self._remember(key, slot, found)
        with self._lock:
            self._hits += 1
        return found

    def _remember(self, key: str, slot: int, completion: Completion) -> None:
        with self._lock:
            if len(self._front) >= _FRONT:
                self._front.pop(next(iter(self._front)))
            self._front[key, slot] = replace(completion, cached=True, latency_s=0.0)

    def _claim(self, key: str, slot: int) -> str | None:
        """The right to draw, or None once somebody else has filled the slot."""
        deadline = time.monotonic() + _CLAIM_S
        while True:
            owner = self._store.claim(key, slot, _CLAIM_S)
            if self._store.get(key, slot) is not None:
                if owner is not None:
                    self._store.release(key, slot, owner)
                return None
            if owner is not None or time.monotonic() > deadline:
                return owner or ""
            time.sleep(_POLL_S)
