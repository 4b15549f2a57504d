"""Files that both sides can read: those that a candidate may not change, and those that tests show it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any


def stamps(paths: Iterable[str]) -> dict[str, tuple[int, ...] | None]:
    """What changes with a file, for each path; None for what is not there."""
    found: dict[str, tuple[int, ...] | None] = dict.fromkeys(paths)
    for path in found:
        try:
            info = os.lstat(path)
            found[path] = (info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        except OSError:
            continue
    return found


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
