"""What came of runs, for ``blampert runs``: one summary a run, from its folder and its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from blampert_env.errors import UsageError
from blampert_env.telemetry import ActionStore, Totals
from blampert_env.training.run_folder import RunFolder
from blampert_env.workspace.runs import is_run

By = Literal["run_id", "project", "strategy"]


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run.

    Attributes:
        name: Its name.
        algo: The algorithm.
        model: The LM, as it was resolved.
        seed: Its seed.
        iterations: Iterations that are done.
        timesteps: Steps of training; evaluation's are not among them.
        projects: Name to ``before``, ``after``, ``total``: visible tests passed untouched, by the best code, of all.
        totals: Sums over its steps, those of evaluation included.
        solved: Episodes that ended with every visible test passed.
        strategies: Sums by strategy.
    """

    name: str
    algo: str
    model: str
    seed: int
    iterations: int
    timesteps: int
    projects: Mapping[str, Mapping[str, int]]
    totals: Totals
    solved: int
    strategies: Mapping[str, Totals] = field(repr=False)

    @property
    def reward(self) -> float:
        """Mean reward of a step."""
        return self.totals.reward / self.totals.steps if self.totals.steps else 0.0

    @property
    def success_rate(self) -> float:
        """Share of the episodes that were solved, in [0, 1]."""
        return self.solved / self.totals.episodes if self.totals.episodes else 0.0

    @property
    def passed(self) -> tuple[int, int]:
        """Visible tests the best code passes, and all of them, over the projects."""
        rows = self.projects.values()
        return sum(row["after"] for row in rows), sum(row["total"] for row in rows)


def find_runs(logs: Path) -> list[RunFolder]:
    """Every run below a folder, oldest first."""
    paths = [path for path in logs.iterdir() if is_run(path)] if logs.is_dir() else []
    return [RunFolder(path) for path in sorted(paths, key=lambda path: ((path / "config.json").stat().st_mtime, path))]


def report(run: RunFolder) -> RunReport:
    """Look at one run.

    Raises:
        UsageError: Its settings cannot be read, or nothing was recorded.
        StorageError: Its steps cannot be read.
    """
    config, state = run.read_config(), run.read_state() or {}
    with ActionStore(run.actions, readonly=True) as store:
        totals = store.totals(by="run_id", run_id=run.name).get(run.name, Totals())
        strategies = store.totals(by="strategy", run_id=run.name)
        solved = store.solved(run.name)
    try:
        return RunReport(
            name=run.name,
            algo=str(config["algo"]),
            model=str(config.get("resolved_model", config["model"])),
            seed=int(config["seed"]),
            iterations=int(state.get("iteration", 0)),
            timesteps=int(state.get("timesteps", 0)),
            projects={
                str(name): {key: int(row[key]) for key in ("before", "after", "total")}
                for name, row in dict(state.get("projects", {})).items()
            },
            totals=totals,
            solved=solved,
            strategies=strategies,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{run.path} is damaged ({type(error).__name__}: {error}); look at its config.json") from error


def totals_over(runs: list[RunFolder], archive: Path | None, by: By) -> dict[str, Totals]:
    """Sums over all runs: in one query where a workspace keeps every step, else run by run.

    A workspace's archive also has the runs whose folders are gone.
    """
    if archive is not None and archive.is_file():
        with ActionStore(archive, readonly=True) as store:
            return store.totals(by=by)
    sums: dict[str, dict[str, Any]] = {}
    for run in runs:
        with ActionStore(run.actions, readonly=True) as store:
            for name, totals in store.totals(by=by, run_id=run.name).items():
                row = sums.setdefault(name, {})
                for key in Totals.__dataclass_fields__:
                    row[key] = row.get(key, 0) + getattr(totals, key)
    return {name: Totals(**row) for name, row in sorted(sums.items())}
