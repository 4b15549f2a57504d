"""Zygotes and the processes of an evaluation, as their lane sees them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from dataclasses import dataclass, field
from typing import Any

from . import channel


class Failed(Exception):
    """The machinery failed; one line says how."""


@dataclass
class Zygote:
    """A zygote as its lane sees it."""

    control: socket.socket
    layers: list[str] = field(default_factory=list)

    def ask(self, message: dict[str, Any], fds: list[int] | None = None) -> dict[str, Any]:
        """One request.

        Raises:
            Failed: The zygote is gone or could not do it.
        """
        try:
            channel.send(self.control, message, fds or [])
            answer, _ = channel.receive(self.control)
        except channel.Closed:
            raise Failed("a process of the grader was killed") from None
        if "error" in answer:
            raise Failed(str(answer["error"]))
        return answer

    def spawn(self, job: dict[str, Any], fds: list[int]) -> Child:
        """Make a child."""
        pid = self.ask({"op": "spawn", **job}, fds)["pid"]
        try:
            return Child(self, pid, os.pidfd_open(pid))
        except OSError as error:
            raise Failed(f"a process of the grader was killed ({error.strerror})") from None


@dataclass
class Child:
    """One process of an evaluation."""

    zygote: Zygote
    pid: int
    pidfd: int

    def end(self) -> int:
        """Kill it, if it is still there, and collect it: its exit code, negative for a signal."""
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        os.close(self.pidfd)
        return int(self.zygote.ask({"op": "reap", "pid": self.pid})["code"])

    def is_over(self) -> bool:
        """Whether it has ended."""
        return bool(select.select([self.pidfd], [], [], 0)[0])
