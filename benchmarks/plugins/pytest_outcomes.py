"""A pytest plugin: what pytest said of every test, in the file that BENCHMARK_OUTCOMES names.

A line ``[test id, outcome]`` a report, written as it goes, so that what a killed run had said is known.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest


class Outcomes:
    """Writes a line whenever a report says something about a test."""

    def __init__(self, path: str) -> None:
        self.file = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115 (open as long as pytest runs)

    def say(self, test: str, outcome: str) -> None:
        """One line."""
        self.file.write(json.dumps([test, outcome]) + "\n")

    def pytest_runtest_logreport(self, report: Any) -> None:
        """What a phase of a test says of it."""
        if report.failed:
            self.say(report.nodeid, "failed" if report.when == "call" else "error")
        elif hasattr(report, "context"):
            pass  # a part of a test that passed or was skipped: the test speaks for itself
        elif report.skipped or report.when == "call":
            self.say(report.nodeid, report.outcome)

    def pytest_sessionfinish(self) -> None:
        """The end, which a killed run does not reach."""
        self.say("", "finished")


def pytest_configure(config: pytest.Config) -> None:
    if path := os.environ.pop("BENCHMARK_OUTCOMES", None):  # a pytest that a test starts says nothing
        config.pluginmanager.register(Outcomes(path))
