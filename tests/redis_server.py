"""A real redis-server for tests, on a free port of the loopback, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest


def redis_binary() -> str:
    """The server's program; without it a test is skipped, but fails where CI runs it."""
    found = shutil.which("redis-server")
    if found is None:
        how = "redis-server is missing: apt-get install redis-server"
        pytest.fail(how) if os.environ.get("CI") else pytest.skip(how)
    return str(found)


class RedisServer:
    """Started by :meth:`start`, always at the same address; what it was told is on the disk (``appendonly``)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.binary = redis_binary()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start and wait until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        options += ["--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no", "--loglevel", "warning"]
        log = (self.folder / "redis.log").open("ab")
        self.process = subprocess.Popen([self.binary, *options], stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + 20
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "redis.log").read_text()
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        """``kill -9``."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False
