"""Tests of a project whose candidate lives in another process: pytest over stand-ins."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import traceback
from typing import Any

from ..paths import extend_path
from ..wire.errors import CandidateGone
from ..wire.tests_side import Tests
from .pytest_session import Session, SplitReporter, seed_random
from .runner import Reporter


class SplitTests:
    """Tests of a project whose candidate lives in another process; made over the untouched project.

    Args:
        spec: The project's, from the trainer.
        rpc: Connected to the untouched project.

    Attributes:
        said: ``records`` of the collection, and what of the tests' import is ``unsupported``.
    """

    def __init__(self, spec: dict[str, Any], rpc: socket.socket) -> None:
        self.spec = spec
        os.chdir(spec["box"])
        root = spec["tests_root"]
        extend_path([root, *[os.path.join(root, folder) for folder in spec["folders"]]])
        peer = self.peer = Tests(rpc, spec)
        self._collect()
        self.taken = tuple(peer.taken)
        # None if tests use more than names while they are imported: then nothing can be kept for another candidate
        self.shapes = peer.request("probe", self.taken) if peer.knows_names_only() else None
        self.said = {"records": self.reporter.kept, "unsupported": list(peer.unsupported)}

    def _collect(self) -> None:
        spec = self.spec
        self.reporter = SplitReporter(self.peer)
        self.session = Session({**spec, "tests": spec["apart"]}, spec["tests_root"], spec["tmp"], self.reporter)
        self.session.collect()

    def run(self, job: dict[str, Any], rpc: socket.socket, report_fd: int) -> None:
        """Run the tests over the candidate at ``rpc``; in a fork of its own."""
        peer = self.peer
        os.chdir(self.spec["box"])
        peer.sock, peer.trusted = rpc, job["trusted"]
        started = Reporter(report_fd, job["token"])
        started.send("started", split=True)
        try:
            self._prepare()
            self.reporter.write_to(report_fd, job)
            for record in self.reporter.kept:
                self.reporter.send(**record)
            self.session.run(job, goes_on=lambda: not peer.gone)
        except CandidateGone:
            self.reporter.write_to(report_fd, job)
        said = {"unsupported": peer.unsupported[:5], "tampered": peer.tampered}
        self.reporter.send("finished", code=0, gone=peer.gone, **said)

    def _prepare(self) -> None:
        """Import the tests anew, unless this candidate's modules look as the untouched project's to them."""
        with contextlib.suppress(Exception):  # the candidate's doing
            if self.shapes is not None and self.peer.request("probe", self.taken) == self.shapes:
                return
        self.peer.begin_anew()
        for name in [name for name in sys.modules if self.peer.is_own(name)]:
            del sys.modules[name]
        self._collect()


def report_broken(report_fd: int, token: str) -> None:
    """Say what went wrong in this process, which is no candidate's fault."""
    text = "".join(traceback.format_exc().splitlines(keepends=True)[-8:])
    Reporter(report_fd, token).send("broken", failure=text)


def prepare_child(spec: dict[str, Any]) -> None:
    """Signals and streams of a process that runs tests."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    import tempfile

    tempfile.tempdir = None
    os.environ["TMPDIR"] = os.environ["HOME"] = spec["tmp"]
    seed_random()
