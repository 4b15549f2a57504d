"""The exceptions of Blampert.

::

    BlampertError            exit code 1
    ├── UsageError           exit code 2: what the user gave cannot work
    │   ├── ConfigError      a configuration file, key or flag
    │   └── ProjectError     a project folder: missing, without tests, without TODOs
    ├── EditRejected         an edit that cannot be right; caught by the envs, never reaches the user
    ├── GraderError          the grader itself failed: never scored, always raised
    ├── StorageError         a file could not be written; what was there before is untouched
    └── LMError              the language model
        ├── LMUnavailable    nothing answers, or the circuit is open
        └── WeightsError     weights missing, corrupt or not to be fetched

Every message is one line: what is wrong, where, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BlampertError(Exception):
    """Base of every error that Blampert raises on purpose."""

    exit_code = 1


class UsageError(BlampertError):
    """The user asked for something that does not exist or cannot work."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration file, key or flag is wrong."""


class ProjectError(UsageError):
    """A folder cannot be turned into an environment."""


class EditRejected(BlampertError):
    """An edit was refused; the files stay as they were.

    Attributes:
        reason: A stable slug, such as ``"syntax_error"`` or ``"signature_changed"``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[EditRejected], tuple[str, str]]:
        return type(self), (self.reason, str(self))


class GraderError(BlampertError):
    """The grader could not give a verdict (an infrastructure failure, never a score of 0)."""


class StorageError(BlampertError):
    """A file could not be written; the previous version is still there."""


class LMError(BlampertError):
    """The language model failed."""


class LMUnavailable(LMError):
    """No language model answers, or its circuit breaker is open."""


class WeightsError(LMError):
    """Model weights are missing, corrupt, or could not be fetched."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """One line for an unknown name, with the closest match and what there is.

    >>> unknown_name("algo", "pppo", ["ppo", "dqn"])
    "unknown algo 'pppo': did you mean 'ppo'? (known: dqn, ppo)"
    """
    names = sorted(known)
    if not names:
        return f"unknown {kind} {name!r}: there is none yet"
    close = difflib.get_close_matches(name, names, n=1)
    hint = f": did you mean {close[0]!r}?" if close else ""
    return f"unknown {kind} {name!r}{hint} (known: {', '.join(names)})"
