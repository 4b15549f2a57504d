"""The connection to Redis: short time-outs, one kind of error, the names of the keys, atomic scripts."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from blampert_env.errors import StorageError, UsageError
from blampert_env.telemetry.bus.redis_scripts import SCRIPTS

_LOG = logging.getLogger("blampert.bus")

CONNECT_S, REPLY_S = 1.0, 5.0
_PAUSE_S = 0.05

T = TypeVar("T")


class RedisClient:
    """A Redis server as a bus sees it. Safe from several threads.

    Args:
        url: As ``redis.Redis.from_url`` takes it.
        prefix: Starts the name of every key.

    Raises:
        UsageError: The package ``redis`` is missing, the address is wrong, or the server is older than Redis 7.
        StorageError: It does not answer.
    """

    def __init__(self, url: str, prefix: str) -> None:
        try:
            import redis
        except ImportError as error:
            raise UsageError("the bus on Redis needs the package redis: pip install 'blampert[redis]'") from error
        self.prefix = prefix
        self._errors: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        try:
            # Any: the package types every command as "bytes or str, awaited or not"
            self.db: Any = redis.Redis.from_url(
                url, decode_responses=True, protocol=2, socket_connect_timeout=CONNECT_S, socket_timeout=REPLY_S
            )
        except ValueError as error:
            raise UsageError(f"{without_password(url)!r} is no Redis address: {error}") from error
        self.name = without_password(url)
        self._scripts = {name: self.db.register_script(text) for name, text in SCRIPTS.items()}
        version = str(self.call(lambda: self.db.info("server"))["redis_version"])
        if int(version.split(".")[0]) < 7:
            raise UsageError(f"{self.name} is Redis {version}; the bus needs Redis 7 or newer")
        self._say_what_it_keeps()

    def key(self, *parts: str) -> str:
        """The full name of a key."""
        return ":".join((self.prefix, *parts))

    def stream(self, topic: str) -> str:
        """The stream of a topic."""
        return self.key("topic", topic)

    def call(self, action: Callable[[], T]) -> T:
        """Run ``action`` once.

        Raises:
            StorageError: The server does not answer, or refuses.
        """
        try:
            return action()
        except self._errors as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise StorageError(f"Redis at {self.name}: {reason}") from error

    def insist(self, action: Callable[[], T], timeout_s: float = 2 * REPLY_S) -> T:
        """Run ``action`` again and again until it works; it must be safe to repeat.

        Raises:
            StorageError: It did not work within ``timeout_s`` seconds.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                return self.call(action)
            except StorageError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_PAUSE_S)

    def run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run a script of :mod:`redis_scripts`; all of it happens, or nothing."""
        return self._scripts[script](keys=list(keys), args=list(arguments))

    def topics(self) -> list[str]:
        """Every topic that was ever published to, sorted."""
        return sorted(self.call(lambda: self.db.smembers(self.key("topics"))))

    def _say_what_it_keeps(self) -> None:
        """Warn of a server that loses messages when it dies."""
        try:
            kept: dict[str, str] = self.call(lambda: self.db.config_get("append*"))
        except StorageError:  # a hosted server may not tell
            return
        if kept.get("appendonly") != "yes":
            _LOG.warning("%s keeps nothing when it dies: set `appendonly yes` and `appendfsync always`", self.name)
        elif kept.get("appendfsync") != "always":
            _LOG.info("%s may lose two seconds when it dies (appendfsync is not always)", self.name)

    def close(self) -> None:
        """Close the connections; calling it twice is fine."""
        self.db.close()


def without_password(url: str) -> str:
    """The address as it may be shown."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
