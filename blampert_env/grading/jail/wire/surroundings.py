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
from collections.abc import Callable, Sequence
from typing import Any

Note = Callable[[str], Any]


class Surroundings:
    """Environment and working folder: when they are no longer what they were, that is noted.

    Args:
        note: Takes a few words.
        folders: Where this process may be; anywhere if there is none.
    """

    def __init__(self, note: Note, folders: Sequence[str]) -> None:
        self.note, self.folders = note, folders
        self.environment = _environment()

    def look(self) -> None:
        """Compare."""
        if _environment() != self.environment:
            self.note("another environment")
        with contextlib.suppress(FileNotFoundError):
            if self.folders and os.getcwd() not in self.folders:
                self.note("another working folder")


def _environment() -> dict[bytes, bytes]:
    """Without what pytest says in it; undecoded, since it is looked at with every message."""
    raw: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]
    return {name: value for name, value in raw.items() if not name.startswith(b"PYTEST_")}


class Habits(Surroundings):
    """The candidate's: notes output, logs, warnings and random numbers, too.

    Args:
        note: Takes a few words.
        spec: ``random``: whether the tests use random numbers. ``cwd``: whether they ask where they are. ``unused``:
            plugins of pytest's that no test needs.
    """

    def __init__(self, note: Note, spec: dict[str, Any]) -> None:
        super().__init__(note, [spec["box"]] if spec["cwd"] else [])
        self.output = os.memfd_create("output")
        self.size = -1 if "capturemanager" in spec["unused"] else 0
        for fd, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(self.output, fd)
            file: Any = io.FileIO(fd, "w", closefd=False)
            stream = io.TextIOWrapper(file, "utf-8", "backslashreplace", write_through=True)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        self.numbers = random.getstate() if spec["random"] else None
        warnings.simplefilter("always")
        for category in (ResourceWarning, SyntaxWarning):  # of files left open, of the source's text
            warnings.simplefilter("ignore", category)
        warnings.showwarning = lambda *_, **__: note("a warning")
        if "logging-plugin" not in spec["unused"]:
            _also(logging.Logger, "isEnabledFor", lambda _: note("a log record"))

    def look(self) -> None:
        """Note what has changed since the last time."""
        super().look()
        if self.size >= 0:
            with contextlib.suppress(OSError):  # it closed it
                size = os.fstat(self.output).st_size
                if size != self.size:
                    self.size = size
                    self.note("output")
        if self.numbers is not None and random.getstate() != self.numbers:
            self.numbers = None
            self.note("random numbers")


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

    patch: Any = mock._patch  # type: ignore[attr-defined]
    for method in ("setattr", "delattr"):
        _also(MonkeyPatch, method, lambda self: check(*self._setattr[-1][:2]) if self._setattr else None)
    _also(patch, "__enter__", lambda self: check(self.target, self.attribute))


def _also(cls: Any, name: str, then: Callable[[Any], Any]) -> None:
    """Let a method do something else in the end."""
    original = getattr(cls, name)

    def changed(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        then(self)
        return result

    setattr(cls, name, functools.wraps(original)(changed))
