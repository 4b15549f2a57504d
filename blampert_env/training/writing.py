"""Writes solved files into the user's folder: what was there is kept beside them, and nothing else is touched."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from blampert_env.atomic import atomic_write_bytes
from blampert_env.errors import StorageError, UsageError

BACKUPS = ".blampert"


def check_clean(root: Path) -> None:
    """Refuse a git tree with changes that are not committed: ours could not be told from the user's.

    Raises:
        UsageError: It has some.
    """
    try:
        command = ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no", "--", "."]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return  # no git, nothing to lose in it
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    if lines:
        more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
        raise UsageError(f"{lines[0][3:]}{more} in {root} has changes that are not committed: commit, or --force")


def write(root: Path, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[list[str], Path | None]:
    """Write the sources that differ; each whole or not at all.

    Args:
        root: The project's folder.
        before: The sources as they were read.
        after: As they shall be.

    Returns:
        The paths that were written, and the folder that holds them as they were.

    Raises:
        StorageError: A file is no longer what was read (nothing is written then), or cannot be written.
    """
    changed = [path for path in sorted(after) if after[path] != before.get(path)]
    if not changed:
        return [], None
    try:
        now = {path: (root / path).read_bytes() for path in changed}
    except OSError as error:
        raise StorageError(f"cannot read {error.filename}: {error.strerror}; nothing was written") from error
    for path, content in now.items():
        if content != before[path].encode():
            raise StorageError(f"{root / path} was changed meanwhile: nothing was written; run it again")
    backup = root / BACKUPS / time.strftime("backup-%Y%m%d-%H%M%S")
    try:
        for path, content in now.items():
            (backup / path).parent.mkdir(parents=True, exist_ok=True)
            atomic_write_bytes(backup / path, content)
    except OSError as error:
        raise StorageError(f"cannot write {backup}: {error.strerror}; nothing was written") from error
    for path in changed:
        atomic_write_bytes(root / path, after[path].encode())
    return changed, backup
