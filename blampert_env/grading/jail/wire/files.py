"""Files that both sides can read: those that a candidate may not change, and those that tests show it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any


class Watched:
    """Files of the project: a candidate that changes one could change what the tests compare with.

    Args:
        paths: The files.
        seen: What identified them before any line of the candidate ran, if that was earlier.

    Attributes:
        changed: Paths that were seen to change.
    """

    def __init__(self, paths: Sequence[str] = (), seen: list[Any] | None = None) -> None:
        self.paths = list(paths)
        self.seen = seen or self._now()
        self.changed: set[str] = set()

    def _now(self) -> list[Any]:
        found: list[Any] = []
        for path in self.paths:
            try:
                info = os.stat(path, follow_symlinks=False)
                found.append([info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns])
            except OSError:
                found.append(None)
        return found

    def look(self) -> bool:
        """Whether any is not what it was at first."""
        now = self._now()
        if now == self.seen:
            return False
        self.changed |= {path for path, old, new in zip(self.paths, self.seen, now, strict=True) if old != new}
        return True


def grant(values: Iterable[Any], root: str, grants: str) -> None:
    """Copy what these values name below the tests' own folder to where a candidate can read it; no test files."""
    for value in values:
        if isinstance(value, (str, PurePath)) and str(value).startswith(root):
            path = os.path.normpath(str(value))
            target = os.path.join(grants, os.path.relpath(path, root))
            if path.startswith(root) and os.path.exists(path) and not os.path.exists(target):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                if os.path.isdir(path):
                    shutil.copytree(path, target, ignore=shutil.ignore_patterns("*.py"))
                elif not path.endswith(".py"):
                    shutil.copyfile(path, target)
