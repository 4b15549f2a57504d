"""Runs of plain pytest that say what became of each test: what test_twins.py compares."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PLUGIN = """
import inspect, json, os, sys
found = {}

def keys(item):
    # where the function of a test may stand: as its code says, and as its name says where a decorator hides that
    function = item.function
    inner = inspect.unwrap(getattr(getattr(function, "hypothesis", None), "inner_test", function))
    yield inner.__code__.co_filename, inner.__qualname__
    for owner in item.cls.__mro__ if item.cls else [item.module]:
        name = next((n for n in (item.originalname, function.__name__) if n in vars(owner)), None)
        if name:
            module = item.module if owner is item.module else sys.modules[owner.__module__]
            yield getattr(module, "__file__", ""), name if owner is module else f"{owner.__qualname__}.{name}"
            if item.cls:
                yield getattr(module, "__file__", ""), function.__qualname__
            break

def pytest_collection_modifyitems(items):
    for item in items:
        pairs = keys(item) if hasattr(item, "function") else ()
        found[item.nodeid] = [[(os.path.relpath(p, item.config.rootpath), q) for p, q in pairs if p], "", 0]

def pytest_runtest_logreport(report):
    entry = found[report.nodeid]
    worst = report.failed or (report.skipped and not entry[1]) or (report.passed and report.when == "call")
    if worst and entry[1] != "failed":
        entry[1] = ("x" if hasattr(report, "wasxfail") else "") + report.outcome
        entry[2] = getattr(getattr(report.longrepr, "reprcrash", None), "lineno", 0)

def pytest_sessionfinish(session):
    with open("outcomes.json", "w") as file:
        json.dump(found, file)
"""
CHEAT = """
from _pytest.runner import CallInfo
plain = CallInfo.from_call.__func__
def from_call(cls, func, when, reraise=None):
    return plain(cls, (lambda: None) if when == "call" else func, when, reraise)
CallInfo.from_call = classmethod(from_call)
"""


class Item(NamedTuple):
    """A test: path and qualified name of its function, in several ways; what became of it; the line where it failed."""

    keys: list[list[str]]
    outcome: str
    line: int


def run(folder: Path, files: Mapping[str, bytes], *options: str, python: str = sys.executable) -> dict[str, Item]:
    """Write the files and run pytest on them."""
    for path, content in {"recorder.py": PLUGIN.encode(), "cheat.py": CHEAT.encode(), **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / "outcomes.json").unlink(missing_ok=True)
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, "-m", "pytest", "-q", "-p", "recorder", "-p", "no:cacheprovider", "--tb=short", *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert (folder / "outcomes.json").exists(), done.stdout + done.stderr
    return {test: Item(*entry) for test, entry in json.loads((folder / "outcomes.json").read_bytes()).items()}
