"""Files that both sides can read, and a candidate may not change."""

from __future__ import annotations

import os
from collections.abc import Iterable


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
