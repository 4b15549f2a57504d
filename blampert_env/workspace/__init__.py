"""The agent's workspace, by default ``~/.blampert_workspace``: its folders, its settings, its virtual environment.

::

    find_workspace() ──▶ Workspace (where things lie) ──▶ load_config() ──▶ AgentConfig (environment > file > default)

Importing this room is cheap and touches nothing: making, mending and cleaning a workspace are modules of their own.
"""

from blampert_env.workspace.config import AgentConfig, load_config
from blampert_env.workspace.layout import Workspace, find_workspace, require_workspace

__all__ = ["AgentConfig", "Workspace", "find_workspace", "load_config", "require_workspace"]
