"""Samples on a Redis server, so that machines share what each has drawn. Behind the pool's own file, never instead.

A cache may be away: after a failure it is left alone for a while, so that a call waits for it at most half a second
now and then, and one warning says so. What is drawn meanwhile is in the pool's file, and is sent when it is back.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from dataclasses import asdict
from typing import Any

from blampert_env.errors import UsageError
from blampert_env.lm.completion import Completion

logger = logging.getLogger("blampert.lm")

_CONNECT_S, _REPLY_S = 0.3, 0.5
PAUSE_S = 30.0
"""Seconds for which a cache that failed is left alone."""
_UNSENT = 10_000  # samples remembered to be sent later


class SharedCache:
    """A Redis server as a cache of samples. Cheap to make, picklable, safe from several threads.

    Args:
        url: ``redis://[[user]:password@]host:port/db``.

    Raises:
        UsageError: The package ``redis`` is missing, or the address is wrong.
    """

    def __init__(self, url: str) -> None:
        try:
            import redis
        except ImportError as error:
            raise UsageError("a shared cache needs the package redis: pip install 'blampert[redis]'") from error
        self.url = url
        self._shown = url.rpartition("@")[2].removeprefix("redis://")
        self._errors = (redis.RedisError, OSError)
        try:
            self._db: Any = redis.Redis.from_url(
                url,
                decode_responses=True,
                protocol=2,
                socket_connect_timeout=_CONNECT_S,
                socket_timeout=_REPLY_S,
                retry=None,
            )
        except ValueError as error:
            raise UsageError(f"storage.redis_url {self._shown!r} is no Redis address: {error}") from error
        self._lock = threading.Lock()
        self._asleep_until = 0.0
        self._failed = False
        self._unsent: deque[tuple[str, str]] = deque(maxlen=_UNSENT)

    def get(self, key: str, slot: int) -> Completion | None:
        """The sample in a slot; None if there is none, or the server is away."""
        text = self._try(lambda: self._db.get(_name(key, slot)))
        try:
            return Completion(**json.loads(text)) if text else None
        except (ValueError, TypeError):
            logger.warning("the shared cache at %s holds something else under %s; it is not used", self._shown, key)
            return None

    def put(self, key: str, slot: int, sample: Completion) -> Completion:
        """Offer a sample; gives the one that all share: that of the first who offered."""
        name, text = _name(key, slot), json.dumps(asdict(sample))
        done = self._try(lambda: self._send() and [self._db.set(name, text, nx=True, get=True)])
        if not done:
            with self._lock:
                self._unsent.append((name, text))
            return sample
        return Completion(**json.loads(done[0])) if done[0] else sample

    def __reduce__(self) -> tuple[type[SharedCache], tuple[str]]:
        return SharedCache, (self.url,)

    def _send(self) -> bool:
        """Send what was drawn while the server was away; the first to come wins there, too. True when all is sent."""
        while self._unsent:
            name, text = self._unsent[0]
            self._db.set(name, text, nx=True)
            with self._lock:
                if self._unsent and self._unsent[0][0] == name:
                    self._unsent.popleft()
        return True

    def _try(self, action: Any) -> Any:
        """What ``action`` gives, or None while the server is away."""
        if time.monotonic() < self._asleep_until:
            return None
        try:
            found = action()
        except self._errors as error:
            with self._lock:
                first, self._failed = not self._failed, True
                self._asleep_until = time.monotonic() + PAUSE_S
            if first:
                reason = " ".join(str(error).split()) or type(error).__name__
                logger.warning("no shared cache at %s: %s; samples are kept in the file only", self._shown, reason)
            return None
        if self._failed:
            self._failed = False
            logger.warning("the shared cache at %s is back", self._shown)
        return found


def _name(key: str, slot: int) -> str:
    return f"blampert:sample:{key}:{slot}"
