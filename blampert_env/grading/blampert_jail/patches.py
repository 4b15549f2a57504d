"""What tests replace in libraries, and functions that look inside objects: both happen on the candidate's side."""

from __future__ import annotations

import dataclasses
import functools
import types
from typing import TYPE_CHECKING, Any

from . import remote
from .errors import importable
from .remote import RemoteType
from .stand_in_modules import CandidateModule

if TYPE_CHECKING:
    from .trusted import Tests


def run_remotely(module: types.ModuleType, *names: str) -> None:
    """Functions of the standard library that look inside an object run where the object is."""
    for name in names:
        original = getattr(module, name)

        def wrapped(obj: Any, *args: Any, _original: Any = original, _name: str = name, **kwargs: Any) -> Any:
            kind = obj if isinstance(obj, RemoteType) else type(obj)
            if isinstance(kind, RemoteType):
                if kwargs:
                    return _replaced(obj, kwargs)
                return remote._peer(obj).request("std", module.__name__, _name, [obj, *args])
            return _original(obj, *args, **kwargs)

        setattr(module, name, functools.wraps(original)(wrapped))


def _replaced(obj: Any, changes: dict[str, Any]) -> Any:
    return remote._peer(obj).request("call", dataclasses.replace.__wrapped__, [obj], changes)  # type: ignore[attr-defined]


def watch_patches(peer: Tests) -> None:
    """What tests replace in libraries (``monkeypatch``, ``unittest.mock.patch``) is replaced for the candidate, too."""
    from unittest import mock

    from _pytest.monkeypatch import MonkeyPatch

    def note(target: Any, name: str, *, is_back: bool) -> None:
        place = _place(target)
        if place is not None:
            value = None if is_back else getattr(target, name, None)
            peer.patched = [entry for entry in peer.patched if entry[:3] != [*place, name] or entry[4] != is_back]
            peer.patched.append([*place, name, value, is_back])

    for method in ("setattr", "delattr"):
        original = getattr(MonkeyPatch, method)

        def changed(self: Any, *args: Any, _original: Any = original, **kwargs: Any) -> None:
            before = len(self._setattr)
            _original(self, *args, **kwargs)
            for target, name, _ in self._setattr[before:]:
                note(target, name, is_back=False)

        setattr(MonkeyPatch, method, functools.wraps(original)(changed))

    undo = MonkeyPatch.undo

    def undone(self: Any) -> None:
        entries = [(target, name) for target, name, _ in self._setattr]
        undo(self)
        for target, name in entries:
            note(target, name, is_back=True)

    MonkeyPatch.undo = functools.wraps(undo)(undone)  # type: ignore[method-assign]
    enter, leave = mock._patch.__enter__, mock._patch.__exit__  # type: ignore[attr-defined]

    def entered(self: Any) -> Any:
        result = enter(self)
        note(self.target, self.attribute, is_back=False)
        return result

    def left(self: Any, *details: Any) -> Any:
        target, name = self.target, self.attribute
        result = leave(self, *details)
        note(target, name, is_back=True)
        return result

    mock._patch.__enter__, mock._patch.__exit__ = entered, left  # type: ignore[method-assign, attr-defined]


def _place(target: Any) -> list[str] | None:
    """Where a library's module or class is found; None for anything else (stand-ins send the change themselves)."""
    if isinstance(target, (CandidateModule, RemoteType)) or isinstance(type(target), RemoteType):
        return None
    if isinstance(target, types.ModuleType):
        return [target.__name__, ""]
    if isinstance(target, type) and importable(target):
        return [target.__module__, target.__qualname__]
    return None
