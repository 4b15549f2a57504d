"""The loop of a zygote: fork a child when told, say its process id, collect it when told.

After each fork, every page that the zygote or the child writes to costs a fault, and every Python object they touch is
written to. So this loop touches little: fixed messages instead of JSON, and what a child is to do reaches it directly.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable

from ..walls import linux

SPAWN, REAP = b"S", b"R"
# to spawn: 1 if the first file that comes with it is of a process whose namespace to enter, else 0; to reap: the child
REQUEST = struct.Struct("!ci")
NUMBER = struct.Struct("!i")
_MAX_FDS = 4
Job = Callable[[list[int]], None]


def serve(control: socket.socket, make: Callable[[], int], job: Job | None = None, *, sweeps: bool = False) -> None:
    """Until the lane goes away. Never returns in a child.

    Args:
        control: To the lane.
        make: Makes a child as ``os.fork`` does; not asked for a child that goes into a namespace that is there.
        job: What a child does with its descriptors.
        sweeps: No namespace ends what a child leaves running: look for it.
    """
    children: set[int] = set()
    if sweeps:
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    linux.seal_standard_streams()
    while True:
        try:
            data, fds, _, _ = socket.recv_fds(control, REQUEST.size, _MAX_FDS)
            operation, number = REQUEST.unpack(data)
        except (OSError, struct.error):
            operation = b""
        if operation == SPAWN:
            try:
                pid = _fork_into(fds[0]) if number else make()
            except OSError as error:
                pid = -(error.errno or 1)
            if pid == 0:
                assert job is not None
                _be_child(job, fds[number:])
            if pid > 0:
                children.add(pid)
            _answer(control, pid)
            for fd in fds:
                os.close(fd)
        elif operation == REAP:
            code = _end(number)
            children.discard(number)
            if sweeps:
                kill_descendants()
            _answer(control, code)
        else:
            for pid in children:
                _end(pid)
            if sweeps:
                kill_descendants()
            return


def _fork_into(process: int) -> int:
    """Fork a child that lives in the PID namespace of a process, by its descriptor."""
    linux.setns(process, linux.CLONE_NEWPID)
    return os.fork()


def _answer(control: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # the lane is gone, as the next request will say
        control.send(NUMBER.pack(number))


def _be_child(job: Job, fds: list[int]) -> None:
    """Run the job; never returns."""
    try:
        linux.drop_capabilities()
        os.setsid()
        linux.die_with_parent()
        linux.close_all_but(fds)
        job(fds)
    except BaseException:
        traceback.print_exc(file=sys.stderr)
        os._exit(70)
    os._exit(0)


def _end(pid: int) -> int:
    """Kill and collect a child: its exit code, negative for a signal."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
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
    found = [os.getpid()]
    for pid in found:  # it grows meanwhile
        found += children.get(pid, [])
    return found[1:]
