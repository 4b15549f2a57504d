"""What a zygote gives up before it makes its first child: identity, capabilities, system calls, files, resources."""

from __future__ import annotations

import os
from typing import Any

from . import landlock, linux, seccomp
from .limits import limit

INSIDE = 1000  # the id inside the last user namespace


def confine(facts: dict[str, Any], writable: list[str], limits: dict[str, int], cgroups: list[int]) -> list[str]:
    """Give up everything; the layers that are now in force.

    Args:
        facts: ``uid`` to become outside, user and group, ``users`` whether a user namespace may be made, ``proc_fd`` an
            open ``/proc``.
        writable: Folders that may be written to.
        limits: Resource limits by their names in :mod:`resource`.
        cgroups: Open ``cgroup.procs`` files to join.

    Raises:
        OSError: Something that was possible before no longer is.
    """
    _go_on_with_one_thread(facts["proc_fd"])
    layers = []
    for fd in cgroups:
        os.write(fd, b"0")
        layers.append("cgroup")
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    layers.append("no-new-privileges")
    _become(facts)
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
    linux.die_with_parent()  # becoming another user took it back
    return layers


def _go_on_with_one_thread(proc: int) -> None:
    """Return in a fork if this process has threads, which keep it from entering a user namespace; it waits for that.

    A module that was imported may have started some, as pyarrow's allocator does. No child would have them either.
    """
    tasks = os.open("self/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
    count = len(os.listdir(tasks))
    os.close(tasks)
    if count > 1:
        pid = os.fork()
        if pid:
            linux.close_all_but([])
            os.waitpid(pid, 0)
            os._exit(0)


def _become(facts: dict[str, Any]) -> None:
    """Another user, if this one is root."""
    if facts["uid"] is not None:
        os.setgroups([])
        os.setresgid(facts["uid"], facts["uid"], facts["uid"])
        os.setresuid(facts["uid"], facts["uid"], facts["uid"])
        linux.prctl(linux.PR_SET_DUMPABLE, 1)  # else /proc/self is root's
