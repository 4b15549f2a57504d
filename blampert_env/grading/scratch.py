"""Scratch folders: one an evaluation, always removed, also those of processes that were killed.

Their names are numbered, not random, so that a path in a failing test's output is the same in every run.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from blampert_env.grading.jail.walls.tree import attempt, remove_tree

_PREFIX = "blampert-grade-"
JAIL_PREFIX = "blampert-jail-"  # followed by the process that made it
_MAX_FOLDERS = 1000


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new private folder, gone afterwards with whatever was put there.

    A lock on it, held by this process, tells a folder in use from a stale one.

    Raises:
        OSError: It cannot be made.
    """
    base = Path(tempfile.gettempdir()).resolve()
    for number in range(_MAX_FOLDERS):
        folder = base / f"{_PREFIX}{number:03}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        with _locked(folder) as locked:
            if not locked:
                continue
            remove_tree(folder, keep=True)
            try:
                yield folder
            finally:
                remove_tree(folder)
            return
    raise OSError(f"{_MAX_FOLDERS} folders {base / _PREFIX}* are in use: remove them")


def remove_stale() -> int:
    """Remove the scratch folders of this user whose process is gone; returns how many."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with _locked(folder) as locked:
            if locked:
                remove_tree(folder)
                removed += 1
    for folder in Path(tempfile.gettempdir()).glob(f"{JAIL_PREFIX}*"):
        owner = folder.name.removeprefix(JAIL_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists() and folder.lstat().st_uid == os.getuid():
            remove_tree(folder)
            removed += 1
    return removed


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Whether the folder is this user's and the lock on it could be had; it ends with the process at the latest."""
    import fcntl

    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        yield _is_mine(fd) and attempt(fcntl.flock, fd, fcntl.LOCK_EX | fcntl.LOCK_NB) and _is_at(folder, fd)
    finally:
        os.close(fd)


def _is_mine(fd: int) -> bool:
    info = os.fstat(fd)
    return info.st_uid == os.getuid() and not stat.S_IMODE(info.st_mode) & 0o077


def _is_at(folder: Path, fd: int) -> bool:
    """The folder was not removed, or made anew, while its lock was waited for."""
    try:
        return os.path.samestat(os.stat(folder, follow_symlinks=False), os.fstat(fd))
    except OSError:
        return False
