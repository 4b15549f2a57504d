"""A run as one file: packed from one workspace (or ``logs/`` folder), unpacked in another.

::

    thompson_1.tar.gz
        blampert-run.json    the run's name, and size and SHA-256 of every file
        run/...              the run's folder; databases as consistent copies, also while a process writes to them
        policy.zip           models/<run>.zip, if there is one

Unpacking trusts nothing: only files that the list names, of the size and content it names, below the new run's folder.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import secrets
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

from blampert_env.atomic import atomic_path
from blampert_env.errors import StorageError, UsageError
from blampert_env.workspace.runs import RUN_LOCK, RUN_STATE, is_run

MANIFEST = "blampert-run.json"
POLICY = "policy.zip"
FORMAT = 1
SQLITE = b"SQLite format 3\0"


def export_run(run: Path, policy: Path, goal: Path) -> int:
    """Pack a run.

    Args:
        run: The run's folder.
        policy: Its policy in ``models/``; left out if it is not there.
        goal: The ``.tar.gz`` to write; one that is there is replaced.

    Returns:
        How many files were packed.

    Raises:
        UsageError: There is no run.
        StorageError: It cannot be read or written; a file that was there before is kept.
    """
    if not is_run(run):
        raise UsageError(f"no run at {run}: see `blampert workspace info` for those there are")
    try:
        with tempfile.TemporaryDirectory(prefix="blampert-export-") as scratch, atomic_path(goal) as draft:
            packed = _snapshot(run, Path(scratch))
            if policy.is_file():
                packed[POLICY] = _stable(policy, Path(scratch))
            entries = {name: {"size": path.stat().st_size, "sha256": sha256_of(path)} for name, path in packed.items()}
            manifest = {"format": FORMAT, "name": run.name, "files": entries}
            # no time, user or mode of this machine goes along: the same run gives the same file
            with (
                draft.open("wb") as raw,
                gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as zipped,
                tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
            ):
                _add(tar, MANIFEST, io.BytesIO(json.dumps(manifest, indent=2).encode()))
                for name, path in packed.items():
                    with path.open("rb") as file:
                        _add(tar, name, file)
            return len(entries)
    except OSError as error:
        raise StorageError(f"cannot pack {run}: {error.strerror or error}; make room, or choose another -o") from error
    except sqlite3.Error as error:
        raise StorageError(f"cannot pack {run}: a database in it cannot be read ({error})") from error


def _snapshot(run: Path, scratch: Path) -> dict[str, Path]:
    """Member name to a copy of it, of one moment: a run that is trained in replaces its policy and its state meanwhile.

    Raises:
        StorageError: The run changes faster than it can be copied.
    """
    for _ in range(20):
        try:
            copies = {f"run/{path.relative_to(run).as_posix()}": _stable(path, scratch) for path in _files(run)}
        except FileNotFoundError:
            continue  # a policy that was replaced
        state = copies.get(f"run/{RUN_STATE}")
        if state is None or f"run/{json.loads(state.read_bytes()).get('policy')}" in copies:
            return copies
    raise StorageError(f"cannot pack {run}: it changes all the time, or the policy that its state names is missing")


def _files(run: Path) -> Iterator[Path]:
    """Regular files of a run, sorted; locks, links and what SQLite keeps beside a database stay here."""
    for folder, folders, names in os.walk(run):
        folders.sort()
        for path in (Path(folder, name) for name in sorted(names)):
            temporary = path.name == RUN_LOCK or path.name.endswith(("-wal", "-shm", "-journal", ".tmp"))
            if path.is_file() and not path.is_symlink() and not temporary:
                yield path


def _stable(path: Path, scratch: Path) -> Path:
    """A copy that does not change: SQLite's own backup for a database, a plain copy else."""
    copy = scratch / secrets.token_hex(8)
    with path.open("rb") as file:
        if file.read(len(SQLITE)) != SQLITE:
            file.seek(0)
            with copy.open("wb") as goal:
                shutil.copyfileobj(file, goal)
            return copy
    source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30.0)
    with closing(source), closing(sqlite3.connect(copy)) as goal_db:
        source.backup(goal_db)
        goal_db.execute("PRAGMA journal_mode = DELETE")
    return copy


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    info = tarfile.TarInfo(name)
    info.size = content.seek(0, os.SEEK_END)
    content.seek(0)
    tar.addfile(info, content)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
