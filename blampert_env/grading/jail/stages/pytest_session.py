"""A pytest session in stages: configured and collected before a fork, run after it.

These are pytest's private calls; ``tests/grading/test_pytest_internals.py`` pins each: a new pytest says what broke.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .runner import Reporter, arguments, usage_error

_ALL: Mapping[str, Any] = {"run": None, "seed": "", "stop_early": False}


class UnusableConfiguration(Exception):
    """Pytest refuses what the project's configuration asks for; one line says what."""


@contextlib.contextmanager
def working_in(folder: str) -> Iterator[None]:
    """Work in a folder for a while."""
    here = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)


class Session:
    """One pytest session over a project's tests, under the project's own configuration.

    Args:
        spec: ``config``, ``addopts``, ``tests`` for the command line, ``unused`` plugins.
        root: The folder that the project lies in.
        tmp: The folder for ``tmp_path``; may be made later.
        reporter: Hears what is collected and each outcome; where it writes to may be decided after a fork.

    Raises:
        UnusableConfiguration: Pytest refuses the configuration; in its own words.
    """

    def __init__(self, spec: Mapping[str, Any], root: str, tmp: str, reporter: Reporter) -> None:
        from _pytest.config import _prepareconfig
        from _pytest.main import Session as PytestSession

        self.root, self.reporter = root, reporter
        with working_in(root):
            try:
                self.config = _prepareconfig([f"--basetemp={tmp}/pytest", *arguments(spec, root, capture="no")], [])
            except Exception as error:
                raise UnusableConfiguration(usage_error(error) or f"{type(error).__name__}: {error}") from error
            self.session = PytestSession.from_config(self.config)
            self.config._do_configure()
            self.config.hook.pytest_sessionstart(session=self.session)
            # nobody reads a terminal; the rest costs time in every test and only serves fixtures that nobody asks for
            for name in ("terminalreporter", *spec["unused"]):
                if self.config.pluginmanager.hasplugin(name):
                    self.config.pluginmanager.unregister(name=name)
            self.config.pluginmanager.register(reporter)

    def collect(self) -> None:
        """Import the test files; tells the reporter what cannot be, and every id."""
        self.session.items = []
        with working_in(self.root):
            try:
                self.config.hook.pytest_collection(session=self.session)
            except (Exception, SystemExit) as error:  # a path that is not there, a module that ends pytest
                said = usage_error(error) or f"{type(error).__name__}: {error}"
                self.reporter.send("not_collected", id="", outcome="failed", failure=said)
            for item in self.session.items:
                _ = item.location  # kept with the item, and asked for in every run

    def run(self, job: Mapping[str, Any] = _ALL, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Run tests.

        Args:
            job: ``run``: their ids, None for all; ``seed`` of another order than their own, or ""; ``stop_early``:
                whether to end at the first that does not pass.
            goes_on: Whether there is a point in running the next.
        """
        if job["seed"]:
            self._shuffle(job["seed"])
        ids = None if job["run"] is None else set(job["run"])
        chosen = [item for item in self.session.items if ids is None or item.nodeid in ids]
        for item, after in zip(chosen, [*chosen[1:], None], strict=False):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if not goes_on() or (job["stop_early"] and self.reporter.outcome != "passed"):
                return

    def _shuffle(self, seed: str) -> None:
        """Order tests by ``seed``: files, then classes in a file, then tests; what belongs together stays together."""
        draw = random.Random(seed)
        ranks: dict[Any, float] = {}

        def rank(item: Any) -> list[float]:
            return [ranks.setdefault(node, draw.random()) for node in item.listchain()[1:]]

        self.session.items.sort(key=rank)


def seed_random() -> None:
    """Draws that nobody seeded are the same in every run."""
    random.seed(0)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(0)


class SplitReporter(Reporter):
    """A reporter for tests whose candidate lives elsewhere: knows when it is gone, and what it could not be sent.

    Args:
        peer: The tests' end of the wire: whether the candidate is ``gone``, ``trusted``, what ``refusals`` there were.
    """

    def __init__(self, peer: Any) -> None:
        super().__init__()
        self.peer = peer
        self.refused_before = 0

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """As the base."""
        self.refused_before = self.peer.refusals
        super().pytest_runtest_logstart(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """As the base; a test during which the candidate ended has no outcome, one that is not carried no success."""
        if self.peer.gone:
            return
        if report.when == "teardown" and self.peer.refusals > self.refused_before:
            self.worse("error" if self.peer.trusted else "failed")  # to show in a run of a stub that fails anyway
            self.failure = self.failure or "it needs what cannot go between the tests' and the candidate's process"
        super().pytest_runtest_logreport(report)
