"""The suite environment: another project at each reset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from blampert_env.envs.code_edit import CodeEditEnv, open_projects
from blampert_env.envs.strategy import StrategyEnv
from blampert_env.errors import ConfigError, ProjectError, unknown_name
from blampert_env.projects import Project


class SuiteEnv(gym.Env[Any, Any]):
    """Draw a project at each reset: where generalisation is trained and measured.

    ## Description
    One policy for many projects. Each reset draws one of ``projects`` (or takes the one that ``options`` names) and
    the episode is that of its :class:`~blampert_env.envs.StrategyEnv` (or, with ``actions="edit"``, its
    :class:`~blampert_env.envs.CodeEditEnv`).

    ## Action Space
    That of the inner environments: the same for every project.

    ## Observation Space
    That of the inner environments: the same for every project.

    ## Rewards
    Those of the inner environments.

    ## Starting State
    The untouched drawn project. The seed decides which project is drawn and which LM samples.

    ## Episode End
    As in the inner environments.

    ## Information
    As in the inner environments; ``project`` names the drawn one. ``reset(options={"project": name})`` chooses it.

    ## Arguments
    ``projects``: names, folders or :class:`~blampert_env.projects.Project` objects; the bundled ones by default.
    ``actions``: ``"strategy"`` or ``"edit"``. Others go to the inner environments.

    ## Version History
    * v0: first version.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 1}

    def __init__(
        self,
        projects: Sequence[str | Path | Project] | None = None,
        *,
        actions: Literal["strategy", "edit"] = "strategy",
        render_mode: str | None = None,
        **kwargs: Any,
    ) -> None:
        if actions not in ("strategy", "edit"):
            raise ConfigError(f"actions must be 'strategy' or 'edit', not {actions!r}")
        self.projects = open_projects(projects, "suite")
        if not self.projects:
            raise ProjectError("a suite needs at least one project; give projects=[...]")
        self.render_mode = render_mode
        self._make = StrategyEnv if actions == "strategy" else CodeEditEnv
        self._kwargs = {**kwargs, "render_mode": render_mode}
        self._envs: dict[str, StrategyEnv | CodeEditEnv] = {}
        self.current = self._env(next(iter(self.projects)))
        self.action_space = self.current.action_space
        self.observation_space = self.current.observation_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Draw a project, or take ``options["project"]``.

        Raises:
            ProjectError: ``options`` names a project that is not in the suite.
        """
        super().reset(seed=seed)
        drawn = int(self.np_random.integers(len(self.projects)))
        inner_seed = int(self.np_random.integers(2**31))
        name = str((options or {}).get("project", list(self.projects)[drawn]))
        if name not in self.projects:
            raise ProjectError(unknown_name("project", name, self.projects))
        self.current = self._env(name)
        return self.current.reset(seed=inner_seed)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One step of the drawn project's environment."""
        return self.current.step(action)

    def action_masks(self) -> NDArray[np.bool_]:
        """Which strategies make sense now: bool array of shape ``(n_strategies,)``.

        Raises:
            AttributeError: The actions are edits, which have no masks.
        """
        return self.current.action_masks()  # type: ignore[union-attr]

    def render(self) -> Any:
        """As the drawn project's environment."""
        return self.current.render()

    def close(self) -> None:
        """Close every inner environment; may be called twice."""
        for env in self._envs.values():
            env.close()

    def _env(self, name: str) -> StrategyEnv | CodeEditEnv:
        """The inner environment of a project, made when first drawn."""
        if name not in self._envs:
            self._envs[name] = self._make(self.projects[name], **self._kwargs)
        return self._envs[name]
