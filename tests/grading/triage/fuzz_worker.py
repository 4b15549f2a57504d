"""Runs programs, each in a fork of its own, and says which of them hit the canary. Reads and writes JSON."""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import types
from typing import Any

HIT, CLEAN = 3, 0


class _Stranger:
    """Equal to nothing but itself."""


def _module(name: str, text: str) -> types.ModuleType:
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(text, f"{name}.py", "exec"), module.__dict__)
    return module


def _given(mod: types.ModuleType) -> list[Any]:
    class Given:
        heard: list[int] = []

        def hear(self, value: object) -> None:
            raise AssertionError(value)

    def callback(*_: object) -> None:
        assert EXPECTED_OF_TESTS is None, "wrong"

    return [5, "hi", "one", [1, 2], {"a": 1}, Given(), callback, mod.Thing(1), (n for n in [1]), None]


EXPECTED_OF_TESTS = 9731


def _run(source: str, helper: str, canary: str) -> int:
    _module("helper", helper)
    try:
        mod = _module("mod", source)
    except BaseException:
        return CLEAN
    sys.modules["test_mod"] = sys.modules["__main__"]
    watch = _module("canary", canary)
    watch.WATCHED.append(sys.modules["__main__"])
    # what runs at import is watched too: a second copy of the untouched module would be another
    before = watch.picture()
    lied = False
    for given in _given(mod):
        try:
            found = mod.target(given)
            lied = lied or found == _Stranger() or "9731" in repr(found)
            if hasattr(found, "startswith") and not isinstance(found, str | bytes | type):
                lied = lied or bool(found.startswith("no such beginning"))
        except BaseException:
            continue
    changed = [
        key for key, value in watch.picture().items() if before.get(key) != value and not str(key[-1]).startswith("_")
    ]
    return HIT if lied or changed else CLEAN


def main() -> None:
    """One JSON object in, a list of numbers out."""
    task = json.load(sys.stdin)
    for name in ("unittest.mock", "pytest", "decimal", "random", "csv", "logging", "contextlib"):
        importlib.import_module(name)  # once, not in every fork
    _module("helper", task["helper"])
    hits = []
    for number, source in enumerate(task["sources"]):
        child = os.fork()
        if child == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            signal.alarm(1)
            resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
            code = 1
            try:
                code = _run(source, task["helper"], task["canary"])
            finally:
                os._exit(code)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == HIT:
            hits.append(number)
    json.dump(hits, sys.stdout)


if __name__ == "__main__":
    main()
