"""Zygotes and the processes of an evaluation, as their lane sees them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from .zygote import NUMBER, REAP, SPAWN, move_to, request


class Failed(Exception):
    """The machinery failed; one line says how."""


@dataclass
class Zygote:
    """A zygote as its lane sees it."""

    control: socket.socket
    layers: list[str] = field(default_factory=list)
    cpus: Sequence[int] = ()

    def ask(self, message: bytes, fds: Sequence[int] = ()) -> int:
        """One request that is answered by a number.

        Raises:
            Failed: The zygote is gone.
        """
        try:
            socket.send_fds(self.control, [message], list(fds))
            answer = self.control.recv(NUMBER.size)
        except OSError:
            answer = b""
        if not answer:
            raise Failed("a process of the grader was killed")
        return int(NUMBER.unpack(answer)[0])

    def spawn(self, fds: Sequence[int], cpus: Sequence[int]) -> Child:
        """Make a child that runs on these processors.

        Raises:
            Failed: It cannot be made.
        """
        if cpus != self.cpus:
            with contextlib.suppress(OSError):  # the next request says that it is gone
                self.control.sendall(move_to(cpus))
            self.cpus = cpus
        pid = self.ask(request(SPAWN), fds)
        if pid < 0:
            raise Failed(f"no process can be made ({os.strerror(-pid)})")
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
        return self.zygote.ask(request(REAP, self.pid))

    def is_over(self) -> bool:
        """Whether it has ended."""
        return bool(select.select([self.pidfd], [], [], 0)[0])
