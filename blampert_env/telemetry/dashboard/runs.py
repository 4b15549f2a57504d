"""Which runs there are, by their folders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blampert_env.errors import UsageError, unknown_name
from blampert_env.telemetry.exporter.status import FILE, read_status


@dataclass(frozen=True, slots=True)
class Run:
    """One run's folder.

    Attributes:
        id: Names it in addresses; the folder's name, with a number where two folders of that name are watched.
        path: The folder.
        updated: Unix time of the newest change.
    """

    id: str
    path: Path
    updated: float

    @property
    def name(self) -> str:
        """The run's own name: its id in the action store."""
        return self.path.name

    @property
    def actions(self) -> Path:
        """The SQLite file of its steps."""
        return self.path / "actions.db"

    def status(self) -> dict[str, Any] | None:
        """The status document; None for a run that wrote none."""
        return read_status(self.path)

    def describe(self) -> dict[str, Any]:
        """What a list of runs shows: settings, state, best tests by project; JSON-ready."""
        config, state = _json(self.path / "config.json"), _json(self.path / "state.json")
        status = self.status()
        rows = state.get("projects", {})
        return {
            "id": self.id,
            "state": status["state"] if status else "over",
            "algo": str(config.get("algo", "")),
            "model": str(config.get("resolved_model", config.get("model", ""))),
            "seed": config.get("seed"),
            "iterations": config.get("iterations"),
            "iteration": state.get("iteration", 0),
            "projects": [Path(str(name)).name for name in config.get("projects", [])],
            "strategies": [str(name) for name in config.get("resolved_strategies", [])],
            "steps": status["rl"]["steps"] if status else state.get("timesteps", 0),
            "avg_reward": status["rl"]["avg_reward"] if status else None,
            "best": {
                str(name): [row.get("before", 0), row.get("after", 0), row.get("total", 0)]
                for name, row in rows.items()
            },
            "updated": self.updated,
        }


def find_runs(roots: Sequence[Path]) -> list[Run]:
    """Every run below the log folders, the newest first; a folder that does not exist has none."""
    found: list[Run] = []
    taken: dict[str, int] = {}
    for root in dict.fromkeys(root.resolve() for root in roots):
        for config in sorted(root.glob("*/config.json")):
            folder = config.parent
            number = taken[folder.name] = taken.get(folder.name, 0) + 1
            identity = folder.name if number == 1 else f"{folder.name}~{number}"
            found.append(Run(identity, folder, _updated(folder)))
    return sorted(found, key=lambda run: run.updated, reverse=True)


def pick_run(runs: Sequence[Run], name: str | None = None) -> Run | None:
    """The run of this name (or folder); without one the newest that goes on, else the newest. None if there is none.

    Raises:
        UsageError: There is no such run.
    """
    if name is None:
        going_on = (run for run in runs if (run.status() or {}).get("state") == "running")
        return next(going_on, runs[0] if runs else None)
    for run in runs:
        if name in (run.id, str(run.path)) or Path(name).resolve() == run.path:
            return run
    raise UsageError(unknown_name("run", name, [run.id for run in runs]))


def _updated(folder: Path) -> float:
    times = [0.0]
    for name in (FILE, "state.json", "actions.db", "actions.db-wal", "config.json"):
        with suppress(OSError):
            stat = (folder / name).stat()
            if stat.st_size:  # an empty write-ahead log comes of reading
                times.append(stat.st_mtime)
    return max(times)


def _json(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none yet."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
