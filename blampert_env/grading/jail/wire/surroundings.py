"""What tests and candidate would share in one process, and do not here: output, environment, warnings, patches.

Nothing of it is carried. Whoever uses it is noted, so that the tests' verdict is sought in another way.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
import random
import sys
import types
import warnings
from collections.abc import Callable, Mapping
from typing import Any

Note = Callable[[str], Any]
ENVIRONMENT, FOLDER = "another environment", "another working folder"


class Surroundings:
    """Notes when something about this process is no longer what it was.

    Args:
        note: Takes a few words.
        probes: Those words, and how to find out. What tests set up may last; of the rest each change counts once.
    """

    def __init__(self, note: Note, probes: Mapping[str, Callable[[], Any]]) -> None:
        self.note, self.probes = note, {ENVIRONMENT: _environment, **probes}
        self.seen = {what: probe() for what, probe in self.probes.items()}

    def look(self) -> None:
        """Compare."""
        for what, probe in self.probes.items():
            with contextlib.suppress(OSError):  # it closed, or removed it
                if (now := probe()) != self.seen[what]:
                    self.note(what)
                    if what not in (ENVIRONMENT, FOLDER):
                        self.seen[what] = now


def _environment() -> dict[bytes, bytes]:
    """Without what pytest says in it; undecoded, since it is looked at with every message."""
    raw: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]
    return {name: value for name, value in raw.items() if not name.startswith(b"PYTEST_")}


def of_candidate(note: Note, spec: Mapping[str, Any]) -> Surroundings:
    """Those of a candidate; what it prints goes nowhere.

    Args:
        note: Takes a few words.
        spec: ``random``: whether the tests use random numbers. ``cwd``: whether they ask where they are. ``unused``:
            plugins of pytest's that no test needs.
    """
    output = os.memfd_create("output")
    for fd, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(output, fd)
        file: Any = io.FileIO(fd, "w", closefd=False)
        stream = io.TextIOWrapper(file, "utf-8", "backslashreplace", write_through=True)
        vars(sys).update({name: stream, f"__{name}__": stream})
    warnings.simplefilter("always")
    for category in (ResourceWarning, SyntaxWarning):  # of files left open, of the source's text
        warnings.simplefilter("ignore", category)
    warnings.showwarning = lambda *_, **__: note("a warning")
    if "logging-plugin" not in spec["unused"]:
        _also(logging.Logger, "isEnabledFor", lambda _: note("a log record"))
    probes: dict[str, Callable[[], Any]] = {FOLDER: os.getcwd} if spec["cwd"] else {}
    if "capturemanager" not in spec["unused"]:
        probes["output"] = lambda: os.fstat(output).st_size
    if spec["random"]:
        probes["random numbers"] = random.getstate
    return Surroundings(note, probes)


def watch_patches(note: Note, is_carried: Callable[[Any, str], bool]) -> None:
    """Hear of what tests replace in libraries: the candidate's process has libraries of its own.

    Args:
        note: Takes a few words.
        is_carried: Whether a change of this object, or module, is none of a library, or sent across anyway.
    """
    from unittest import mock

    from _pytest.monkeypatch import MonkeyPatch

    def check(target: Any, name: str) -> None:
        module = target.__name__ if isinstance(target, types.ModuleType) else getattr(target, "__module__", "")
        if not is_carried(target, str(module)):
            note(f"a patch of {module}.{name}")

    for method in ("setattr", "delattr"):
        _also(MonkeyPatch, method, lambda self: check(*self._setattr[-1][:2]) if self._setattr else None)
    _also(mock._patch, "__enter__", lambda self: check(self.target, self.attribute))  # type: ignore[attr-defined]


def _also(cls: Any, name: str, then: Callable[[Any], Any]) -> None:
    """Let a method do something else in the end."""
    original = getattr(cls, name)

    @functools.wraps(original)
    def changed(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        then(self)
        return result

    setattr(cls, name, changed)
