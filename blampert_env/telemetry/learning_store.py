"""What was learnt, over all runs: a TinyDB file that several processes share.

==============  =====================================  ===========================================================
table           one document for each                  what it holds
==============  =====================================  ===========================================================
``runs``        run                                    algorithm, model, seed, projects; episodes and successes
``best``        run and project                        the best code as files, and the tests that it passes
``examples``    project, target and source             verified code: an edit that made more tests pass
``strategies``  run and strategy                       how often it was asked, kept, and what it earned and cost
==============  =====================================  ===========================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinydb import TinyDB, where
from tinydb.storages import Storage

from blampert_env.atomic import atomic_write_text
from blampert_env.errors import StorageError, UsageError

TABLES = ("runs", "best", "examples", "strategies")
_META = "_meta"
_LOCK_S = 60.0

Content = dict[str, dict[str, Any]]


def _number(content: Content) -> Content:
    """Version 1: the file says its version."""
    return content


# One entry a schema version: what lifts the content from the version before it. A released entry is never edited.
MIGRATIONS: tuple[Callable[[Content], Content], ...] = (_number,)


class LearningStore:
    """A TinyDB file; every batch is one locked read and one atomic write. Cheap to make, safe from several processes.

    Args:
        path: The file, such as ``learning.json``; it and its folder are made with the first batch.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @contextmanager
    def batch(self) -> Iterator[TinyDB]:
        """A database to change; on leaving, all of it is written, or none if the body raises.

        Raises:
            StorageError: It cannot be locked within a minute, or not be read or written.
            UsageError: It was written by a newer Blampert.
        """
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=_LOCK_S):
                storage = _Memory(self._load())
                yield TinyDB(storage=lambda: storage)
                atomic_write_text(self.path, json.dumps(storage.content, ensure_ascii=False) + "\n")
        except Timeout as error:
            raise StorageError(f"cannot lock {self.path} for {_LOCK_S:g} s: another process holds it") from error
        except OSError as error:
            raise StorageError(f"cannot write {self.path}: {error.strerror or error}") from error

    def read(self, table: str, **equal: Any) -> list[dict[str, Any]]:
        """Documents of a table whose fields have these values; a file is always whole, so this takes no lock.

        Raises:
            StorageError: It cannot be read.
            UsageError: It was written by a newer Blampert.
        """
        documents = TinyDB(storage=lambda: _Memory(self._load())).table(table).all()
        return [dict(it) for it in documents if all(it.get(name) == value for name, value in equal.items())]

    def best(self, project: str) -> dict[str, Any] | None:
        """The best code of a project over all runs, the earliest of equals; None if nothing was better than nothing."""
        found = self.read("best", project=project)
        return max(found, key=lambda it: (it["tests_passed"], -it["time"]), default=None)

    def _load(self) -> Content:
        try:
            content: Content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            content = {}
        except (OSError, ValueError) as error:
            raise StorageError(f"{self.path} cannot be read ({error}); move it away to start a new one") from error
        version = _version(content, self.path)
        if version > len(MIGRATIONS):
            raise UsageError(f"{self.path} has schema {version}, this Blampert knows {len(MIGRATIONS)}; upgrade it")
        for migrate in MIGRATIONS[version:]:
            content = migrate(content)
        return content | {_META: {"1": {"schema": len(MIGRATIONS)}}}


def upsert(db: TinyDB, table: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Change the document that ``key`` names, or add it."""
    query = None
    for name, value in key.items():
        condition = where(name) == value
        query = condition if query is None else query & condition
    assert query is not None
    db.table(table).upsert({**key, **values}, query)


class _Memory(Storage):  # type: ignore[misc]  # tinydb is untyped
    """TinyDB's two-method seam over content that was read before and is written afterwards."""

    def __init__(self, content: Content) -> None:
        self.content = content

    def read(self) -> Content:
        return self.content

    def write(self, data: Content) -> None:
        self.content = data


def _version(content: Any, path: Path) -> int:
    """The schema of a file; 0 where it does not say."""
    try:
        return int(content[_META]["1"]["schema"]) if _META in content else 0
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"{path} is no learning data; move it away to start a new one") from error
