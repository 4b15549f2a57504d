"""The text of single steps, made fit to be looked at: what an LM wrote may hold anything."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from contextlib import closing
from typing import Any

from blampert_env.errors import StorageError, UsageError
from blampert_env.quality import measure_all
from blampert_env.telemetry.dashboard.mirror import EVALUATION, StepMirror
from blampert_env.telemetry.dashboard.runs import Run

_COLUMNS = "id, target, strategy, outcome, reward, reward_terms, diff, source, model, prompt_tokens, completion_tokens"


def visible(text: str) -> str:
    """``text`` with control characters and those that turn the direction of writing shown as escapes.

    A terminal's escape sequences do nothing then, and no line reads otherwise than it runs ("Trojan Source").
    """
    return "".join(character if _harmless(character) else _escaped(character) for character in text)


def step_text(run: Run, number: int) -> dict[str, Any]:
    """Diff, source, test output and reward terms of one step.

    Raises:
        UsageError: The run has no such step.
        StorageError: The store cannot be read.
    """
    rows = _read(run, f"SELECT {_COLUMNS}, {{output}} FROM steps WHERE run_id = ? AND id = ?", run.name, number)
    if not rows:
        raise UsageError(f"{run.id} has no step {number}")
    names = [name.strip() for name in _COLUMNS.split(",")] + ["test_output"]
    step = dict(zip(names, rows[0], strict=True))
    step["reward_terms"] = json.loads(step["reward_terms"])
    return {name: visible(value) if isinstance(value, str) else value for name, value in step.items()}


def code_quality(run: Run, mirror: StepMirror, sample: int = 40) -> dict[str, Any]:
    """Quality of the edits that gained tests, at most ``sample`` of them, evenly spread over the run.

    Raises:
        UsageError: ruff or radon is not installed.
        StorageError: The store cannot be read.
    """
    rows = mirror.query(
        f"""SELECT MIN(id) AS id, x FROM (SELECT id, x, NTILE(?) OVER (ORDER BY id) AS bucket FROM steps
            WHERE outcome IN ('improved', 'solved') AND episode < {EVALUATION}) GROUP BY bucket ORDER BY 1""",
        sample,
    )
    if not rows:
        return {"x": [], "score": [], "documentation": [], "error_handling": [], "structure": [], "mean": None}
    marks = ", ".join("?" * len(rows))
    found = _read(run, f"SELECT id, source FROM steps WHERE id IN ({marks})", *(row["id"] for row in rows))
    sources = dict(found)
    kept = [row for row in rows if row["id"] in sources]
    measured = measure_all([sources[row["id"]] for row in kept])
    scores = [quality.score for quality in measured]
    return {
        "x": [row["x"] for row in kept],
        "score": scores,
        "documentation": [quality.documentation for quality in measured],
        "error_handling": [quality.error_handling for quality in measured],
        "structure": [quality.structure for quality in measured],
        "mean": sum(scores) / len(scores) if scores else None,
    }


def _read(run: Run, query: str, *values: Any) -> list[tuple[Any, ...]]:
    try:
        uri = f"{run.actions.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=5.0)) as db:
            columns = {row[0] for row in db.execute("SELECT name FROM pragma_table_info('steps')")}
            output = "test_output" if "test_output" in columns else "''"  # a store of schema 1 has none
            return db.execute(query.replace("{output}", output), values).fetchall()
    except sqlite3.Error as error:
        raise StorageError(f"cannot read {run.actions}: {error}") from error


def _harmless(character: str) -> bool:
    return character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
