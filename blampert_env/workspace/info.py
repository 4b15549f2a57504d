"""What there is in a workspace, and how it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from blampert_env.errors import ConfigError, ProjectError
from blampert_env.workspace.clean import size_of
from blampert_env.workspace.config import load_config
from blampert_env.workspace.folders import clashes, project_folders
from blampert_env.workspace.layout import FOLDERS, Workspace, create_command
from blampert_env.workspace.runs import RunSummary, list_policies, list_runs
from blampert_env.workspace.venv import problem


def describe(workspace: Workspace) -> dict[str, Any]:
    """Everything as a JSON value: ``workspace``, ``size``, ``sizes``, ``projects``, ``runs``, ``policies``, ``config``
    and ``health`` (one line for each thing that is wrong; empty if all is well). Sizes are bytes.

    ``tests_passed`` of a project is what the best code of any run passes, with that run as ``best_run``; None before
    the first run.
    """
    runs = list_runs(workspace)
    sizes = {name: size_of(path) if (path := getattr(workspace, name)).exists() else 0 for name in FOLDERS}
    wrong = health(workspace)
    try:
        config: dict[str, Any] | None = load_config(workspace).to_json()
    except ConfigError:
        config = None  # health says why
    return {
        "workspace": str(workspace),
        "size": sum(sizes.values()),
        "sizes": sizes,
        "projects": [_project(name, folder, runs) for name, folder in project_folders(workspace).items()],
        "runs": [_run(run) for run in runs],
        "policies": [path.name for path in list_policies(workspace)],
        "config": config,
        "health": wrong,
    }


def health(workspace: Workspace) -> list[str]:
    """One line for each thing that is wrong, with what mends it; empty if all is well. Starts no process."""
    wrong: list[str] = []
    try:
        load_config(workspace)
    except ConfigError as error:
        wrong.append(str(error))
    missing = [name for name in FOLDERS if name != "venv" and not getattr(workspace, name).is_dir()]
    if missing or not workspace.config_path.is_file() or not workspace.marker.is_file():
        what = ", ".join([f"{name}/" for name in missing]) or "agent_config.json or the marker in data/"
        wrong.append(f"{what} missing: mend it with `{create_command(workspace)}`")
    folders = project_folders(workspace)
    if venv := problem(workspace, folders):
        wrong.append(venv)
    wrong += [
        f"{folder} has the same name as another project ({name}): rename it"
        for folder, name in clashes(workspace).items()
    ]
    wrong += [line for folder in folders.values() if (line := project_problem(folder))]
    wrong += [
        f"{run.path} cannot be read ({run.damaged}): remove it or import it again"
        for run in list_runs(workspace)
        if run.damaged
    ]
    return wrong


def project_problem(folder: Path) -> str | None:
    """Why a folder is no project; None if it is one."""
    from blampert_env.projects import Project

    try:
        Project.load(folder)
    except ProjectError as error:
        return str(error)
    return None


def _project(name: str, folder: Path, runs: Sequence[RunSummary]) -> dict[str, Any]:
    """One project: what it holds, and the best that any run made of it."""
    from blampert_env.projects import Project, env_id

    entry: dict[str, Any] = {"name": name, "id": env_id(name), "targets": None, "tests": None, "problem": None}
    try:
        project = Project.load(folder)
        entry |= {"targets": len(project.targets), "tests": len(project.test_targets)}
    except ProjectError as error:
        entry["problem"] = str(error)
    scores = [
        (run.projects[name]["after"], run.projects[name]["total"], run.name) for run in runs if name in run.projects
    ]
    # the earliest of the best: max keeps the first of equals
    passed, total, best = max(scores, key=lambda score: score[0] / max(1, score[1]), default=(None, None, None))
    return entry | {"tests_passed": passed, "tests_total": total, "best_run": best}


def _run(run: RunSummary) -> dict[str, Any]:
    passed = sum(row["after"] for row in run.projects.values())
    total = sum(row["total"] for row in run.projects.values())
    return {
        "name": run.name,
        "algo": run.algo,
        "iterations": run.iterations,
        "timesteps": run.timesteps,
        "projects": len(run.projects),
        "tests_passed": passed,
        "tests_total": total,
        "in_use": run.in_use,
        "damaged": run.damaged,
    }
