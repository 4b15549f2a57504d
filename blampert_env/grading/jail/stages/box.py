"""The folder that evaluations run in: brought from one content to another by what differs.

Most evaluations of a project differ in one file, and a repository has hundreds. What the last evaluation did to a file
shows in its inode, size or change time, which nobody in the jail can set.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping

from ..walls import tree

_Mark = tuple[int, int, int]
_IMPORTED = (".py", ".pyc", ".so", ".pth", ".zip")


class Box:
    """Holds exactly the files that it was last asked to hold, and what an evaluation did to them since.

    Args:
        folder: Where.
        owner: User and group of everything in it; None for this process's own.
    """

    def __init__(self, folder: str, owner: tuple[int, int] | None) -> None:
        self.folder, self.owner = folder, owner
        self._known: dict[str, tuple[bytes, _Mark]] = {}

    def fill(self, files: Mapping[str, bytes]) -> None:
        """Make these the files of the folder.

        Raises:
            OSError: It cannot be done.
        """
        try:
            self._update(files)
        except OSError:  # somebody made entries that cannot be looked at or replaced
            self._known.clear()
            tree.reset(self.folder, 0o755, self.owner)
            tree.write_files(self.folder, dict(files), self.owner)

    def _update(self, files: Mapping[str, bytes]) -> None:
        folders = {folder for path in files for folder in _above(path)}
        present = self._scan("", folders)
        missing = {}
        for path, content in files.items():
            known = self._known.get(path)
            if known is None or present.get(path) != known[1] or known[0] != content:
                missing[path] = content
        for path in (present.keys() - files.keys()) | (present.keys() & missing.keys()):
            os.unlink(os.path.join(self.folder, path))
            self._known.pop(path, None)
        tree.write_files(self.folder, missing, self.owner)
        for path, content in missing.items():
            self._known[path] = (content, _mark(os.lstat(os.path.join(self.folder, path))))
        self._known = {path: self._known[path] for path in files}
        for folder in ("", *folders):
            _smooth(os.path.join(self.folder, folder), self.owner)

    def touched(self) -> list[str]:
        """What an evaluation has changed or removed of the files, and added where an import would find it."""
        present = self._look("")
        changed = {path for path, (_, mark) in self._known.items() if present.get(path) != mark}
        added = {path for path in present.keys() - self._known.keys() if path.endswith(_IMPORTED)}
        return sorted(changed | added)

    def _look(self, folder: str) -> dict[str, _Mark]:
        """Marks of everything below a folder that is no folder."""
        found: dict[str, _Mark] = {}
        with contextlib.suppress(OSError), os.scandir(os.path.join(self.folder, folder)) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    found |= self._look(path)
                else:
                    found[path] = _mark(entry.stat(follow_symlinks=False))
        return found

    def _scan(self, folder: str, wanted: set[str]) -> dict[str, _Mark]:
        """Marks of the entries below a folder that are no folders; unwanted folders go."""
        found: dict[str, _Mark] = {}
        here = os.path.join(self.folder, folder)
        os.chmod(here, 0o755)
        with os.scandir(here) as entries:
            listed = list(entries)
        for entry in listed:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if not entry.is_dir(follow_symlinks=False):
                found[path] = _mark(entry.stat(follow_symlinks=False))
            elif path in wanted:
                found |= self._scan(path, wanted)
            else:
                tree.remove_tree(entry.path)
        return found


def _above(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _mark(info: os.stat_result) -> _Mark:
    return info.st_ino, info.st_size, info.st_ctime_ns


def _smooth(folder: str, owner: tuple[int, int] | None) -> None:
    """Take from a folder what may have been written on it: mode, owner, attributes, times."""
    info = os.lstat(folder)
    if stat.S_IMODE(info.st_mode) != 0o755:
        os.chmod(folder, 0o755)
    if owner and (info.st_uid, info.st_gid) != owner:
        os.chown(folder, *owner)
    for name in os.listxattr(folder, follow_symlinks=False):
        os.removexattr(folder, name, follow_symlinks=False)
    os.utime(folder, (0, 0))
