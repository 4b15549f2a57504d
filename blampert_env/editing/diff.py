"""The difference between two versions of a project's sources."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # what patch(1) takes for a line; a carriage return is part of it
_NO_NEWLINE = "\n\\ No newline at end of file\n"


def unified_diff(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Git-style difference of two sets of files, with ``a/`` and ``b/`` before the paths.

    Args:
        before: POSIX path to text.
        after: Likewise; files may have been added or removed.

    Returns:
        Text that ``patch -p1`` and ``git apply`` take, files sorted by path; ``""`` if nothing differs.
    """
    return "".join(
        line
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
        for line in _file_diff(path, before.get(path), after.get(path))
    )


def _file_diff(path: str, old: str | None, new: str | None) -> Iterator[str]:
    yield f"diff --git a/{path} b/{path}\n"
    if old is None:
        yield "new file mode 100644\n"
    elif new is None:
        yield "deleted file mode 100644\n"
    mark = "\t" if " " in path else ""  # git ends such names with a tab, so that patch sees where they end
    hunks = difflib.unified_diff(
        _LINE.findall(old or ""),
        _LINE.findall(new or ""),
        "/dev/null" if old is None else f"a/{path}{mark}",
        "/dev/null" if new is None else f"b/{path}{mark}",
    )
    for line in hunks:
        yield line if line.endswith("\n") else line + _NO_NEWLINE
