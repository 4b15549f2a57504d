"""Unpacks a run that :mod:`blampert_env.workspace.transfer` packed, and trusts nothing in the file.

Only files that the list in it names, of the size and content it names, are written, below the new run's folder.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import secrets
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from blampert_env.atomic import atomic_write_text
from blampert_env.errors import StorageError, UsageError
from blampert_env.workspace.runs import RUN_CONFIG, is_run
from blampert_env.workspace.transfer import FORMAT, MANIFEST, POLICY, SQLITE, sha256_of

LEARNING = "learning.json"
_MAX_MANIFEST = 50_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of unpacking: the run's folder, its policy if it had one, and the bytes that were written."""

    run: Path
    policy: Path | None
    size: int


def import_run(archive: Path, logs: Path, models: Path, name: str | None = None) -> Imported:
    """Unpack a run.

    Args:
        archive: What :func:`export_run` wrote.
        logs: Where the run's folder goes.
        models: Where its policy goes.
        name: Another name for it.

    Raises:
        UsageError: The file is no run, is damaged, holds something it must not, or the name is taken; nothing is left.
        StorageError: It cannot be written; nothing is left.
    """
    if not archive.is_file():
        raise UsageError(f"no file at {archive}: give what `blampert export` wrote")
    draft = logs / f".import-{secrets.token_hex(6)}"
    try:
        with _reading(archive), tarfile.open(archive, "r:gz") as tar:
            manifest = _manifest(tar, archive)
            chosen = name or str(manifest["name"])
            goal, policy_goal = logs / chosen, models / f"{chosen}.zip"
            _check_name(chosen, goal, policy_goal, renamed=name is not None)
            logs.mkdir(parents=True, exist_ok=True)
            draft.mkdir()
            size = _unpack(tar, manifest["files"], draft, archive)
        if not is_run(draft / "run"):
            raise UsageError(f"{archive} holds no run: {RUN_CONFIG} is missing in it")
        if chosen != manifest["name"]:
            _rename_in_databases(draft / "run", str(manifest["name"]), chosen)
            _rename_in_learning(draft / "run" / LEARNING, str(manifest["name"]), chosen)
        has_policy = (draft / POLICY).is_file()
        if has_policy:
            models.mkdir(parents=True, exist_ok=True)
            os.link(draft / POLICY, policy_goal)  # fails if another process took the name meanwhile
        try:
            (draft / "run").rename(goal)
        except OSError:
            if has_policy:
                policy_goal.unlink(missing_ok=True)
            raise
        return Imported(goal, policy_goal if has_policy else None, size)
    except FileExistsError as error:
        raise UsageError(f"{error.filename2 or error.filename} is there already: give another --name") from error
    except OSError as error:
        raise StorageError(f"cannot unpack to {logs}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _manifest(tar: tarfile.TarFile, archive: Path) -> dict[str, Any]:
    """The list of files, which must come first."""
    first = tar.next()
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > _MAX_MANIFEST:
        raise UsageError(f"{archive} is not a run: it does not begin with {MANIFEST}")
    content = tar.extractfile(first)
    manifest = json.loads(content.read() if content else b"")
    if manifest["format"] != FORMAT:
        raise UsageError(f"{archive} has format {manifest['format']}, this Blampert knows {FORMAT}: upgrade Blampert")
    for name, entry in manifest["files"].items():
        parts = PurePosixPath(name).parts
        plain = name == PurePosixPath(name).as_posix() and ".." not in parts and "\\" not in name and "\0" not in name
        if not plain or not (name == POLICY or (parts[0] == "run" and len(parts) > 1)):
            raise UsageError(f"{archive} names {name!r}, which is no place for a file of a run; nothing was unpacked")
        int(entry["size"]), str(entry["sha256"])
    return dict(manifest)


def _unpack(tar: tarfile.TarFile, files: dict[str, Any], draft: Path, archive: Path) -> int:
    """Write the members that are listed, each checked; returns their bytes."""
    waiting = dict(files)
    for member in tar:
        if member.name == MANIFEST:
            continue
        entry = waiting.pop(member.name, None)
        if entry is None or not member.isreg():
            kind = "link" if member.islnk() or member.issym() else "member"
            raise UsageError(
                f"{archive} holds a {kind} that its list does not name, {member.name!r}; nothing was unpacked"
            )
        content = tar.extractfile(member)
        if content is None or member.size != entry["size"]:
            raise UsageError(f"{archive} is damaged: {member.name} has another size than listed")
        path = draft / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as goal:
            shutil.copyfileobj(content, goal)
        if sha256_of(path) != entry["sha256"]:
            raise UsageError(f"{archive} is damaged: {member.name} has another SHA-256 than listed")
    if waiting:
        raise UsageError(f"{archive} is damaged: {next(iter(waiting))} is missing in it")
    return sum(entry["size"] for entry in files.values())


@contextmanager
def _reading(archive: Path) -> Iterator[None]:
    """Whatever a damaged archive makes Python raise is one line."""
    try:
        yield
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{archive} is not a run, or damaged ({error or type(error).__name__})") from error
    except OSError as error:
        if isinstance(error, FileExistsError) or error.errno:
            raise
        raise UsageError(f"{archive} is not a run, or damaged ({error})") from error


def _check_name(name: str, goal: Path, policy: Path, *, renamed: bool) -> None:
    if not _NAME.fullmatch(name):
        what = "--name" if renamed else "the run's name"
        raise UsageError(f"{what} {name!r}: use letters, digits, '.', '_' and '-', at most 100")
    for path in (goal, policy):
        if path.exists() or path.is_symlink():
            raise UsageError(f"{path} is there already: give another --name")


def _rename_in_databases(run: Path, old: str, new: str) -> None:
    """Steps know their run by name: tables with a ``run_id`` get the new one."""
    for path in run.rglob("*"):
        with path.open("rb") if path.is_file() else io.BytesIO() as file:
            if file.read(len(SQLITE)) != SQLITE:
                continue
        try:
            with closing(sqlite3.connect(path)) as db, db:
                tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
                for table in tables:
                    quoted = table.replace('"', '""')
                    if "run_id" in {row[1] for row in db.execute(f'PRAGMA table_info("{quoted}")')}:
                        db.execute(f'UPDATE "{quoted}" SET run_id = ? WHERE run_id = ?', (new, old))
        except sqlite3.Error as error:
            raise UsageError(f"{path.name} of the run is damaged ({error})") from error


def _rename_in_learning(path: Path, old: str, new: str) -> None:
    """So does what was learnt: documents in tables, as TinyDB writes them."""
    if not path.is_file():
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        documents = [document for table in content.values() for document in table.values()]
        named = [document for document in documents if document.get("run_id") == old]
    except (ValueError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path.name} of the run is damaged ({error})") from error
    for document in named:
        document["run_id"] = new
    if named:
        atomic_write_text(path, json.dumps(content, ensure_ascii=False) + "\n")
