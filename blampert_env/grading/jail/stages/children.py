"""Zygotes and the processes of an evaluation, as their lane sees them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..walls import linux
from .zygote import NUMBER, REAP, REQUEST, SPAWN

ANSWER_LIMIT_S = 30.0
_END_S = 0.2


class Failed(Exception):
    """The machinery failed; one line says how."""


@dataclass
class Zygote:
    """A zygote as its lane sees it.

    Attributes:
        control: To it.
        child: The child of the lane to collect when it is over; 0 if it is another's.
        pid: Its process, as soon as it has said its first words.
        pidfd: The same.
        inits: What makes the first process of each child's PID namespace; None if there are no such namespaces.
    """

    control: socket.socket
    child: int = 0
    pid: int = 0
    pidfd: int = -1
    inits: Zygote | None = None

    def introduce(self, words: Mapping[str, Any], fds: Sequence[int]) -> None:
        """Take its first words, and the channel to the maker of first processes if one came with them.

        Raises:
            Failed: It is gone.
        """
        self.pid, self.pidfd = words["pid"], _open(words["pid"])
        if fds:
            self.inits = Zygote(socket.socket(fileno=fds[0]), pidfd=_open(words["maker"]))

    def ask(self, operation: bytes, number: int, fds: Sequence[int] = ()) -> int:
        """One request that is answered by a number.

        Raises:
            Failed: The zygote is gone, or does not answer: it was stopped, and is killed.
        """
        try:
            socket.send_fds(self.control, [REQUEST.pack(operation, number)], list(fds))
            # children hold copies of its channel's end, so the end of its process is looked at, too
            if not select.select([self.control.fileno(), self.pidfd], [], [], ANSWER_LIMIT_S)[0]:
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
            answer = self.control.recv(NUMBER.size, socket.MSG_DONTWAIT)
        except OSError:
            answer = b""
        if not answer:
            raise Failed("a process of the grader was killed")
        return int(NUMBER.unpack(answer)[0])

    def spawn(self, fds: Sequence[int], cpus: Iterable[int]) -> Child:
        """Make a child that runs on these processors.

        Raises:
            Failed: It cannot be made.
        """
        linux.run_on(cpus, self.pid)
        if self.inits is None:
            return self._spawn(fds)
        init = self.inits._spawn([])
        try:
            return self._spawn(fds, init)
        except Failed:
            init.end()
            raise

    def _spawn(self, fds: Sequence[int], init: Child | None = None) -> Child:
        inside = [init.pidfd] if init else []
        pid = self.ask(SPAWN, len(inside), [*inside, *fds])
        if pid < 0:
            raise Failed(f"no process can be made ({os.strerror(-pid)})")
        try:
            return Child(self, pid, _open(pid), init)
        except Failed:
            self.ask(REAP, pid)  # an init that waits for it could not end
            raise

    def close(self) -> None:
        """Let it go, and collect it if the lane made it."""
        for made in (self, self.inits):
            if made is not None:
                made.control.close()
                if made.pidfd >= 0:
                    os.close(made.pidfd)
        if self.child:
            os.waitpid(self.child, 0)


def _open(pid: int) -> int:
    """A descriptor of a process.

    Raises:
        Failed: It is gone, or none can be had.
    """
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        raise Failed(f"a process of the grader was killed ({error.strerror})") from None


@dataclass
class Child:
    """One process of an evaluation, and what the first process of its PID namespace is if that is another."""

    zygote: Zygote
    pid: int
    pidfd: int
    init: Child | None = None

    def end(self) -> int:
        """Kill it and all it left, if they are still there, and collect it: its exit code, negative for a signal.

        Raises:
            Failed: A process of the grader was killed, and this one because of that.
        """
        was_over = self.is_over()
        if not was_over:
            with contextlib.suppress(OSError):  # all inside are killed with the first process
                signal.pidfd_send_signal((self.init or self).pidfd, signal.SIGKILL)
        os.close(self.pidfd)
        try:
            code = self.zygote.ask(REAP, self.pid)
            # nothing inside can kill the first process of a namespace, and it ends when all inside are collected
            if was_over and code == -signal.SIGKILL and self.init is not None and self.init.is_over(_END_S):
                raise Failed("a process of the grader was killed")
            return code
        finally:
            if self.init is not None:
                self.init.end()  # over when everything inside is

    def is_over(self, wait_s: float = 0.0) -> bool:
        """Whether it has ended, or does so in that time."""
        return bool(select.select([self.pidfd], [], [], wait_s)[0])
