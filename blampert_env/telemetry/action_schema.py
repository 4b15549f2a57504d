"""The tables of the action store: how each version is made from the one before, and the queries over sums."""

from __future__ import annotations

_SUMMED_3 = ("accepted", "lm_calls", "prompt_tokens", "completion_tokens", "reward", "lm_latency_s", "grade_s")
_SUMMED = (*_SUMMED_3, "cost")  # since version 4
_KINDS = {"run": "''", "project": "project", "strategy": "strategy"}


def _sums_of(where: str = "", summed: tuple[str, ...] = _SUMMED) -> tuple[str, ...]:
    """Statements that fill both tables of sums from the steps."""
    sums = ", ".join(f"SUM({name})" for name in summed)
    return (
        f"INSERT INTO sums SELECT run_id, project, strategy, COUNT(*), {sums} FROM steps {where}"
        " GROUP BY run_id, project, strategy",
        *(
            f"INSERT INTO episodes SELECT run_id, '{kind}', {name}, COUNT(DISTINCT episode) FROM steps {where}"
            f" GROUP BY run_id, {name}"
            for kind, name in _KINDS.items()
        ),
    )


def _sums_trigger(summed: tuple[str, ...]) -> str:
    """Adds each new step to its sums."""
    return f"""CREATE TRIGGER add_to_sums AFTER INSERT ON steps BEGIN
            INSERT INTO sums VALUES (new.run_id, new.project, new.strategy, 1,
            {", ".join(f"new.{name}" for name in summed)}) ON CONFLICT DO UPDATE SET steps = steps + 1,
            {", ".join(f"{name} = {name} + excluded.{name}" for name in summed)}; END"""


def _episode_trigger(kind: str, name: str) -> str:
    """Counts an episode when its first step of a run, project or strategy comes.

    The unary plus keeps SQLite on the index by episode: by any other it would look at every step of the run.
    """
    same = "" if kind == "run" else f" AND +{name} = new.{name}"
    value = name if kind == "run" else f"new.{name}"
    return f"""CREATE TRIGGER count_episodes_by_{kind} AFTER INSERT ON steps
        WHEN NOT EXISTS
        (SELECT 1 FROM steps WHERE run_id = new.run_id AND episode = new.episode{same} AND +id <> new.id)
        BEGIN INSERT INTO episodes VALUES (new.run_id, '{kind}', {value}, 1)
        ON CONFLICT DO UPDATE SET episodes = episodes + 1; END"""


# One entry a schema version, each a list of statements that lifts the file from the version before it.
# A released entry is never edited: add the next one.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
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
    (
        "ALTER TABLE steps ADD COLUMN prompt INTEGER NOT NULL DEFAULT 0",  # of the table prompts; 0: none
        "ALTER TABLE steps ADD COLUMN reply TEXT NOT NULL DEFAULT ''",
        "CREATE TABLE prompts (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, messages TEXT NOT NULL)",
        "CREATE INDEX steps_by_episode ON steps (run_id, episode, strategy)",
        f"""CREATE TABLE sums (run_id TEXT NOT NULL, project TEXT NOT NULL, strategy TEXT NOT NULL,
            steps INTEGER NOT NULL, {", ".join(f"{name} NOT NULL" for name in _SUMMED_3)},
            PRIMARY KEY (run_id, project, strategy)) WITHOUT ROWID""",
        """CREATE TABLE episodes (run_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
            episodes INTEGER NOT NULL, PRIMARY KEY (run_id, kind, name)) WITHOUT ROWID""",
        *_sums_of(summed=_SUMMED_3),
        _sums_trigger(_SUMMED_3),
        *(_episode_trigger(kind, name) for kind, name in _KINDS.items()),
    ),
    (
        "ALTER TABLE steps ADD COLUMN cost REAL NOT NULL DEFAULT 0",
        "ALTER TABLE sums ADD COLUMN cost REAL NOT NULL DEFAULT 0",
        "DROP TRIGGER add_to_sums",
        _sums_trigger(_SUMMED),
    ),
)
STORE_VERSION = len(MIGRATIONS)
"""The schema this code writes, kept in the file's ``PRAGMA user_version``."""

RECOUNT_RUN = (
    "DELETE FROM sums WHERE run_id = :run",
    "DELETE FROM episodes WHERE run_id = :run",
    *_sums_of("WHERE run_id = :run"),
)
"""Statements that bring the sums of one run up to date after steps were removed."""

TOTALS = f"""SELECT s.name, s.steps, e.episodes, {", ".join(f"s.{name}" for name in _SUMMED)} FROM
    (SELECT {{by}} AS name, SUM(steps) AS steps, {", ".join(f"SUM({name}) AS {name}" for name in _SUMMED)} FROM sums
     WHERE ?1 IS NULL OR run_id = ?1 GROUP BY {{by}}) s JOIN
    (SELECT CASE WHEN kind = 'run' THEN run_id ELSE name END AS name, SUM(episodes) AS episodes FROM episodes
     WHERE kind = '{{kind}}' AND (?1 IS NULL OR run_id = ?1) GROUP BY 1) e ON e.name = s.name ORDER BY s.name"""
"""Totals by ``by`` (run_id, project, strategy; ``kind`` is that without ``_id``), of one run or of all (NULL)."""

TOTALS_OF_OLD_FILES = f"""SELECT {{by}}, COUNT(*), COUNT(DISTINCT run_id || char(0) || episode),
    {", ".join(f"SUM({name})" for name in _SUMMED_3)}, 0.0
    FROM steps WHERE ?1 IS NULL OR run_id = ?1 GROUP BY {{by}} ORDER BY {{by}}"""
"""The same for a file of before version 4 that must not be written to."""
