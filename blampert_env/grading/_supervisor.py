"""Runs a command so that nothing of it survives; a script of its own, started by `process.py` (Linux only).

    python -I -S _supervisor.py LAYERS REPORT_FD PARENT_PID [COMMAND...]

LAYERS is ``best`` or ``reaper``. With ``best`` the command lives in a PID namespace where the kernel allows it: killing
that namespace's process 1 kills every daemon in it. Otherwise, and with ``reaper``, orphans come back to this process,
which kills them. The layers in force are written to REPORT_FD as its first line, before the command starts. SIGTERM, or
the end of the parent process, ends everything. The exit code is the command's, or 128 + the signal that killed it.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x00020000, 0x08000000, 0x10000000, 0x20000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 0x4000, 1 << 18
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
WAITED = {signal.SIGCHLD, signal.SIGTERM}

libc = ctypes.CDLL(None, use_errno=True)


def enter_namespaces() -> list[str]:
    """Names of the layers, empty if the kernel refuses."""
    uid, gid = os.geteuid(), os.getegid()
    for extra in (0, CLONE_NEWUSER):
        for flags, layers in (
            (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC, ["pid-namespace", "mount-namespace", "ipc-namespace"]),
            (CLONE_NEWPID, ["pid-namespace"]),
        ):
            if libc.unshare(extra | flags) == 0:
                if extra:
                    map_user(uid, gid)
                    layers = ["user-namespace", *layers]
                return layers
    return []


def map_user(uid: int, gid: int) -> None:
    """Keep the ids inside the user namespace what they were outside."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with contextlib.suppress(OSError), open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def private_proc() -> bool:
    """Hide the processes outside (and their environments) from /proc; in the namespace's process 1."""
    return bool(
        libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) == 0
        and libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None) == 0
    )


def start(command: list[str]) -> int:
    """Fork the command into its own session; returns its process id."""
    pid = os.fork()
    if pid == 0:
        try:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            os.setsid()
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            os.execv(command[0], command)
        finally:
            os._exit(127)
    return pid


def wait_for(pid: int) -> int:
    """Reap until ``pid`` ends; its exit code."""
    while True:
        ended, status = os.wait()
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def init(command: list[str], layers: list[str], report: int) -> None:
    """Be process 1 of the namespace: the kernel kills everything in it when this ends."""
    code = 126
    try:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if "mount-namespace" in layers and private_proc():
            layers = [*layers, "private-proc"]
        os.write(report, f"{' '.join(layers)}\n".encode())
        if command:
            pid = start(command)
            os.close(report)
            code = wait_for(pid)
        else:
            code = 0
    finally:
        os._exit(code)


def descendants() -> list[int]:
    """Every process below this one, from /proc."""
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


def kill_all() -> None:
    """Kill descendants until there are none; each pass stops all before it kills one, so that a fork bomb loses."""
    while True:
        alive = descendants()
        for sign in (signal.SIGSTOP, signal.SIGKILL):
            for pid in alive:
                with contextlib.suppress(OSError):
                    os.kill(pid, sign)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return  # orphans come back to this process, so no child means no descendant
        time.sleep(0.001)


def supervise(child: int, parent: int, in_namespace: bool) -> int:
    """Wait for the child's end, a SIGTERM or the end of the parent; then nothing is left. Returns the exit code."""
    code = 128 + signal.SIGTERM
    while True:
        got = signal.sigtimedwait(WAITED, 1.0)
        if got is None:
            if os.getppid() != parent:
                break
        elif got.si_signo == signal.SIGTERM:
            break
        else:
            ended = reap(child)
            if ended is not None:
                code, child = ended, 0
                break
    if in_namespace and child:
        with contextlib.suppress(OSError):  # the kernel ends the whole namespace before this returns
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    elif not in_namespace:
        kill_all()
    return code


def reap(child: int) -> int | None:
    """Collect ended processes; the child's exit code if it is among them."""
    code = None
    with contextlib.suppress(ChildProcessError):
        while True:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if not ended:
                break
            if ended == child:
                raw = os.waitstatus_to_exitcode(status)
                code = raw if raw >= 0 else 128 - raw
    return code


def main() -> int:
    """See the module's docstring."""
    mode, report, parent, command = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    for sign in WAITED:
        signal.signal(sign, signal.SIG_DFL)  # an ignored SIGCHLD would be inherited
    signal.pthread_sigmask(signal.SIG_BLOCK, WAITED)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        return 126
    layers = enter_namespaces() if mode == "best" else []
    if layers:
        child = os.fork()
        if child == 0:
            init(command, layers, report)
    else:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        os.write(report, b"subreaper\n")
        if not command:
            return 0
        child = start(command)
    os.close(report)
    return supervise(child, parent, bool(layers))


if __name__ == "__main__":
    os._exit(main())
