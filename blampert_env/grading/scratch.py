"""Scratch folders: named after the process that made them, so that those of processes that were killed can be told."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from blampert_env.grading.jail.walls.tree import remove_tree

_PREFIX = "blampert-grader-"


def make_scratch() -> Path:
    """A new private folder of this process.

    Raises:
        OSError: It cannot be made.
    """
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")).resolve()


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new private folder, gone afterwards with whatever was put there; raises as :func:`make_scratch`."""
    folder = make_scratch()
    try:
        yield folder
    finally:
        remove_tree(folder)


def remove_stale() -> int:
    """Remove the scratch folders of this user whose process is gone, where that can be told; returns how many."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*") if Path("/proc/self").exists() else ():
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        with contextlib.suppress(FileNotFoundError):  # another process removes it as well
            info = folder.lstat()
            is_mine = stat.S_ISDIR(info.st_mode) and info.st_uid == os.getuid()
            if is_mine and owner.isdigit() and not Path("/proc", owner).exists():
                remove_tree(folder)
                removed += 1
    return removed
