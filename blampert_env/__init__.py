"""Blampert: projects with TODOs and tests as Gymnasium environments for agents that write code.

Importing this package registers the environment ids (``Blampert-Calculator-v0``, ..., ``Blampert-Suite-v0``, one
for each project of the user's workspace) and is cheap: no LM, no PyTorch, no DSPy is loaded, and nothing is created,
downloaded or configured.
"""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _version

from blampert_env.envs.registration import register_bundled, register_project
from blampert_env.workspace.folders import register_workspace

try:
    __version__ = _version("blampert")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0"

register_bundled()
register_workspace()

__all__ = ["__version__", "register_project"]
