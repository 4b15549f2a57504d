"""What happened, as values: events, the recorder that hands them to sinks, and the sinks.

::

    StepEvent, EpisodeEvent ──▶ Recorder ──▶ ActionStore (SQLite, durable) · TensorBoardSink · any Sink

This room knows only its events. Importing it loads neither sqlite3 nor tensorboard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blampert_env.telemetry.events import SCHEMA_VERSION, EpisodeEvent, Event, StepEvent
from blampert_env.telemetry.recorder import Recorder, Sink

if TYPE_CHECKING:
    from blampert_env.telemetry.action_rows import Totals
    from blampert_env.telemetry.action_store import ActionStore
    from blampert_env.telemetry.tensorboard import TensorBoardSink

__all__ = [
    "SCHEMA_VERSION",
    "ActionStore",
    "EpisodeEvent",
    "Event",
    "Recorder",
    "Sink",
    "StepEvent",
    "TensorBoardSink",
    "Totals",
]

_LAZY = {"ActionStore": "action_store", "Totals": "action_rows", "TensorBoardSink": "tensorboard"}


def __getattr__(name: str) -> Any:
    """Load a sink's module when it is first asked for."""
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
