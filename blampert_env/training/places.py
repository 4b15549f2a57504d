"""Where a run's projects come from and its results go: a workspace with its settings, or the current folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blampert_env.errors import ConfigError, unknown_name
from blampert_env.workspace import AgentConfig, Workspace, find_workspace, load_config, require_workspace
from blampert_env.workspace.layout import is_named

if TYPE_CHECKING:
    from blampert_env.coding import Strategy
    from blampert_env.lm import LanguageModel


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of a command, and the settings that stand behind its flags.

    Attributes:
        workspace: None: the current folder, as if there were no workspaces.
        settings: Of the workspace; the defaults without one.
        logs: Where runs are kept.
        models: Where policies are put.
        projects: Name to folder of the workspace's projects.
    """

    workspace: Workspace | None = None
    settings: AgentConfig = field(default_factory=AgentConfig)
    logs: Path = Path("logs")
    models: Path = Path("models")
    projects: Mapping[str, Path] = field(default_factory=dict)

    @property
    def data(self) -> Path | None:
        """Where databases that several runs share are kept; None without a workspace."""
        return self.workspace.data if self.workspace else None

    @property
    def model(self) -> str | None:
        """The language model that ``auto`` tries first; None: what the environment says."""
        return self.settings.agent.model if self.workspace else None

    def language_model(self, name: str, strategies: Iterable[Strategy], **pooled: Any) -> LanguageModel:
        """The model of a command, with the settings' Redis and roles; and that each strategy's own can be had.

        Args:
            name: As for :func:`blampert_env.lm.resolve`.
            strategies: Their models are looked up, too.
            pooled: ``pool`` and ``samples`` of :func:`blampert_env.lm.resolve`, where they are not the usual ones.

        Raises:
            UsageError: A name means nothing.
            LMUnavailable: It is not there.
        """
        from blampert_env.lm import resolve

        settings = self.settings
        shared: dict[str, Any] = {"redis_url": settings.storage.redis_url, "roles": settings.models.roles}
        lm = resolve(name, configured=self.model, **shared, **pooled)
        for strategy in strategies:
            lm.other(strategy.model)
        return lm

    def python(self, projects: Mapping[str, Path]) -> str | None:
        """The interpreter for the tests of these projects (name to folder), made and filled first if need be.

        Raises:
            UsageError: The workspace's virtual environment cannot be mended.
        """
        if self.workspace is None:
            return None
        from blampert_env.workspace.venv import require_venv

        return require_venv(self.workspace, projects, lambda line: print(f"blampert: {line}", flush=True))

    def defaults(self) -> dict[str, Any]:
        """What the settings say of a run, by the names of TrainConfig; nothing without a workspace.

        Raises:
            ConfigError: ``agent.algo`` is no algorithm.
        """
        if self.workspace is None:
            return {}
        from blampert_agents import ALGOS

        agent, grading = self.settings.agent, self.settings.grading
        if agent.algo not in ALGOS:
            raise ConfigError(f"{self.workspace.config_path}: {unknown_name('agent.algo', agent.algo, ALGOS)}")
        return {
            "algo": agent.algo,
            "iterations": agent.max_iterations,
            "seed": agent.seed,
            "n_envs": agent.n_envs,
            "isolation": grading.isolation,
            "timeout_s": grading.timeout_s,
        }

    def learning_rate(self, algo: str | None) -> dict[str, float]:
        """The settings' learning rate as a hyperparameter, for an algorithm that has one; else nothing."""
        from blampert_agents.hyperparams import SB3_ALGOS

        value = self.settings.agent.learning_rate if self.workspace else None
        return {"learning_rate": value} if value is not None and algo in SB3_ALGOS else {}

    def run(self, path: Path) -> Path:
        """A run by path, or by name in ``logs/``: ``thompson_1`` or ``logs/thompson_1``."""
        named = path.parent in (Path(), Path(self.logs.name))
        return path if path.exists() or not named else self.logs / path.name

    def policy(self, path: Path) -> Path:
        """A policy by path, or by name in ``models/``, with or without ``.zip``."""
        if path.exists() or not self.workspace:
            return path
        candidates = self.models / path, self.models / f"{path}.zip", self.models / path.name
        return next((candidate for candidate in candidates if candidate.exists()), path)

    def portable(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Settings of a run without the paths of this workspace: it may be moved or copied."""
        if self.workspace is None:
            return dict(content)
        root, result = self.workspace.root.resolve(), dict(content)
        for key in ("strategies", "trained_agent"):
            if result.get(key) and Path(result[key]).is_relative_to(root):
                result[key] = Path(result[key]).relative_to(root).as_posix()
        folders = {str(folder.resolve()): name for name, folder in self.projects.items()}
        result["projects"] = [folders.get(name, name) for name in result["projects"]]
        return result

    def absolute(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """What :meth:`portable` made, with the paths as they are here."""
        result = dict(content)
        for key in ("strategies", "trained_agent"):
            if self.workspace and result.get(key):
                result[key] = os.path.normpath(self.workspace.root.resolve() / result[key])
        return result


def find_places(named: Path | None, *, default: bool, run: Path | None = None) -> Places:
    """The places of a command.

    Args:
        named: The workspace that a flag names.
        default: Whether the workspace at the default place counts, if nothing names one.
        run: A run that is gone on with: the workspace it lies in counts.

    Raises:
        UsageError: The workspace that was named is not there, or its settings are wrong.
    """
    workspace: Workspace | None = None
    if is_named(named):
        workspace = require_workspace(named)
    elif run is not None and run.exists():
        workspace = find_workspace(run.resolve().parent.parent)
    if workspace is None and default:
        workspace = find_workspace()
    if workspace is None:
        return Places()
    from blampert_env.workspace.folders import project_folders

    settings = load_config(workspace)
    return Places(workspace, settings, workspace.logs, workspace.models, project_folders(workspace))
