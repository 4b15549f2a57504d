"""One evaluation in a lane: the processes, the clock, the report."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from typing import Any

from ..wire import channel
from .children import Child, Failed, Zygote

MAX_REPORT = 64 * 2**20
START_LIMIT_S = 30.0
END_LIMIT_S = 0.5
MAX_WAITING = 3.0  # times the limit: a machine that gives less than a quarter of a processor is too slow to grade on
_LAST_RECORD = 1 << 16


class Run:
    """One evaluation.

    Args:
        job: What to do, from the trainer.
        trainer: The channel to the trainer; only looked at, for its end.
    """

    def __init__(self, job: dict[str, Any], trainer: socket.socket) -> None:
        self.job, self.trainer = job, trainer
        self.children: dict[str, Child] = {}
        self.data = bytearray()
        self.started = self.ended = 0.0
        self.killed: str | None = None

    def answer(self, tests: Zygote, candidate: Zygote | None = None) -> dict[str, Any]:
        """What comes of it: in a child of ``tests``, and one of ``candidate`` if that is another.

        Raises:
            Failed: The machinery failed, or the trainer is gone.
        """
        with contextlib.ExitStack() as ends:
            report, theirs, mine, candidates = (
                ends.enter_context(end) for _ in range(2) for end in socket.socketpair()
            )
            fds = [theirs.fileno()]
            if candidate is not None:
                self.children["candidate"] = candidate.spawn([candidates.fileno()], self.job["cpus"])
                fds.append(mine.fileno())
            candidates.close()
            self.children["tests"] = tests.spawn(fds, self.job["cpus"])
            theirs.close()
            with contextlib.suppress(channel.Closed):  # it was killed; what it says will be nothing
                channel.send(report, self.job)
            self._watch(report.fileno())
        return self._answer(self.children.pop("tests").end())

    def _watch(self, reader: int) -> None:
        """Read the report until it is complete, the tests have ended, or a limit is reached."""
        os.set_blocking(reader, False)
        tests = self.children["tests"]
        poll = select.poll()
        for fd in (reader, tests.pidfd, self.trainer.fileno()):
            poll.register(fd, select.POLLIN)
        deadline = time.monotonic() + START_LIMIT_S
        while self.killed is None and not self._is_complete():
            ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not ready or time.monotonic() >= deadline:
                deadline = self._later()
                continue
            if any(fd == self.trainer.fileno() and event & (select.POLLHUP | select.POLLERR) for fd, event in ready):
                raise Failed("the trainer is gone")
            over = tests.is_over()  # asked before reading: what it wrote is in the pipe by then
            over = self._read(reader) or over
            if self.data and not self.started:
                self.started = time.monotonic()
                deadline = self.started + self.job["limit_s"]
            if over:
                tests.is_over(END_LIMIT_S)  # its report was closed: it is about to be
                break
        self.ended = time.monotonic()

    def _read(self, reader: int) -> bool:
        """Take what there is; whether that is the end."""
        while len(self.data) <= MAX_REPORT:
            try:
                part = os.read(reader, 1 << 16)
            except BlockingIOError:
                return False
            except ConnectionResetError:  # it ended before it read what it is to do
                return True
            if not part:
                return True
            self.data += part
        self.killed = "output"
        return False

    def _is_complete(self) -> bool:
        mark = f"\n{self.job['token']} ".encode()
        at = self.data.rfind(mark, max(0, len(self.data) - _LAST_RECORD))
        return at >= 0 and self.data.endswith(b"\n") and self.data.startswith(b'{"kind": "finished"', at + len(mark))

    def _later(self) -> float:
        """The limit is reached: a later one, if others had the processors meanwhile; else it is to be killed."""
        limit_s = self.job["limit_s"]
        if self.started:
            later = self.started + limit_s + min(self._waited_s(), MAX_WAITING * limit_s)
            if time.monotonic() < later:
                return float(later)
        self.killed = "timeout" if self.started else "start"
        return 0.0

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

    def end(self) -> None:
        """Kill and collect what is left."""
        while self.children:
            self.children.popitem()[1].end()

    def _answer(self, tests_code: int) -> dict[str, Any]:
        candidate, code = self.children.pop("candidate", None), None
        if candidate is not None:
            is_gone = b'"gone": true' in self.data[-400:]  # its end is on the way
            self_ended = candidate.is_over(END_LIMIT_S if is_gone else 0.0)
            code = candidate.end()
            code = code if self_ended else None
        return {
            "report": self.data.decode("utf-8", "replace"),
            "killed": self.killed,
            "tests_code": tests_code,
            "candidate_code": code,
            "seconds": max(0.0, self.ended - self.started) if self.started else 0.0,
        }
