"""Removes folders whatever is in them."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Callable


def remove_tree(top: str | os.PathLike[str], *, keep: bool = False) -> None:
    """Remove a folder whatever is in it: read-only entries, and nesting deeper than paths or recursion allow.

    Folders inside folders are moved to the top first, so no path gets long. What cannot be removed stays.

    Args:
        top: The folder.
        keep: Only empty it.
    """
    prefix = secrets.token_hex(8)  # a name that is taken already would stop the move
    numbers = itertools.count()
    progress = True
    while progress:
        progress = False
        for entry in _entries(top):
            if not entry.is_dir(follow_symlinks=False):
                progress |= attempt(os.unlink, entry.path)
                continue
            attempt(os.chmod, entry.path, 0o700)
            for child in _entries(entry.path):
                if child.is_dir(follow_symlinks=False):
                    attempt(os.chmod, child.path, 0o700)  # only a writable folder can be moved
                    progress |= attempt(os.rename, child.path, os.path.join(top, f"{prefix}-{next(numbers)}"))
                else:
                    progress |= attempt(os.unlink, child.path)
            progress |= attempt(os.rmdir, entry.path)
    if not keep:
        attempt(os.rmdir, top)


def reset(folder: str, mode: int, owner: tuple[int, int] | None) -> None:
    """Empty a folder and take from it what may have been written on it.

    Raises:
        OSError: It cannot be emptied.
    """
    attempt(os.chmod, folder, 0o700)
    remove_tree(folder, keep=True)
    if os.listdir(folder):
        raise OSError(f"{folder} cannot be emptied")
    smooth(folder, mode, owner)


def smooth(folder: str, mode: int, owner: tuple[int, int] | None) -> None:
    """Take from a folder what may have been written on it, but for what it holds; raises OSError."""
    for name in os.listxattr(folder, follow_symlinks=False):
        attempt(os.removexattr, folder, name)
    if owner:
        os.chown(folder, *owner)
    os.chmod(folder, mode)
    os.utime(folder, (0, 0))


def _entries(folder: str | os.PathLike[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def attempt(action: Callable[..., object], *arguments: object) -> bool:
    """Whether a call of the operating system went well."""
    try:
        action(*arguments)
    except OSError:
        return False
    return True


def write_files(root: str, files: dict[str, bytes], owner: tuple[int, int] | None = None) -> None:
    """Write files below ``root``, and let ``owner`` (uid, gid) have them.

    Raises:
        OSError: One cannot be written.
    """
    made = {root}
    for path, content in files.items():
        target = os.path.join(root, path)
        folder, missing = os.path.dirname(target), []
        while folder not in made:
            missing.append(folder)
            made.add(folder)
            folder = os.path.dirname(folder)
        for folder in reversed(missing):
            if not os.path.isdir(folder):
                os.mkdir(folder)
                if owner:
                    os.chown(folder, *owner)
        with open(target, "wb") as file:
            file.write(content)
        if owner:
            os.chown(target, *owner)
