"""The loop of a zygote: fork a child when told, say its process id, collect it when told."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from . import channel, linux
from .confine import become, fork

SIGNALLED = 128  # and the number of the signal, as shells have it
Job = Callable[[dict[str, Any], list[int]], None]


def serve(control: socket.socket, facts: dict[str, Any], job: Job) -> None:
    """Until the lane goes away. Never returns in a child.

    Args:
        control: To the lane.
        facts: ``pids``: children live in PID namespaces, ``init``: not as their first process; ``users``, ``uid``: as
            for :func:`confine`.
        job: What a child does with a message and its descriptors.
    """
    children: set[int] = set()
    if not facts["pids"]:
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    while True:
        try:
            message, fds = channel.receive(control)
        except channel.Closed:
            for pid in children:
                _kill(pid)
            return
        if message["op"] == "spawn":
            try:
                pid = fork(facts["pids"])
            except OSError as error:
                channel.send(control, {"error": str(error)})
                pid = -1
            if pid == 0:
                _be_child(control, facts, job, message, fds)
            if pid > 0:
                children.add(pid)
                channel.send(control, {"pid": pid})
        elif message["op"] == "reap":
            pid = message["pid"]
            _kill(pid)
            channel.send(control, {"code": _collect(pid)})
            children.discard(pid)
            if not facts["pids"]:
                kill_descendants()
        for fd in fds:
            os.close(fd)


def _be_child(control: socket.socket, facts: dict[str, Any], job: Job, message: dict[str, Any], fds: list[int]) -> None:
    """Run the job; never returns."""
    try:
        control.close()
        if not facts["users"]:
            become(facts)
        linux.drop_capabilities()
        linux.die_with_parent()
        os.setsid()
        linux.seal_standard_streams()
        linux.close_all_but(fds)
        if facts["pids"] and facts["init"]:
            _leave_init(fds)
        job(message, fds)
    except BaseException:
        traceback.print_exc(file=sys.stderr)
        os._exit(70)
    os._exit(0)


def _leave_init(fds: list[int]) -> None:
    """Go on in a child: process 1 of a namespace is spared signals that end any other, and must collect orphans."""
    pid = os.fork()
    if pid == 0:
        linux.die_with_parent()
        return
    for fd in fds:
        os.close(fd)
    while True:
        ended, status = os.wait()
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else SIGNALLED - code)


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _collect(pid: int) -> int:
    """The exit code of a child, negative for a signal."""
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return SIGNALLED - code if code > SIGNALLED else code
    except ChildProcessError:
        return -signal.SIGKILL


def kill_descendants() -> None:
    """Kill what is below this process until nothing is; each pass stops all before it kills one."""
    while True:
        alive = _descendants()
        for sign in (signal.SIGSTOP, signal.SIGKILL):
            for pid in alive:
                with contextlib.suppress(OSError):
                    os.kill(pid, sign)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def _descendants() -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                parent = int(file.read().rsplit(b")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found
