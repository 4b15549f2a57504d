"""``blampert evaluate``: as ``python -m blampert_env.evaluate``, in the default workspace if there is one."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None, prog: str = "blampert evaluate") -> int:
    """Entry point; returns the exit code."""
    from blampert_env import evaluate

    return evaluate.main(argv, prog, default_workspace=True)
