"""Writes a file whole or not at all: a temporary file beside it, ``fsync``, then ``os.replace``.

A reader, a crash or a full disk never sees half a file; what was there before stays until the new one is complete.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from blampert_env.errors import StorageError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path to write to; on leaving, it becomes ``path`` in one step.

    A symbolic link is followed (the file it names is replaced, not the link), and an existing file's permissions are
    kept. If the body raises, the temporary file goes and ``path`` is as it was.

    Args:
        path: The file to replace or create; its folder must exist.

    Yields:
        An empty file beside ``path``, to be opened and written by the caller.

    Raises:
        StorageError: An ``OSError`` anywhere on the way (full disk, no such folder, no permission), also in the body.
    """
    target = Path(os.path.realpath(path))
    temporary = target.parent / f".{target.name[:16]}.{secrets.token_hex(6)}.tmp"
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # the umask applies, as to any file
        yield temporary
        _sync(temporary)
        with suppress(FileNotFoundError):
            os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}; what was there before is kept") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    with suppress(OSError):  # some file systems cannot sync a folder; the file itself is safe
        _sync(target.parent)


def atomic_write_bytes(path: str | Path, data: bytes) -> None:
    """Write ``data`` to ``path``, whole or not at all.

    Raises:
        StorageError: It could not be written; the previous file is intact.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def atomic_write_text(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8 with its newlines as they are; see :func:`atomic_write_bytes`."""
    atomic_write_bytes(path, text.encode("utf-8"))


def _sync(path: Path) -> None:
    """Flush a file's bytes, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
