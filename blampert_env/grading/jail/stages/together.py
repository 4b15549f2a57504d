"""Tests and candidate in one process: in a fork of a collected session, or imported anew in an innocent fork.

The first is for code that can reach nothing but what it is given (triage, in the trainer, says so): its verdict is
pytest's own. The second is for edits of what runs at import, and for code that is suspicious, whose test files hold
impossible twins.
"""

from __future__ import annotations

import base64
import contextlib
import os
import sys
from collections.abc import Mapping
from typing import Any

from ..paths import extend_path, forget_folder, outside
from .codes import Codes
from .patience import Patience
from .pytest_session import Session, UnusableConfiguration
from .runner import Reporter, as_collected
from .swap import Swapper, Unfit
from .tracing import Tracer
from .twin_functions import definitions, put_twins


def unpacked(files: Mapping[str, str]) -> dict[str, bytes]:
    """Files as a message carries them, by path."""
    return {path: base64.b64decode(content) for path, content in files.items()}


class Collected:
    """A session that has imported and collected the project's base, in a process from which evaluations are forked.

    Args:
        spec: The project's, from the trainer.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec, self.box = spec, spec["box"]
        self.reporter = Reporter()

    def stage(self) -> dict[str, Any]:
        """Configure pytest and collect.

        Returns:
            ``records`` of the collection; ``unfit``: sources whose functions cannot be exchanged; ``xfail``: tests that
            are marked so; ``definitions``: test id to ``path::qualname`` of where its function may stand; ``codes``:
            what was compiled; ``refused``: why there is no session, else "".
        """
        spec, box = self.spec, self.box
        os.chdir(box)
        extend_path(spec["path"])
        _forget_modules(spec["own"])
        codes = Codes(box, spec["codes"])
        codes.install()
        try:
            self.session = Session(spec, box, spec["tmp"], self.reporter)
            self.session.collect()
        except UnusableConfiguration as error:
            return {"refused": str(error), "records": [], "unfit": [], "xfail": [], "definitions": {}}
        for path, file in outside(spec["top_modules"], box):
            self.reporter.send("outside", path=path, file=file)
        files = unpacked({path: spec["files"][path] for path in spec["sources"]})
        self.swapper = Swapper(box, files, codes)
        unfit = sorted(set(spec["sources"]) - self.swapper.modules.keys() | self.swapper.unfit)
        items = self.session.session.items
        found = {
            "records": self.reporter.kept,
            "codes": codes.new(),
            "unfit": unfit,
            "xfail": [item.nodeid for item in items if item.get_closest_marker("xfail")],
            "definitions": {item.nodeid: names for item in items if (names := definitions(item, box))},
        }
        return {"refused": "", **found}

    def run(self, job: dict[str, Any], report_fd: int) -> None:
        """Exchange function bodies and run the tests; in a fork of its own."""
        reporter, session = self.reporter, self.session
        job = as_collected(job, session.session.items)
        os.chdir(self.box)
        reporter.write_to(report_fd, job)
        reporter.send("started")
        try:
            self._exchange(job)
        except Unfit as error:
            reporter.send("finished", code=0, unfit=str(error))
            return
        session.run(job)
        reporter.send("finished", code=0)

    def _exchange(self, job: Mapping[str, Any]) -> None:
        """Put the candidate's function bodies in, and those of a half's twins.

        Raises:
            Unfit: They cannot be put in.
        """
        if job["twins"]:  # first, while nothing of the candidate has run
            originals = {path: self.spec["files"][path] for path in job["twins"]}
            items = self.session.session.items
            put_twins(items, self.box, unpacked(originals), unpacked(job["twins"]), job["wanted"])
        for path, added, names in job["swaps"]:
            with open(os.path.join(self.box, path), "rb") as file:
                content = file.read()
            self.swapper.apply(path, content, added, names)


class Fresh:
    """Imports and collects the project anew in each evaluation.

    Args:
        spec: The project's, from the trainer.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec, self.box = spec, spec["box"]
        codes = Codes(self.box, spec["codes"])
        for path, content in unpacked({path: spec["files"][path] for path in self._python()}).items():
            with contextlib.suppress(SyntaxError, ValueError, RecursionError):  # to be seen where it is imported
                (codes.rewritten if path in spec["rewritten"] else codes.plain)(os.path.join(self.box, path), content)
        codes.install()

    def _python(self) -> list[str]:
        """Files that an evaluation will import."""
        spec = self.spec
        return sorted({*spec["rewritten"], *(path for path in spec["sources"] if path.endswith(".py"))})

    def run(self, job: dict[str, Any], report_fd: int) -> None:
        """Configure, collect and run in a fork of its own."""
        spec, box = self.spec, self.box
        os.chdir(box)
        reporter = Reporter()
        reporter.write_to(report_fd, job)
        reporter.send("started")
        extend_path(spec["path"])
        _forget_modules(spec["own"])
        forget_folder(box)
        tracer = Tracer({os.path.join(box, path): path for path in spec["sources"]}) if job["trace"] else None
        if tracer is not None:
            tracer.start()
        try:
            session = Session(spec, box, spec["tmp"], reporter)
        except UnusableConfiguration as error:  # the candidate's doing: the trusted run had none
            reporter.send("not_collected", id="", outcome="failed", failure=str(error))
            reporter.send("finished", code=0)
            return
        session.collect()
        job = as_collected(job, session.session.items)
        reporter.show(job)
        if tracer is not None:
            tracer.collected()
            session.config.pluginmanager.register(tracer)
        if job["patience"]:
            session.config.pluginmanager.register(Patience(*job["patience"]))
        session.run(job)
        if tracer is not None:
            _tell(tracer, session, reporter)
        for path, file in outside(spec["top_modules"], box):
            reporter.send("outside", path=path, file=file)
        reporter.send("finished", code=0)


def _tell(tracer: Tracer, session: Session, reporter: Reporter) -> None:
    """Report what each test has reached, and what ran while everything was imported."""
    reached = tracer.reached(session.session.items)
    names = sorted(tracer.at_import.union(*reached.values()))
    number = {name: index for index, name in enumerate(names)}
    tests = {test: sorted(number[name] for name in found) for test, found in reached.items()}
    reporter.send("reached", names=names, tests=tests, at_import=sorted(tracer.at_import))


def _forget_modules(own: list[str]) -> None:
    """Let the project's modules be its own where pytest, or a preload, has loaded others of the same names."""
    tops = set(own) - sys.stdlib_module_names
    for name in list(sys.modules):
        if name.partition(".")[0] in tops:
            del sys.modules[name]
