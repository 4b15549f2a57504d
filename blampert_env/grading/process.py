"""Starts the runner as a plain process, reads what it reports, and ends its process group at its limits.

Nothing here trusts the process below: pipes are read without blocking, and every wait has an end.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from blampert_env.grading.records import Records

START_LIMIT_S = 60.0  # interpreter and pytest, before any code of the project
MAX_OUTPUT = 8 * 2**20
MAX_REPORT = 64 * 2**20
_GRACE_S = 10.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run.

    Attributes:
        records: What the runner reported.
        killed: ``timeout``, ``output``, the name of the signal it died from, or None.
        exit_code: Of the runner, if it ended by itself.
        seconds: From the start of pytest to the end.
        output: The last of what was written past pytest's capture.
    """

    records: Records
    killed: str | None
    exit_code: int | None
    seconds: float
    output: str


class Pipe:
    """A pipe whose reading end never blocks; a context manager."""

    def __init__(self) -> None:
        self.read_fd, self.write_fd = os.pipe()
        os.set_blocking(self.read_fd, False)

    def read(self) -> bytes | None:
        """What there is, ``b""`` at the end, None if there is nothing now."""
        try:
            return os.read(self.read_fd, 1 << 20)
        except BlockingIOError:
            return None

    def close_writer(self) -> None:
        """Leave the writing end to the processes below."""
        if self.write_fd >= 0:
            os.close(self.write_fd)
            self.write_fd = -1

    def __enter__(self) -> Pipe:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_writer()
        os.close(self.read_fd)


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    report: Pipe,
    token: str,
    limit_s: float,
) -> Run:
    """Run a command to its end or its limit.

    Args:
        command: The program and its arguments.
        cwd: Working folder.
        env: The whole environment.
        report: Where the runner writes its records.
        token: What they start with.
        limit_s: Seconds from the start of pytest.

    Raises:
        OSError: No process could be made.
    """
    with Pipe() as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output.write_fd,
            stderr=output.write_fd,
            pass_fds=[report.write_fd],
            start_new_session=True,
        )
        watch = _Watch(process, Records(token), report, output, limit_s)
        try:
            watch.until_end()
        finally:
            _end(process)
        watch.drain()
    return watch.result()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)


class _Watch:
    """Reads the pipes of one process."""

    def __init__(
        self, process: subprocess.Popen[bytes], records: Records, report: Pipe, output: Pipe, limit_s: float
    ) -> None:
        self.process, self.records, self.report, self.output = process, records, report, output
        self.limit_s = limit_s
        self.killed: str | None = None
        self.exit_code: int | None = None
        self.reported = self.written = 0
        self.last_output = b""
        self.began = self.ended = time.monotonic()
        self.deadline = self.began + START_LIMIT_S

    def until_end(self) -> None:
        """Until the runner has finished, is gone, or is over a limit."""
        for pipe in (self.report, self.output):
            pipe.close_writer()
        with selectors.DefaultSelector() as selector:
            selector.register(self.report.read_fd, selectors.EVENT_READ, self._take_report)
            selector.register(self.output.read_fd, selectors.EVENT_READ, self._take_output)
            while self._goes_on():
                for key, _ in selector.select(_POLL_S):
                    take: Callable[[], bool] = key.data
                    if not take():
                        selector.unregister(key.fd)
                if not selector.get_map():
                    self._wait_for_exit()
        self.ended = time.monotonic()

    def _goes_on(self) -> bool:
        if self.records.finished or self.killed or self.exit_code is not None:
            return False
        self.exit_code = self.process.poll()  # whatever grandchild may still hold the pipes
        if self.exit_code is None and time.monotonic() >= self.deadline:
            self.killed = "timeout"
        return self.exit_code is None and self.killed is None

    def _wait_for_exit(self) -> None:
        """Both pipes are closed: nothing more can be said, but the process may still run."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, self.deadline - time.monotonic()))

    def _take_report(self) -> bool:
        data = self.report.read()
        if data:
            self.reported += len(data)
            waiting = not self.records.all
            self.records.feed(data)
            if waiting and self.records.all:
                self.began = time.monotonic()
                self.deadline = self.began + self.limit_s
            if self.reported > MAX_REPORT:
                self.killed = "output"
        return data != b""

    def _take_output(self) -> bool:
        data = self.output.read()
        if data:
            self.written += len(data)
            self.last_output = (self.last_output + data)[-4000:]
            if self.written > MAX_OUTPUT:
                self.killed = "output"
        return data != b""

    def drain(self) -> None:
        """Take what the pipes still hold; a flood from somebody who escaped ends at the size limits."""
        for take in (self._take_report, self._take_output):
            before = -1
            while self.killed is None and before != self.reported + self.written:
                before = self.reported + self.written
                take()

    def result(self) -> Run:
        """The run as a value."""
        code = None if self.killed or self.records.finished else self.exit_code
        killed = self.killed or signal_name(code)
        output = self.last_output.decode("utf-8", "replace")
        return Run(self.records, killed, code, self.ended - self.began, output)


def signal_name(code: int | None) -> str | None:
    """A negative code is a signal's."""
    if code is None or code >= 0:
        return None
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
