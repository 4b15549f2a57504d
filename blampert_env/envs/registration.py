"""Environment ids: one per bundled project, one per project that is registered, the suite and the campaign."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import gymnasium as gym

from blampert_env.errors import ConfigError, ProjectError

SUITE_ID = "Blampert-Suite-v0"
CAMPAIGN_ID = "Blampert-Campaign-v0"
_ENTRY = "blampert_env.envs.registration"


def make_env(project: Any, *, actions: Literal["strategy", "edit"] = "strategy", **kwargs: Any) -> gym.Env[Any, Any]:
    """Entry point of the project ids.

    Args:
        project: Bundled name, folder or Project.
        actions: ``"strategy"`` for :class:`StrategyEnv`, ``"edit"`` for :class:`CodeEditEnv`.
        kwargs: Arguments of the environment.
    """
    from blampert_env.envs import CodeEditEnv, StrategyEnv

    if actions == "strategy":
        return StrategyEnv(project, **kwargs)
    if actions == "edit":
        return CodeEditEnv(project, **kwargs)
    raise ConfigError(f"actions must be 'strategy' or 'edit', not {actions!r}")


def make_suite(**kwargs: Any) -> gym.Env[Any, Any]:
    """Entry point of the suite id."""
    from blampert_env.envs import SuiteEnv

    return SuiteEnv(**kwargs)


def make_campaign(**kwargs: Any) -> gym.Env[Any, Any]:
    """Entry point of the campaign's id."""
    from blampert_env.envs import CampaignEnv

    return CampaignEnv(**kwargs)


def register_bundled() -> None:
    """Register the bundled projects, the suite and the campaign; called when ``blampert_env`` is imported."""
    from blampert_env.projects import bundled_projects, env_id

    for name in bundled_projects():
        _register(env_id(name), f"{_ENTRY}:make_env", {"project": name})
    _register(SUITE_ID, f"{_ENTRY}:make_suite", {})
    _register(CAMPAIGN_ID, f"{_ENTRY}:make_campaign", {})


def register_project(path: str | Path, *, name: str | None = None) -> str:
    """Register a folder as an environment.

    No test is run before an environment is made of it. If its tests are then seen to be broken or flaky, or its
    solution fails some, one line is logged that names `blampert project check`, which says more.

    Args:
        path: The project's folder; it is loaded once to be sure that it is one.
        name: Its name, the folder's by default.

    Returns:
        The id, such as ``"Blampert-MyProject-v0"``.

    Raises:
        ProjectError: The folder is no project, or another folder is registered under that id.
    """
    from blampert_env.projects import Project, env_id

    project = Project.load(path, name=name)
    identity = env_id(project.name)
    folder = str(Path(path).resolve())
    known = gym.registry.get(identity)
    if known is not None and known.kwargs.get("project") != folder:
        raise ProjectError(f"the id {identity} is taken by another project; give register_project a different name=")
    _register(identity, f"{_ENTRY}:make_env", {"project": folder})
    return identity


def _register(identity: str, entry_point: str, kwargs: dict[str, Any]) -> None:
    """Register once; a second import or call changes nothing."""
    if identity not in gym.registry:
        gym.register(identity, entry_point=entry_point, kwargs=kwargs)
