"""Every step of every run, in one SQLite file: append-only, one row a step, committed at once.

Sums by run, project and strategy are kept beside the steps by triggers, so that asking for them costs the same for a
thousand steps and for a million. A prompt is kept once, however often it was asked.

Write-ahead log with ``synchronous=NORMAL``: killing the process loses at most the step in flight; losing power may lose
the last few, never the file. Several processes may write to one store, and read it meanwhile.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from blampert_env.errors import StorageError, UsageError
from blampert_env.telemetry.action_rows import COLUMNS, INSERT, Totals, keep_prompt, to_event, to_row
from blampert_env.telemetry.action_schema import (
    MIGRATIONS,
    RECOUNT_RUN,
    STORE_VERSION,
    TOTALS,
    TOTALS_OF_OLD_FILES,
)
from blampert_env.telemetry.events import Event, StepEvent


class ActionStore:
    """A SQLite file of steps; a durable :class:`~blampert_env.telemetry.Sink`. Safe from several threads.

    Args:
        path: The file, such as ``actions.db``; it and its folder are made if missing.
        readonly: Only read; the file must exist.

    Raises:
        StorageError: The file cannot be opened or made.
        UsageError: It is not an action store, was written by a newer Blampert, or is missing (read-only).
    """

    name = "action store"
    durable = True

    def __init__(self, path: str | Path, *, readonly: bool = False) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        if readonly and not self.path.is_file():
            raise UsageError(f"no action store at {path}: nothing has been recorded there yet")
        with self._errors("open"):
            if not readonly:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            mode = "ro" if readonly else "rwc"
            self._db = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=30.0,
                isolation_level=None,  # autocommit: each INSERT is a transaction of its own
                check_same_thread=False,
            )
        try:
            with self._errors("open"):
                self._prepare(readonly)
        except BaseException:
            self._db.close()
            raise

    def write(self, event: Event) -> None:
        """Append a step and commit it; other kinds of event can be derived from steps and are not kept.

        Raises:
            StorageError: It could not be written (disk full, locked for 30 s, closed).
        """
        if isinstance(event, StepEvent):
            self.write_many([event])

    def write_many(self, events: Iterable[Event]) -> None:
        """Append steps in one transaction: all of them are stored, or none.

        Raises:
            StorageError: They could not be written.
        """
        steps = [event for event in events if isinstance(event, StepEvent)]
        with self._transaction() as db:
            known = {text: keep_prompt(db, text) for text in {step.prompt for step in steps} if text}
            db.executemany(INSERT, (to_row(step, known) for step in steps))

    def discard(self, run_id: str, *, from_episode: int) -> int:
        """Remove a run's steps from episode ``from_episode`` on: a resumed run plays these again.

        Returns:
            How many rows went.

        Raises:
            StorageError: It could not be written.
        """
        with self._transaction() as db:
            query = "DELETE FROM steps WHERE run_id = ? AND episode >= ?"
            removed = db.execute(query, (run_id, from_episode)).rowcount
            if removed:
                for statement in RECOUNT_RUN:
                    db.execute(statement, {"run": run_id})
            return removed

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Nothing: derived numbers are not actions."""

    def rows(
        self,
        run_id: str | None = None,
        *,
        project: str | None = None,
        strategy: str | None = None,
        after: int = 0,
        limit: int = -1,
        newest: bool = False,
        prompts: bool = False,
    ) -> list[tuple[int, StepEvent]]:
        """Steps in the order they were written.

        Args:
            run_id: Only this run's.
            project: Only this project's.
            strategy: Only this strategy's.
            after: Only rows whose id is greater; pass the last id seen to go on from there.
            limit: At most so many; -1 for all.
            newest: The last ones rather than the first ones, where ``limit`` leaves some out.
            prompts: With the LM's prompts, which are long; without, ``prompt`` is "".

        Returns:
            Pairs of row id (>= 1, growing) and event.
        """
        wanted = {"run_id": run_id, "project": project, "strategy": strategy}
        given = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join([*(f"{name} = ?" for name in given), "id > ?"])
        order = "DESC" if newest else "ASC"
        query = f"SELECT id, {', '.join(self._columns)} FROM steps WHERE {where} ORDER BY id {order} LIMIT ?"
        found = self._query(query, *given.values(), after, limit)
        if newest:
            found.reverse()
        texts = self._prompts(found) if prompts else {}
        return [(row[0], to_event(self._columns, row[1:], texts)) for row in found]

    def last_id(self, run_id: str) -> int:
        """The id of the run's newest row, 0 if it has none."""
        return int(self._query("SELECT COALESCE(MAX(id), 0) FROM steps WHERE run_id = ?", run_id)[0][0])

    def solved(self, run_id: str) -> int:
        """Episodes of a run that ended with every visible test passed."""
        return int(self._query("SELECT COUNT(*) FROM steps WHERE run_id = ? AND terminated", run_id)[0][0])

    def totals(self, *, by: Literal["run_id", "project", "strategy"], run_id: str | None = None) -> dict[str, Totals]:
        """Sums for each run, project or strategy, sorted by name.

        Args:
            by: What to group by.
            run_id: Only this run.
        """
        if by not in ("run_id", "project", "strategy"):
            raise UsageError(f"totals by {by!r}: use run_id, project or strategy")
        query = TOTALS if self._has_sums else TOTALS_OF_OLD_FILES
        rows = self._query(query.format(by=by, kind=by.removesuffix("_id")), run_id)
        return {row[0]: Totals(*row[1:]) for row in rows}

    def flush(self) -> None:
        """Nothing to do: every row is committed at once."""

    def close(self) -> None:
        """Close the file; calling it twice is fine."""
        with self._lock, self._errors("close"):
            self._db.close()

    def __enter__(self) -> ActionStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _query(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock, self._errors("read"):
            return self._db.execute(query, values).fetchall()

    def _prompts(self, rows: Iterable[tuple[Any, ...]]) -> dict[int, str]:
        """The prompts of rows, by number."""
        if "prompt" not in self._columns:
            return {}
        column = 1 + self._columns.index("prompt")
        numbers = {row[column] for row in rows} - {0}
        return {n: str(self._query("SELECT messages FROM prompts WHERE id = ?", n)[0][0]) for n in numbers}

    def _prepare(self, readonly: bool) -> None:
        """Check whose file this is and bring its schema up to date."""
        if not readonly:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("BEGIN IMMEDIATE")  # two processes may open a new store at the same moment
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        tables = {row[0] for row in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if version > STORE_VERSION:
            raise UsageError(f"{self.path} has schema {version}, this Blampert knows {STORE_VERSION}; upgrade Blampert")
        if ("steps" in tables) != (version > 0) or (tables and not version):
            raise UsageError(f"{self.path} is a SQLite file, but not an action store; choose another path")
        if readonly:
            # an older file is read as it is: fields it has no column for take their defaults
            there = {row[0] for row in self._db.execute("SELECT name FROM pragma_table_info('steps')")}
            self._columns = tuple(name for name in COLUMNS if name in there)
            self._has_sums = "sums" in tables
            return
        self._columns, self._has_sums = COLUMNS, True
        for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
            for statement in statements:
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {number}")
        self._db.execute("COMMIT")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._errors("write to"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite has rolled back by itself where the disk is full
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StorageError(f"cannot {doing} the action store {self.path}: {reason}") from error
