"""Writes a run's learning data: in memory during an episode, in one batch at its end."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from typing import Any

from blampert_env.telemetry.action_store import ActionStore
from blampert_env.telemetry.events import EpisodeEvent, Event, StepEvent
from blampert_env.telemetry.learning_store import LearningStore, upsert

MAX_EXAMPLES = 20
"""Verified examples that are kept of each target, the newest ones."""
_GAINED = ("improved", "solved")


class LearningSink:
    """A durable sink. What it writes are the run's numbers so far, not changes: an episode that is played again after
    a kill is not counted twice.

    Args:
        learning: Where to.
        store: The run's action store, which had each step before this sink.
        run_id: The run.
        about: What describes it: ``algo``, ``model``, ``seed``, ``projects``.
    """

    name = "learning data"
    durable = True

    def __init__(self, learning: LearningStore, store: ActionStore, run_id: str, about: Mapping[str, Any]) -> None:
        self._learning = learning
        self._store = store
        self._run_id = run_id
        self._about = dict(about)
        self._lock = threading.Lock()
        self._examples: list[StepEvent] = []
        self._best: dict[str, dict[str, Any]] = {}

    def best(self, project: str, files: Mapping[str, str], passed: int, total: int) -> None:
        """Take the run's best code of a project; it is written with the episode that found it."""
        found = {"files": dict(files), "tests_passed": passed, "tests_total": total, "time": time.time()}
        with self._lock:
            self._best[project] = found

    def write(self, event: Event) -> None:
        """Keep a verified step; write everything at an episode's end.

        Raises:
            StorageError: It could not be written; it is with the next episode's end.
        """
        if isinstance(event, StepEvent) and event.accepted and event.outcome in _GAINED:
            with self._lock:
                self._examples.append(event)
        elif isinstance(event, EpisodeEvent):
            self._save()

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Nothing: the trainer's numbers are not learning data."""

    def flush(self) -> None:
        """Nothing: each episode's end is written at once."""

    def close(self) -> None:
        """Write what an unfinished episode has verified."""
        if self._examples or self._best:
            self._save()

    def _save(self) -> None:
        strategies = self._store.totals(by="strategy", run_id=self._run_id)
        run = self._store.totals(by="run_id", run_id=self._run_id).get(self._run_id)
        solved = self._store.solved(self._run_id)
        with self._lock, self._learning.batch() as db:
            counts = {"episodes": run.episodes if run else 0, "successes": solved, "steps": run.steps if run else 0}
            upsert(db, "runs", {"run_id": self._run_id}, self._about | counts | {"updated": time.time()})
            for name, totals in strategies.items():
                kept = ("steps", "accepted", "reward", "lm_calls", "prompt_tokens", "completion_tokens", "lm_latency_s")
                upsert(
                    db,
                    "strategies",
                    {"run_id": self._run_id, "strategy": name},
                    {field: getattr(totals, field) for field in kept},
                )
            for project, found in self._best.items():
                upsert(db, "best", {"run_id": self._run_id, "project": project}, found)
            for step in self._examples:
                _keep_example(db, step)
            self._examples, self._best = [], {}


def _keep_example(db: Any, step: StepEvent) -> None:
    """Add a verified example; the same code again only counts."""
    digest = hashlib.sha256(f"{step.project}\0{step.target}\0{step.source}".encode()).hexdigest()
    values = {
        **{name: getattr(step, name) for name in ("project", "target", "source", "strategy", "model", "run_id")},
        **{"tests_passed": step.tests_passed, "tests_total": step.tests_total, "time": step.wall_time},
    }
    upsert(db, "examples", {"digest": digest}, values)
    table = db.table("examples")
    of_target = [it for it in table.all() if (it["project"], it["target"]) == (step.project, step.target)]
    oldest = sorted(of_target, key=lambda it: it["time"])[: max(0, len(of_target) - MAX_EXAMPLES)]
    if oldest:
        table.remove(doc_ids=[it.doc_id for it in oldest])
