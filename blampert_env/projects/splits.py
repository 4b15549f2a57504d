"""Which side of a division a task is on, by its content alone: the same on every machine and in every collection."""

from __future__ import annotations

from typing import Literal

from blampert_env.projects.project import Project

Split = Literal["train", "test"]


def split_of(task: Project | str, held: float = 0.5) -> Split:
    """The side of a task, by its content hash.

    A larger ``held`` only moves tasks to ``test``. Functions of one repository belong on one side: where a project is
    one, keep it whole.

    Args:
        task: A project, or the fingerprint of one (SHA-256, hexadecimal).
        held: The share of tasks that are ``test``, in [0, 1].

    Raises:
        ValueError: ``held`` is outside of [0, 1], or the text is no fingerprint.
    """
    if not 0 <= held <= 1:
        raise ValueError(f"held must be in [0, 1], not {held}")
    fingerprint = task if isinstance(task, str) else task.fingerprint
    return "test" if int(fingerprint[:13], 16) < held * 16**13 else "train"
