"""A step as a row of the action store, and back; sums over rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from operator import attrgetter
from typing import Any

from blampert_env.telemetry.events import StepEvent

COLUMNS = tuple(spec.name for spec in fields(StepEvent))
INSERT = f"INSERT INTO steps ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
_BOOLS = tuple(spec.name for spec in fields(StepEvent) if spec.type == "bool")
_REWARD_TERMS, _PROMPT = COLUMNS.index("reward_terms"), COLUMNS.index("prompt")
_values_of = attrgetter(*COLUMNS)


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
        cost: Of the LM calls, in seconds at the models' prices, pool hits included.
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
    cost: float = 0.0


def to_row(step: StepEvent, prompts: Mapping[str, int]) -> list[Any]:
    """A step's values as the table has them."""
    row = list(_values_of(step))
    row[_REWARD_TERMS] = json.dumps(dict(step.reward_terms), ensure_ascii=False)
    row[_PROMPT] = prompts.get(step.prompt, 0)
    return row


def keep_prompt(db: sqlite3.Connection, text: str) -> int:
    """The number of a prompt, which is kept if it is new."""
    digest = sha256(text.encode()).digest()
    db.execute("INSERT OR IGNORE INTO prompts (digest, messages) VALUES (?, ?)", (digest, text))
    return int(db.execute("SELECT id FROM prompts WHERE digest = ?", (digest,)).fetchone()[0])


def to_event(columns: tuple[str, ...], row: tuple[Any, ...], prompts: Mapping[int, str]) -> StepEvent:
    """The step of a row; its prompt is "" unless ``prompts`` has it by its number."""
    values = dict(zip(columns, row, strict=True))
    values["reward_terms"] = json.loads(values["reward_terms"])
    values["prompt"] = prompts.get(values.get("prompt", 0), "")
    return StepEvent.from_dict(values | {name: bool(values[name]) for name in _BOOLS})
