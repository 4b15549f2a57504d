"""The narrow columns of one run's steps, in memory, where SQL over 100,000 of them takes milliseconds.

On disk each row drags its source and diff along. They are read once; after that, each look brings only what is new.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blampert_env.errors import StorageError

EVALUATION = 1_000_000
"""Episodes from this number on are greedy evaluations, which are no part of the training's curves."""
_NARROW = (
    "id, episode, project, target, strategy, outcome, reward, tests_passed, tests_total, accepted, lm_calls, "
    "prompt_tokens, completion_tokens, cached, lm_latency_s, grade_s, terminated, truncated, wall_time, cost"
)
# x: the number of the step in its run, from 1
_SCHEMA = f"""
CREATE TABLE steps ({_NARROW.replace("id,", "id INTEGER PRIMARY KEY,", 1)}, x);
CREATE INDEX steps_by_episode ON steps (episode);
CREATE TABLE episodes (
    episode INTEGER PRIMARY KEY, project, ret, length, success, ended, last_id, x, passed, total, wall_time);
"""
_NEW_EPISODES = """
INSERT OR REPLACE INTO episodes
SELECT sums.episode, last.project, sums.ret, sums.length, sums.success, sums.ended, last.id, last.x,
    last.tests_passed, last.tests_total, last.wall_time
FROM (SELECT episode, SUM(reward) AS ret, COUNT(*) AS length, MAX(terminated) AS success,
        MAX(terminated OR truncated) AS ended, MAX(id) AS last_id
    FROM steps WHERE episode IN (SELECT DISTINCT episode FROM steps WHERE id > ?) GROUP BY episode) AS sums
JOIN steps AS last ON last.id = sums.last_id
"""


class StepMirror:
    """A run's steps in memory; safe from several threads.

    Args:
        path: The run's ``actions.db``.
        run: The run's name.
    """

    def __init__(self, path: Path, run: str) -> None:
        self.path = path
        self.run = run
        self.last_id = 0
        self.count = 0
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._columns = _NARROW

    @property
    def version(self) -> tuple[int, int]:
        """Changes with every refresh that brought something."""
        return self.last_id, self.count

    def refresh(self) -> None:
        """Bring what is new; start over if rows went away (a resumed run plays its last iteration again).

        Raises:
            StorageError: The store cannot be read.
        """
        with self._lock, self._errors():
            if not self.path.is_file():
                return
            if self._db is None:
                self._open()
            assert self._db is not None
            # fixed columns and bound values only: nothing of a run gets into the text of a query
            kept = "SELECT COUNT(*) FROM disk.steps WHERE run_id = ? AND id <= ?"
            if self._db.execute(kept, (self.run, self.last_id)).fetchone()[0] != self.count:
                self._forget()
            bring = f"""INSERT INTO steps SELECT {self._columns}, ? + ROW_NUMBER() OVER (ORDER BY id)
                FROM disk.steps WHERE run_id = ? AND id > ? ORDER BY id"""
            before = self.last_id
            with self._db:
                new = self._db.execute(bring, (self.count, self.run, before)).rowcount
                if new:
                    self.count += new
                    self.last_id = self._db.execute("SELECT MAX(id) FROM steps").fetchone()[0]
                    self._db.execute(_NEW_EPISODES, (before,))

    def query(self, text: str, *values: Any) -> list[dict[str, Any]]:
        """Rows by column name; none before the run has a store."""
        with self._lock, self._errors():
            if self._db is None:
                return []
            cursor = self._db.execute(text, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def close(self) -> None:
        """Let go; calling it twice is fine."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _open(self) -> None:
        db = sqlite3.connect(":memory:", uri=True, check_same_thread=False, timeout=5.0)
        try:
            db.executescript(_SCHEMA)
            db.execute("ATTACH ? AS disk", (f"{self.path.absolute().as_uri()}?mode=ro",))
            there = {row[1] for row in db.execute("PRAGMA disk.table_info(steps)")}
            if "cost" not in there:  # since version 4 of the store
                self._columns = _NARROW.replace("cost", "0.0")
            db.execute("SELECT 1 FROM disk.steps LIMIT 1")
        except BaseException:
            db.close()
            raise
        self._db = db

    def _forget(self) -> None:
        assert self._db is not None
        self.last_id = self.count = 0
        with self._db:
            self._db.execute("DELETE FROM steps")
            self._db.execute("DELETE FROM episodes")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(f"cannot read {self.path}: {error}; is it an action store?") from error
