"""Every step of every run, in one SQLite file: append-only, one row a step, committed at once.

Write-ahead log with ``synchronous=NORMAL``: killing the process loses at most the step in flight; losing power may lose
the last few, never the file. Several processes may write to one store, and read it meanwhile.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from blampert_env.errors import StorageError, UsageError
from blampert_env.telemetry.events import Event, StepEvent

_COLUMNS = tuple(spec.name for spec in fields(StepEvent))
_BOOLS = tuple(spec.name for spec in fields(StepEvent) if spec.type == "bool")

# One entry a schema version, each a list of statements that lifts the file from the version before it.
# A released entry is never edited: add the next one.
_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE steps (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            schema_version INTEGER NOT NULL, run_id TEXT NOT NULL, env_id TEXT NOT NULL, project TEXT NOT NULL,
            episode INTEGER NOT NULL, iteration INTEGER NOT NULL, worker INTEGER NOT NULL, step INTEGER NOT NULL,
            seed INTEGER NOT NULL, target TEXT NOT NULL, strategy TEXT NOT NULL, outcome TEXT NOT NULL,
            reward REAL NOT NULL, reward_terms TEXT NOT NULL, tests_passed INTEGER NOT NULL,
            tests_total INTEGER NOT NULL, accepted INTEGER NOT NULL, lm_calls INTEGER NOT NULL,
            prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, cached INTEGER NOT NULL,
            lm_latency_s REAL NOT NULL, grade_s REAL NOT NULL, env_overhead_s REAL NOT NULL, diff TEXT NOT NULL,
            source TEXT NOT NULL, model TEXT NOT NULL, terminated INTEGER NOT NULL, truncated INTEGER NOT NULL,
            wall_time REAL NOT NULL)""",
        "CREATE INDEX steps_by_run ON steps (run_id, id)",
        "CREATE INDEX steps_by_project ON steps (project)",
        "CREATE INDEX steps_by_strategy ON steps (strategy)",
    ),
    ("ALTER TABLE steps ADD COLUMN test_output TEXT NOT NULL DEFAULT ''",),
)
STORE_VERSION = len(_MIGRATIONS)
"""The schema this code writes, kept in the file's ``PRAGMA user_version``."""

_INSERT = f"INSERT INTO steps ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a group of steps.

    Attributes:
        steps: Steps recorded.
        episodes: Episodes begun.
        accepted: Steps whose edit was kept.
        lm_calls: LM calls, pool hits included.
        prompt_tokens: Prompt tokens.
        completion_tokens: Completion tokens.
        reward: Sum of rewards.
        lm_latency_s: Seconds spent waiting for the LM.
        grade_s: Seconds spent grading.
    """

    steps: int = 0
    episodes: int = 0
    accepted: int = 0
    lm_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reward: float = 0.0
    lm_latency_s: float = 0.0
    grade_s: float = 0.0


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
            values = event.to_dict()
            values["reward_terms"] = json.dumps(values["reward_terms"], ensure_ascii=False)
            with self._lock, self._errors("write to"):
                self._db.execute(_INSERT, tuple(values[name] for name in _COLUMNS))

    def discard(self, run_id: str, *, from_episode: int) -> int:
        """Remove a run's steps from episode ``from_episode`` on: a resumed run plays these again.

        Returns:
            How many rows went.

        Raises:
            StorageError: It could not be written.
        """
        with self._lock, self._errors("write to"):
            query = "DELETE FROM steps WHERE run_id = ? AND episode >= ?"
            return self._db.execute(query, (run_id, from_episode)).rowcount

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Nothing: derived numbers are not actions."""

    def rows(self, run_id: str, *, after: int = 0, limit: int = -1) -> list[tuple[int, StepEvent]]:
        """The steps of a run in the order they were written.

        Args:
            run_id: The run.
            after: Only rows whose id is greater; pass the last id seen to go on from there.
            limit: At most so many; -1 for all.

        Returns:
            Pairs of row id (>= 1, growing) and event.
        """
        query = f"SELECT id, {', '.join(self._columns)} FROM steps WHERE run_id = ? AND id > ? ORDER BY id LIMIT ?"
        return [(row[0], _event(self._columns, row[1:])) for row in self._query(query, run_id, after, limit)]

    def last_id(self, run_id: str) -> int:
        """The id of the run's newest row, 0 if it has none."""
        return int(self._query("SELECT COALESCE(MAX(id), 0) FROM steps WHERE run_id = ?", run_id)[0][0])

    def totals(self, *, by: Literal["run_id", "project", "strategy"], run_id: str | None = None) -> dict[str, Totals]:
        """Sums for each run, project or strategy, sorted by name.

        Args:
            by: What to group by.
            run_id: Only this run.
        """
        if by not in ("run_id", "project", "strategy"):
            raise UsageError(f"totals by {by!r}: use run_id, project or strategy")
        query = f"""SELECT {by}, COUNT(*), COUNT(DISTINCT run_id || char(0) || episode), SUM(accepted), SUM(lm_calls),
            SUM(prompt_tokens), SUM(completion_tokens), SUM(reward), SUM(lm_latency_s), SUM(grade_s)
            FROM steps WHERE ?1 IS NULL OR run_id = ?1 GROUP BY {by} ORDER BY {by}"""
        return {row[0]: Totals(*row[1:]) for row in self._query(query, run_id)}

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
            self._columns = tuple(name for name in _COLUMNS if name in there)
            return
        self._columns = _COLUMNS
        for number, statements in enumerate(_MIGRATIONS[version:], start=version + 1):
            for statement in statements:
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {number}")
        self._db.execute("COMMIT")

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StorageError(f"cannot {doing} the action store {self.path}: {reason}") from error


def _event(columns: tuple[str, ...], row: tuple[Any, ...]) -> StepEvent:
    values = dict(zip(columns, row, strict=True))
    values["reward_terms"] = json.loads(values["reward_terms"])
    return StepEvent.from_dict(values | {name: bool(values[name]) for name in _BOOLS})
