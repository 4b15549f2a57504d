"""The folder that evaluations run in: brought from one content to another by what differs.

Most evaluations of a project differ in one file, and a repository has hundreds. What the last evaluation did to a file
shows in its inode, size or change time, which nobody in the jail can set. A folder that was renamed, for another to
take its place for a while, has another change time, and so has the folder that it is in.
"""

from __future__ import annotations

import os
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
        self._known: dict[str, tuple[bytes, _Mark | None]] = {}
        self._folders: dict[str, _Mark | None] = {}

    def fill(self, files: Mapping[str, bytes]) -> None:
        """Make these the files of the folder.

        Raises:
            OSError: It cannot be done.
        """
        try:
            self._update(files)
        except OSError:  # somebody made entries that cannot be looked at or replaced
            self._known, self._folders = {}, {}
            tree.reset(self.folder, 0o755, self.owner)
            tree.write_files(self.folder, dict(files), self.owner)

    def _update(self, files: Mapping[str, bytes]) -> None:
        present = self._look()
        wanted = {"", *(folder for path in files for folder in _above(path))}
        kept = {path for path, content in files.items() if self._known.get(path) == (content, present.get(path, ()))}
        for path in sorted(present.keys() - kept - wanted, reverse=True):  # what is in a folder before the folder
            (os.rmdir if present[path] is None else os.unlink)(os.path.join(self.folder, path))
        for path in wanted & present.keys():
            if present[path] is not None:
                os.unlink(os.path.join(self.folder, path))
        missing = {path: content for path, content in files.items() if path not in kept}
        tree.write_files(self.folder, missing, self.owner)
        self._known = {path: self._known[path] for path in kept}
        for path, content in missing.items():
            self._known[path] = (content, self._mark(path))
        for folder in wanted:
            tree.smooth(os.path.join(self.folder, folder), 0o755, self.owner)
        self._folders = {folder: self._mark(folder) for folder in wanted}

    def touched(self) -> list[str]:
        """What an evaluation has changed or removed of the files, and added where an import would find it."""
        present = self._look()
        changed = {path for path, (_, mark) in self._known.items() if present.get(path) != mark}
        other = {folder for folder, mark in self._folders.items() if self._mark(folder) != mark}
        moved = {folder for folder in other if folder and os.path.dirname(folder) in other}
        changed |= {path for path in self._known if not moved.isdisjoint(_above(path))}
        added = {path for path in present.keys() - self._known.keys() if path.endswith(_IMPORTED)}
        return sorted(changed | added)

    def _mark(self, path: str) -> _Mark | None:
        try:
            return _mark(os.lstat(os.path.join(self.folder, path)))
        except OSError:
            return None

    def _look(self) -> dict[str, _Mark | None]:
        """Everything in the folder, a mark for what is no folder itself."""
        found: dict[str, _Mark | None] = {}
        todo = [""]
        for folder in todo:  # it grows meanwhile
            here = os.path.join(self.folder, folder)
            try:
                if not os.access(here, os.R_OK | os.X_OK):
                    os.chmod(here, 0o755)
                entries = list(os.scandir(here))
            except OSError:  # such as a path that is too long
                found[f"{folder}/?"] = (0, 0, 0)  # what cannot be removed either
                continue
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                is_folder = entry.is_dir(follow_symlinks=False)
                found[path] = None if is_folder else _mark(entry.stat(follow_symlinks=False))
                todo += [path] if is_folder else []
        return found


def _above(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _mark(info: os.stat_result) -> _Mark:
    return info.st_ino, info.st_size, info.st_ctime_ns
