"""Opened projects of this process: graders of the same project (vector environments, evaluations) share them."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from blampert_env.errors import GraderError
from blampert_env.grading.cache import LruCache
from blampert_env.grading.doors import Doors
from blampert_env.grading.engine import Engine
from blampert_env.grading.facts import as_json, from_json, silent
from blampert_env.grading.opening import find_out
from blampert_env.grading.store import ReportStore
from blampert_env.grading.triage.learnt import LearningTriage

# without these, a candidate can reach what is not its own
STRICT = ("mount-namespace", "pid-namespace", "network-namespace", "seccomp")
_opened: LruCache[Doors] = LruCache(256)
_opening = threading.Lock()


def opened(engine: Engine, store: ReportStore, *, is_kept: bool) -> Doors:
    """The doors of a project; made once a process, from what is known on disk if it is there.

    Args:
        engine: Runs its tests.
        store: Keeps what is found out.
        is_kept: Whether what is on disk may be used, and added to.

    Raises:
        GraderError: The grader itself failed, or ``strict`` cannot be had.
        ProjectError: The project cannot be graded.
    """
    with _opening:
        triage = None
        if engine.is_starting():  # on another processor: nothing is open yet
            triage = _triage(engine)
            triage.prepare()
        key = engine.key()
        found = _opened.get(key)
        if found is None:
            found = _open(engine, triage or _triage(engine), store, key, is_kept)
            _opened.put(key, found)
        return found


def _triage(engine: Engine) -> LearningTriage:
    """Tells plain code of a project from other."""
    return LearningTriage(
        engine.suite.project.sources,
        reference=engine.reference,
        tests=dict(engine.suite.trusted_python()),
        modules=engine.suite.modules,
    )


def _open(engine: Engine, triage: LearningTriage, store: ReportStore, key: str, is_kept: bool) -> Doors:
    """The doors, from what is kept if that may be used; all that an edit would wait for is done."""
    place = hashlib.sha256(f"facts {key}".encode()).digest()
    kept = store.value(place) if is_kept else None
    if kept is not None:
        facts = from_json(kept["facts"])
        if engine.jailed:
            engine.take(kept["engine"])
        if facts.base == "reference":
            engine.start_from(engine.reference)
    else:
        facts = find_out(engine)
        facts = silent(facts) if engine.suite.tests != "visible" else facts
    found = Doors(engine, facts, triage, store, key)
    if engine.jailed:
        divided = found.runner.worth(facts.ids) > 1 and engine.idle_cpus() > 1
        todo: list[Callable[[], Any]] = [partial(engine.stage, "collected")] * (1 + divided)
        for _ in engine.at_once([*todo, found.prepare]):
            pass
        if found.runner.imports_anew:
            for _ in engine.at_once([partial(engine.stage, "fresh")] * (1 + divided)):
                pass
        _check_layers(engine)
    if kept is None and is_kept and not facts.baseline.killed:
        store.keep(place, {"facts": as_json(facts), "engine": engine.kept() if engine.jailed else None})
    return found


def _check_layers(engine: Engine) -> None:
    """Strict refuses; otherwise a missing layer is said once a process."""
    layers = engine.layers()
    missing = [layer for layer in STRICT if layer not in layers]
    if missing and engine.isolation == "strict":
        raise GraderError(f"isolation='strict' needs {', '.join(missing)}, which this system refuses: use 'default'")
    if missing:
        warnings.warn(f"the sandbox lacks {', '.join(missing)}: grade only code that you trust", stacklevel=6)
