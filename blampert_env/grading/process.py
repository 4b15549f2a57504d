"""Starts the runner as a plain process, and ends its process group at its limits."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from blampert_env.grading.records import Records

START_LIMIT_S = 60.0  # interpreter and pytest, before any code of the project
MAX_OUTPUT = 8 * 2**20
MAX_REPORT = 64 * 2**20
_GRACE_S = 10.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run.

    Attributes:
        records: What the runner reported.
        killed: ``timeout``, ``output``, the name of the signal it died from, or None.
        exit_code: Of the runner, if it ended by itself.
        seconds: From the start of pytest to the end.
        output: The last of what was written past pytest's capture.
        touched: The project's files that it changed, in a run with impossible twins or apart.
    """

    records: Records
    killed: str | None
    exit_code: int | None
    seconds: float
    output: str
    touched: Sequence[str] = ()


def run(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], report: Path, output: Path, token: str, limit_s: float
) -> Run:
    """Run a command to its end or its limit. What grandchildren hold open or write later is nobody's business.

    Args:
        command: The program and its arguments.
        cwd: Working folder.
        env: The whole environment.
        report: The file that the runner writes its records to; not there yet.
        output: The file for everything else that is written.
        token: What records start with.
        limit_s: Seconds from the start of pytest.

    Raises:
        OSError: No process could be made.
    """
    with output.open("wb") as written:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
    try:
        killed, began = _wait(process, report, output, limit_s)
    finally:
        ended = time.monotonic()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
    records = Records(token)
    if report.exists():
        with report.open("rb") as stream:
            records.feed(stream.read(MAX_REPORT))
    code = None if killed or records.finished else process.returncode
    text = output.read_bytes()[-4000:].decode("utf-8", "replace")
    return Run(records, killed or signal_name(code), code, ended - began, text)


def _wait(process: subprocess.Popen[bytes], report: Path, output: Path, limit_s: float) -> tuple[str | None, float]:
    """Until the process is gone or over a limit: which, and when pytest started."""
    began = time.monotonic()
    deadline, has_started = began + START_LIMIT_S, False
    while process.poll() is None:
        reported = report.stat().st_size if report.exists() else 0
        if reported and not has_started:
            began, has_started = time.monotonic(), True
            deadline = began + limit_s
        if reported > MAX_REPORT or output.stat().st_size > MAX_OUTPUT:
            return "output", began
        if time.monotonic() >= deadline:
            return "timeout", began
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_S)
    return None, began


def signal_name(code: int | None) -> str | None:
    """A negative code is a signal's."""
    if code is None or code >= 0:
        return None
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
