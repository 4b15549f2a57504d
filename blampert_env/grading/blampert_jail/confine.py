"""What a zygote gives up before it makes its first child: identity, capabilities, system calls, files, resources."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import threading
from typing import Any

from . import landlock, linux, seccomp
from .runner import limit

INSIDE = 1000  # the id inside the last user namespace
_CLONE = {"x86_64": 56, "aarch64": 220}


def confine(facts: dict[str, Any], writable: list[str], limits: dict[str, int], cgroups: list[int]) -> list[str]:
    """Give up everything; the layers that are now in force.

    Args:
        facts: ``uid`` and ``gid`` to become outside, ``users`` whether a user namespace may be made.
        writable: Folders that may be written to.
        limits: Resource limits by their names in :mod:`resource`.
        cgroups: Open ``cgroup.procs`` files to join.

    Raises:
        OSError: Something that was possible before no longer is.
    """
    layers = []
    for fd in cgroups:
        os.write(fd, b"0")
        layers.append("cgroup")
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    layers.append("no-new-privileges")
    become(facts)
    if facts["users"]:
        proc = facts["proc_fd"]
        outside = (os.getuid(), os.getgid())
        linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWIPC)
        linux.map_ids_at(proc, (INSIDE, outside[0]), (INSIDE, outside[1]))
        layers += ["user-namespace", "ipc-namespace"]
    linux.drop_bounding_set()
    if landlock.install(writable):
        layers.append("landlock")
    if seccomp.install():
        layers.append("seccomp")
    if not facts["users"] and facts["uid"] is None:  # it would count every process of this user
        limits = {name: value for name, value in limits.items() if name != "RLIMIT_NPROC"}
    limit(limits)
    layers.append("limits")
    return layers


def become(facts: dict[str, Any]) -> None:
    """Another user, if this one is root."""
    if facts["uid"] is not None:
        os.setgroups([])
        os.setresgid(facts["gid"], facts["gid"], facts["gid"])
        os.setresuid(facts["uid"], facts["uid"], facts["uid"])
        linux.prctl(linux.PR_SET_DUMPABLE, 1)  # else /proc/self is root's


_python = ctypes.PyDLL(None, use_errno=True)


def fork(in_namespace: bool) -> int:
    """As ``os.fork``; the child is process 1 of a new PID namespace if asked. In a process of one thread.

    ``unshare`` cannot be used: it decides for all later children, and going back needs capabilities outside. What
    Python and its modules do around a fork is left out: with one thread it changes nothing (locks are free, nothing
    runs on) but costs more page faults than all the rest. What libc does is kept: the child learns its thread's id.

    Raises:
        OSError: No process could be made.
    """
    number = _CLONE.get(platform.machine())
    if number is None or not (in_namespace or _TID_ADDRESS):
        return os.fork()
    flags = signal.SIGCHLD | (linux.CLONE_NEWPID if in_namespace else 0)
    if _TID_ADDRESS:
        flags |= linux.CLONE_CHILD_SETTID | linux.CLONE_CHILD_CLEARTID
    tid = ctypes.c_void_p(_TID_ADDRESS)  # twice: the order of the last two arguments differs between processors
    pid = int(_python.syscall(number, flags, None, None, tid, tid))
    if pid < 0:
        raise OSError(ctypes.get_errno(), "clone failed")
    return pid


def _tid_address() -> int:
    """Where libc keeps the id of this thread, which is at the same place in each fork; 0 if that is not certain."""
    address = ctypes.c_void_p()
    if linux.libc.prctl(linux.PR_GET_TID_ADDRESS, ctypes.byref(address), 0, 0, 0) != 0 or not address.value:
        return 0
    is_id = ctypes.c_int.from_address(address.value).value == threading.get_native_id()  # other libcs keep a lock there
    return address.value if is_id else 0


_TID_ADDRESS = _tid_address()
