"""Where the steps of a run are kept, and what was learnt from them.

::

    logs/<run>/actions.db      the run's steps: all that the run is goes with its folder
    data/actions.db            the steps of every run of the workspace
    data/learning.json         what was learnt over all runs (in the run's folder, where there is no workspace)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blampert_env.errors import BlampertError
from blampert_env.telemetry import ActionStore, Sink
from blampert_env.telemetry.learning_sink import LearningSink
from blampert_env.telemetry.learning_store import LearningStore
from blampert_env.training.places import Places
from blampert_env.training.run_folder import RunFolder

_ABOUT = ("algo", "projects", "seed", "iterations", "rewards", "resolved_model")


@dataclass(frozen=True, slots=True)
class Records:
    """Open records of one run.

    Attributes:
        store: The run's own steps.
        archive: The steps of every run of the workspace; None without one.
        learning: What is learnt.
    """

    store: ActionStore
    archive: ActionStore | None
    learning: LearningSink

    @property
    def stores(self) -> tuple[ActionStore, ...]:
        """Where steps go."""
        return (self.store, self.archive) if self.archive else (self.store,)

    @property
    def sinks(self) -> tuple[Sink, ...]:
        """For the recorder; the steps go first, what is learnt is counted from them."""
        return (*self.stores, self.learning)


def archive_path(places: Places) -> Path | None:
    """The file of the steps of every run; None without a workspace."""
    return places.data / "actions.db" if places.data else None


def learning_store(places: Places, run: RunFolder) -> LearningStore:
    """What was learnt: over all runs of a workspace, or from this run."""
    return LearningStore((places.data or run.path) / "learning.json")


def remembered_runs(places: Places) -> list[str]:
    """Names of runs that a workspace's records know, also of those whose folder is gone.

    Raises:
        BlampertError: The learning data cannot be read.
    """
    return (
        [str(it["run_id"]) for it in LearningStore(places.data / "learning.json").read("runs")] if places.data else []
    )


def open_records(places: Places, run: RunFolder, about: Mapping[str, Any]) -> Records:
    """Open the records of a run; a recorder closes them.

    Args:
        places: Where a workspace keeps what runs share.
        run: The run.
        about: Its resolved settings.

    Raises:
        BlampertError: A file cannot be opened.
    """
    store = ActionStore(run.actions)
    archive = None
    try:
        if path := archive_path(places):
            archive = ActionStore(path)
    except BlampertError:
        store.close()
        raise
    learning = learning_store(places, run)
    sink = LearningSink(learning, store, run.name, {name: about.get(name) for name in _ABOUT})
    return Records(store, archive, sink)
