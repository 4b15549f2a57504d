"""A pytest session in stages: configured and collected before a fork, run after it.

These are pytest's private calls; ``tests/grading/test_pytest_internals.py`` pins each: a new pytest says what broke.
"""

from __future__ import annotations

import os
import pathlib
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .runner import Reporter, arguments, cut


class Session:
    """One pytest session over a project's tests.

    Args:
        spec: As for the runner: ``config``, ``plugins``, ``tests``.
        root: The folder that the tests lie in.
        tmp: The folder for ``tmp_path``; may be made later.
        reporter: Hears what is collected and each outcome; where it writes to may be decided after a fork.
    """

    def __init__(self, spec: Mapping[str, Any], root: str, tmp: str, reporter: Reporter) -> None:
        from _pytest.config import _prepareconfig
        from _pytest.main import Session as PytestSession

        self.spec, self.root, self.reporter = spec, root, reporter
        here = os.getcwd()
        os.chdir(root)
        try:
            line = [*arguments(spec, root, capture="no"), f"--basetemp={tmp}/pytest"]
            self.config = _prepareconfig([*line, *spec["tests"]] if spec["staged"] else [*line, root], [])
            self.session = PytestSession.from_config(self.config)
            self.config._do_configure()
            self.config.hook.pytest_sessionstart(session=self.session)
            # nobody reads a terminal; the rest costs time in every test and only serves fixtures that nobody asks for
            unused = [
                "terminalreporter",
                *(name for name in ("capturemanager", "logging-plugin") if name in spec["unused"]),
            ]
            for name in unused:
                if self.config.pluginmanager.hasplugin(name):
                    self.config.pluginmanager.unregister(name=name)
            self.config.pluginmanager.register(reporter)
        finally:
            os.chdir(here)

    def collect(self) -> None:
        """Import the test files; tells the reporter what cannot be, and every id."""
        here = os.getcwd()
        os.chdir(self.root)
        self.session.items = []
        try:
            if not self.spec["staged"]:  # the root was empty when pytest read its command line and looked there
                self.config.pluginmanager._dirpath2confmods.clear()
            for test in [] if self.spec["staged"] else self.spec["tests"]:
                self.config.pluginmanager._loadconftestmodules(
                    pathlib.Path(self.root, test),
                    importmode="importlib",
                    rootpath=self.config.rootpath,
                    consider_namespace_packages=False,
                )
            self.session.perform_collect([os.path.join(self.root, test) for test in self.spec["tests"]])
            for item in self.session.items:
                _ = item.location  # kept with the item, and asked for in every run
        finally:
            os.chdir(here)

    def run(self, *, first: Sequence[str] = (), stop_early: bool = False, goes_on: Callable[[], bool]) -> None:
        """Run every collected test.

        Args:
            first: Ids of tests that run before the others.
            stop_early: End at the first that does not pass.
            goes_on: Whether there is a point in running the next.
        """
        items = list(self.session.items)
        if first:
            rank = {test: number for number, test in enumerate(first)}
            items.sort(key=lambda item: rank.get(item.nodeid, len(rank)))
        for item, after in zip(items, [*items[1:], None], strict=False):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if not goes_on() or (stop_early and self.reporter.outcome != "passed"):
                return

    def shuffle(self, seed: str) -> None:
        """Order tests by ``seed``: files, then classes in a file, then tests; what belongs together stays together."""
        draw = random.Random(seed)
        ranks: dict[Any, float] = {}

        def rank(item: Any) -> list[float]:
            return [ranks.setdefault(node, draw.random()) for node in item.listchain()[1:]]

        self.session.items.sort(key=rank)


def remember_rewriting(config: Any, root: str, files: Sequence[tuple[str, bytes]]) -> None:
    """Rewrite the assertions of test files now, and use that whenever a file has this content.

    Rewriting costs milliseconds a file, and every evaluation imports the same ones.
    """
    import ast

    from _pytest.assertion import rewrite

    known: dict[bytes, Any] = {}
    for path, content in files:
        if path.endswith(".py"):
            try:
                tree = ast.parse(content, filename=os.path.join(root, path))
            except (SyntaxError, ValueError, RecursionError):
                continue
            rewrite.rewrite_asserts(tree, content, os.path.join(root, path), config)
            known[content] = compile(tree, os.path.join(root, path), "exec", dont_inherit=True)
    original = rewrite._rewrite_test

    def rewrite_test(path: pathlib.Path, config: Any) -> Any:
        code = known.get(path.read_bytes())
        return original(path, config) if code is None else (b"", code)  # the hash is for a file that is not written

    rewrite._rewrite_test = rewrite_test  # type: ignore[assignment]


def seed_random() -> None:
    """Draws that nobody seeded are the same in every run."""
    random.seed(0)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(0)


class SplitReporter(Reporter):
    """A reporter for tests whose candidate lives elsewhere: shows its frames, and knows when it is gone.

    Args:
        is_gone: Whether the candidate's process has ended.

    Attributes:
        kept: Records from before there is a pipe: what the collection found.
    """

    def __init__(self, is_gone: Callable[[], bool]) -> None:
        super().__init__(-1, "")
        self.is_gone = is_gone
        self.kept: list[dict[str, Any]] = []
        self.waiting = b""
        self.frames: list[str] = []

    def send(self, kind: str, **fields: object) -> None:
        """Write one record, or keep it until there is a pipe. An outcome goes with what follows: one wake-up less."""
        if self.fd < 0:
            self.kept.append({"kind": kind, **fields})
        elif kind == "outcome":
            self.waiting += self.line(kind, **fields)
        else:
            self.write(self.waiting + self.line(kind, **fields))
            self.waiting = b""

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        """Keep where in the candidate's code an exception came from."""
        error = getattr(call.excinfo, "value", None)
        self.frames = list(getattr(error, "__dict__", {}).get("__blampert_frames__", ()))

    def pytest_runtest_logreport(self, report: Any) -> None:
        """As the base; a test during which the candidate ended has no outcome."""
        if self.is_gone():
            return
        super().pytest_runtest_logreport(report)
        if self.frames and report.failed and self.failure:
            before, mark, after = self.failure.partition("\nE ")
            self.failure = cut("\n".join([before, *self.frames]) + mark + after)
            self.frames = []
