"""The agent's workspace, by default ``~/.blampert_workspace``: its folders, its settings, its virtual environment.

::

    find_workspace() ──▶ Workspace (where things lie) ──▶ load_config() ──▶ AgentConfig (environment > file > default)

Importing this room is cheap and touches nothing: making, mending and cleaning a workspace are modules of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blampert_env.workspace.layout import Workspace, find_workspace, require_workspace

if TYPE_CHECKING:
    from blampert_env.workspace.config import AgentConfig, load_config

__all__ = ["AgentConfig", "Workspace", "find_workspace", "load_config", "require_workspace"]


def __getattr__(name: str) -> Any:
    """Load the settings' module when it is first asked for: ``import blampert_env`` needs only the layout."""
    if name in ("AgentConfig", "load_config"):
        from blampert_env.workspace import config

        return getattr(config, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
