"""One evaluation in a lane: the processes, the clock, the report."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import time
from typing import TYPE_CHECKING, Any

from . import channel
from .children import Child, Failed

if TYPE_CHECKING:
    from .lane import Opened

MAX_REPORT = 64 * 2**20
START_LIMIT_S = 30.0
END_LIMIT_S = 0.5


class Run:
    """One evaluation."""

    def __init__(self, opened: Opened, job: dict[str, Any]) -> None:
        self.opened, self.job = opened, job
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
            candidates = self.opened.zygotes["candidate"]
            self.children["candidate"] = candidates.spawn([theirs.fileno()], self.opened.lane.cpus)
            theirs.close()
            is_fresh = bool(self.opened.staged["is_dynamic"])
            self._tests("fresh" if is_fresh else "tests", [mine.fileno()])
            if not is_fresh and self._last_kind() == "restage":
                self.data = b""
                self.codes.pop("tests", None)
                self._tests("fresh", [mine.fileno()])
        return self.answer()

    def whole(self) -> dict[str, Any]:
        """Both in one process."""
        self._tests("whole", [])
        return self.answer()

    def _tests(self, zygote_name: str, fds: list[int]) -> None:
        mine, theirs = socket.socketpair()
        with mine, theirs:
            made = self.opened.zygote(zygote_name)
            self.children["tests"] = made.spawn([theirs.fileno(), *fds], self.opened.lane.cpus)
            theirs.close()
            with contextlib.suppress(channel.Closed):  # it was killed; what it says will be nothing
                channel.send(mine, self.job)
            self._watch(mine.fileno())
        self.codes["tests"] = self.children.pop("tests").end()

    def _watch(self, reader: int) -> None:
        """Read the report until it is complete, the tests have ended, or a limit is reached."""
        os.set_blocking(reader, False)
        poll = select.poll()
        for fd in (reader, self.children["tests"].pidfd, self.opened.lane.trainer.fileno()):
            poll.register(fd, select.POLLIN)
        # tests that had to be imported anew share the limit of the first ones
        deadline = self.started + self.job["limit_s"] if self.started else time.monotonic() + START_LIMIT_S
        parts: list[bytes] = []
        size = 0
        while self.killed is None:
            ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not ready or time.monotonic() >= deadline:
                self.killed = "timeout" if self.started else "start"
                break
            for fd, event in ready:
                if fd == self.opened.lane.trainer.fileno() and event & (select.POLLHUP | select.POLLERR):
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

    def _is_complete(self, parts: list[bytes]) -> bool:
        if len(parts) > 1:
            parts[-2:] = [parts[-2] + parts[-1]]
        at = parts[-1].rfind(b"\n" + self.token, 0)
        line = parts[-1][at + 1 + len(self.token) :]
        return at >= 0 and line.endswith(b"\n") and line.startswith((b'{"kind": "finished"', b'{"kind": "restage"'))

    def _last_kind(self) -> str:
        lines = [line for line in self.data.split(b"\n") if line.startswith(self.token)]
        return str(json.loads(lines[-1][len(self.token) :])["kind"]) if lines else ""

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
