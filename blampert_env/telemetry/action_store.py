"""Every step of every run, in one SQLite file: append-only, one row a step, committed at once.

Sums by run, project and strategy are kept beside the steps by triggers, so that asking for them costs the same for a
thousand steps and for a million. A prompt is kept once, however often it was asked.

Write-ahead log with ``synchronous=NORMAL``: killing the process loses at most the step in flight; losing power may lose
the last few, never the file. Several processes may write to one store, and read it meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from blampert_env.errors import UsageError
from blampert_env.telemetry.action_rows import COLUMNS, INSERT, Totals, keep_prompt, to_event, to_row
from blampert_env.telemetry.action_schema import (
    MIGRATIONS,
    RECOUNT_RUN,
    STORE_VERSION,
    TOTALS,
    TOTALS_OF_OLD_FILES,
)
from blampert_env.telemetry.events import Event, StepEvent
from blampert_env.telemetry.sqlite_file import SqliteFile


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
        if readonly and not self.path.is_file():
            raise UsageError(f"no action store at {path}: nothing has been recorded there yet")
        self._file = SqliteFile("action store", self.path, readonly=readonly)
        with self._file.opening():
            self._prepare(readonly)

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
        with self._file.transaction() as db:
            known = {text: keep_prompt(db, text) for text in {step.prompt for step in steps} if text}
            db.executemany(INSERT, (to_row(step, known) for step in steps))

    def discard(self, run_id: str, *, from_episode: int) -> int:
        """Remove a run's steps from episode ``from_episode`` on: a resumed run plays these again.

        Returns:
            How many rows went.

        Raises:
            StorageError: It could not be written.
        """
        with self._file.transaction() as db:
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
        self._file.close()

    def __enter__(self) -> ActionStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _query(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._file.read(query, values)

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
            self._file.db.execute("PRAGMA journal_mode = WAL")
            self._file.db.execute("PRAGMA synchronous = NORMAL")
            self._file.lift("steps", MIGRATIONS)
            self._columns, self._has_sums = COLUMNS, True
            return
        self._file.check("steps", STORE_VERSION)
        # an older file is read as it is: fields it has no column for take their defaults
        there = {row[0] for row in self._query("SELECT name FROM pragma_table_info('steps')")}
        self._columns = tuple(name for name in COLUMNS if name in there)
        self._has_sums = bool(self._query("SELECT 1 FROM pragma_table_info('sums') WHERE name = 'cost'"))
