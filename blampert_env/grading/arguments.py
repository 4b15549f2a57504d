"""What a grader is asked for, checked."""

from __future__ import annotations

import os
import shutil
import sys
from typing import get_args

from blampert_env.errors import GraderError
from blampert_env.grading.engine import Isolation
from blampert_env.grading.suite import Tests


def check(isolation: str, tests: str, timeout_s: float | None) -> None:
    """Refuse what no grader can do.

    Raises:
        GraderError: One of them is none of those that there are.
    """
    _check_choice("isolation", isolation, get_args(Isolation))
    _check_choice("tests", tests, get_args(Tests))
    if timeout_s is not None and not 0 < timeout_s < float("inf"):
        raise GraderError(f"timeout_s must be a number of seconds above 0, not {timeout_s}")
    if os.name == "nt" and isolation != "none":
        raise GraderError("the sandbox needs Linux: run Blampert under WSL, or pass isolation='none' for trusted code")


def interpreter(python: str | None) -> str:
    """The absolute path of the interpreter, links kept: a virtual environment's python is one."""
    path = shutil.which(os.path.expanduser(python)) if python else sys.executable
    if not path:
        raise GraderError(f"python={python!r} is no program: give the path of a Python interpreter with pytest")
    return os.path.abspath(path)


def _check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise GraderError(f"{name} must be one of {', '.join(known)}, not {value!r}")
