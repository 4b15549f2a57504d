"""``blampert train``: as ``python -m blampert_env.train``, in the default workspace if there is one."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None, prog: str = "blampert train") -> int:
    """Entry point; returns the exit code."""
    from blampert_env import train

    return train.main(argv, prog, default_workspace=True)
