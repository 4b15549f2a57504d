"""One evaluation in a lane: the processes, the clock, the report."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..wire import channel
from .children import Child, Failed, Zygote

MAX_REPORT = 64 * 2**20
START_LIMIT_S = 30.0
END_LIMIT_S = 0.5
MAX_WAITING = 3.0  # times the limit: a machine that gives less than a quarter of a processor is too slow to grade on


class Run:
    """One evaluation.

    Args:
        zygote: Gives a zygote by its name.
        job: What to do, from the trainer.
        cpus: The processors to run on.
        trainer: The channel to the trainer; only looked at, for its end.
    """

    def __init__(
        self, zygote: Callable[[str], Zygote], job: dict[str, Any], cpus: Sequence[int], trainer: socket.socket
    ) -> None:
        self.zygote, self.job, self.cpus, self.trainer = zygote, job, cpus, trainer
        self.children: dict[str, Child] = {}
        self.codes: dict[str, int] = {}
        self.token = job["token"].encode() + b" "
        self.data = b""
        self.started = self.ended = 0.0
        self.killed: str | None = None

    def split(self) -> dict[str, Any]:
        """Tests here, candidate there."""
        mine, theirs = socket.socketpair()
        with mine, theirs:
            self.children["candidate"] = self.zygote("candidate").spawn([theirs.fileno()], self.cpus)
            theirs.close()
            self._tests("tests", [mine.fileno()])
        return self.answer()

    def together(self, zygote: str) -> dict[str, Any]:
        """Both in one process."""
        self._tests(zygote, [])
        return self.answer()

    def _tests(self, zygote_name: str, fds: list[int]) -> None:
        mine, theirs = socket.socketpair()
        with mine, theirs:
            self.children["tests"] = self.zygote(zygote_name).spawn([theirs.fileno(), *fds], self.cpus)
            theirs.close()
            with contextlib.suppress(channel.Closed):  # it was killed; what it says will be nothing
                channel.send(mine, self.job)
            self._watch(mine.fileno())
        self.codes["tests"] = self.children.pop("tests").end()

    def _watch(self, reader: int) -> None:
        """Read the report until it is complete, the tests have ended, or a limit is reached."""
        os.set_blocking(reader, False)
        poll = select.poll()
        for fd in (reader, self.children["tests"].pidfd, self.trainer.fileno()):
            poll.register(fd, select.POLLIN)
        # tests that had to be imported anew share the limit of the first ones
        deadline = self.started + self.job["limit_s"] if self.started else time.monotonic() + START_LIMIT_S
        parts: list[bytes] = []
        size = 0
        while self.killed is None:
            ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not ready or time.monotonic() >= deadline:
                waited = min(self._waited_s(), MAX_WAITING * self.job["limit_s"])
                if self.started and time.monotonic() < self.started + self.job["limit_s"] + waited:
                    deadline = self.started + self.job["limit_s"] + waited
                    continue
                self.killed = "timeout" if self.started else "start"
                break
            for fd, event in ready:
                if fd == self.trainer.fileno() and event & (select.POLLHUP | select.POLLERR):
                    raise Failed("the trainer is gone")
            over = self.children["tests"].is_over()  # asked before reading: what it wrote is in the pipe by then
            while True:
                try:
                    part = os.read(reader, 1 << 16)
                except BlockingIOError:
                    break
                except ConnectionResetError:  # it ended before it read what it is to do
                    part = b""
                if not part:
                    over = True
                    break
                parts.append(part)
                size += len(part)
                if not self.started:
                    self.started = time.monotonic()
                    deadline = self.started + self.job["limit_s"]
            if parts and self._is_complete(parts):
                break
            if size > MAX_REPORT:
                self.killed = "output"
            if over:
                self.children["tests"].is_over(END_LIMIT_S)  # its report was closed: it is about to be
                break
        self.ended = time.monotonic()
        self.data = b"".join(parts)

    def _waited_s(self) -> float:
        """Seconds for which the processes of this evaluation were ready and others had the processors."""
        waited = 0.0
        for child in self.children.values():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{child.pid}/schedstat") as file:
                waited = max(waited, int(file.read().split()[1]) / 1e9)
        return max(0.0, waited - self._used_s())

    def _used_s(self) -> float:
        """Processor time of what the candidate has started: it may not make its own waiting time."""
        used = 0.0
        ticks, now = os.sysconf("SC_CLK_TCK"), time.clock_gettime(time.CLOCK_BOOTTIME)
        began = (now - (time.monotonic() - self.started)) * ticks
        known = {child.pid for child in self.children.values()}
        for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
                if pid not in known and int(fields[19]) > began:
                    used += (int(fields[11]) + int(fields[12])) / ticks
        return used

    def _is_complete(self, parts: list[bytes]) -> bool:
        if len(parts) > 1:
            parts[-2:] = [parts[-2] + parts[-1]]
        at = parts[-1].rfind(b"\n" + self.token, 0)
        line = parts[-1][at + 1 + len(self.token) :]
        return at >= 0 and line.endswith(b"\n") and line.startswith(b'{"kind": "finished"')

    def end(self) -> None:
        """Kill and collect what is left."""
        for name in list(self.children):
            self.codes[name] = self.children.pop(name).end()

    def answer(self) -> dict[str, Any]:
        """What came of it."""
        candidate = self.children.get("candidate")
        if candidate is not None and b'"gone": true' in self.data[-400:]:  # its end is on the way
            candidate.is_over(END_LIMIT_S)
        self_ended = candidate is not None and candidate.is_over()
        self.end()
        return {
            "report": self.data.decode("utf-8", "replace"),
            "killed": self.killed,
            "tests_code": self.codes.get("tests"),
            "candidate_code": self.codes.get("candidate") if self_ended else None,
            "seconds": max(0.0, self.ended - self.started) if self.started else 0.0,
        }
