"""System calls that Python has no functions for."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import signal
import struct
from collections.abc import Iterable

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 0x4000, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER = 1, 24, 38, 36
PR_SET_DUMPABLE = 4
_CAPABILITY_HEADER, _NO_CAPABILITIES = struct.pack("Ii", 0x20080522, 0), bytes(24)  # version 3 of capset's structures
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}


def words(text: str) -> tuple[str, ...]:
    """The words of a text: a list of names that stays short to read."""
    return tuple(text.split())


libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]


def check(result: int, what: str) -> int:
    """The result of a call.

    Raises:
        OSError: It is negative.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave the namespaces of ``flags`` for new ones; raises OSError."""
    check(libc.unshare(flags), "unshare")


def setns(fd: int, flags: int) -> None:
    """Enter a namespace; raises OSError."""
    check(libc.setns(fd, flags), "setns")


def enters_by_process() -> bool:
    """Whether a PID namespace can be entered by the descriptor of a process in it (Linux 5.8).

    To be asked before children are to live in a new one: it may undo that.
    """
    try:
        fd = os.pidfd_open(os.getpid())
    except OSError:
        return False
    try:
        setns(fd, CLONE_NEWPID)
    except OSError as error:
        return error.errno == errno.EPERM  # refused here, but understood
    finally:
        os.close(fd)
    return True


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """As mount(2); raises OSError."""
    encoded = [part.encode() if part is not None else None for part in (source, target, kind, data)]
    check(libc.mount(encoded[0], encoded[1], encoded[2], flags, encoded[3]), f"mount {target}")


def bind(source: str, target: str, flags: int) -> None:
    """Show ``source`` at ``target`` with mount ``flags``; raises OSError."""
    mount(source, target, None, MS_BIND | MS_REC)
    # flags that the source is mounted with are locked in a user namespace: keep them
    present = os.statvfs(target).f_flag
    kept = sum(flag for flag in (MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_RDONLY) if present & flag)
    mount(None, target, None, MS_BIND | MS_REMOUNT | flags | kept)


def unmount(target: str) -> None:
    """Detach what is mounted at ``target``; raises OSError."""
    check(libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def pivot_root(new: str) -> None:
    """Make ``new`` the root of this mount namespace and let go of the old one; raises OSError."""
    number = _PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError(f"pivot_root is not known on {platform.machine()}")
    os.chdir(new)
    check(libc.syscall(number, b".", b"."), "pivot_root")
    check(libc.umount2(b".", MNT_DETACH), "umount old root")
    os.chdir("/")


def prctl(option: int, value: int) -> None:
    """As prctl(2) with one argument; raises OSError."""
    check(libc.prctl(option, value, 0, 0, 0), f"prctl {option}")


def die_with_parent(parent: int | None = None) -> None:
    """Be killed when the parent process ends; at once if it is no longer ``parent``."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(0)


def drop_bounding_set() -> None:
    """Never gain a capability again that is once given up, here and below; as far as this process may."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break


def drop_capabilities() -> None:
    """Give up every capability; raises OSError."""
    check(libc.capset(_CAPABILITY_HEADER, _NO_CAPABILITIES), "capset")


def map_ids_at(proc: int, uid: tuple[int, int], gid: tuple[int, int]) -> None:
    """Write the maps of this process's new user namespace, one id each: (inside, outside).

    Args:
        proc: An open descriptor of a mounted ``/proc``.
        uid: User ids.
        gid: Group ids.

    Raises:
        OSError: The kernel refuses.
    """
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid[0]} {uid[1]} 1"),
        ("gid_map", f"{gid[0]} {gid[1]} 1"),
    ):
        fd = os.open(f"self/{name}", os.O_WRONLY, dir_fd=proc)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)


def run_on(cpus: Iterable[int], pid: int = 0) -> None:
    """Let a process, this one by default, and its children run on these processors only, where that can be."""
    with contextlib.suppress(OSError):
        os.sched_setaffinity(pid, cpus)


def loopback_up() -> None:
    """Switch the loopback interface of a new network namespace on; raises OSError."""
    import fcntl
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh22x", b"lo", 1 | 0x40))  # SIOCSIFFLAGS: up, running


def forget_closed_connections() -> None:
    """No port of this network namespace waits after its connection is closed: the next evaluation may want it."""
    with contextlib.suppress(OSError), open("/proc/sys/net/ipv4/tcp_max_tw_buckets", "w") as file:
        file.write("0")


def seal_standard_streams() -> None:
    """Standard input from nothing, output nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    if null > 2:
        os.close(null)


def close_all_but(kept: list[int]) -> None:
    """Close every descriptor from 3 on that is not ``kept``."""
    low = 3
    for fd in sorted({fd for fd in kept if fd >= 3}):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, 1 << 16)
