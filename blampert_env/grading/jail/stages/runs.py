"""Makes test processes for one project: pytest over stand-ins, or over the candidate itself where that cannot be."""

from __future__ import annotations

import os
import signal
import socket
import traceback
from typing import Any

from ..paths import extend_path
from ..wire.errors import CandidateGone
from ..wire.files import Watched
from ..wire.tests_side import Tests
from .pytest_session import Session, SplitReporter, seed_random
from .runner import Reporter, chosen


class SplitTests:
    """Tests of a project whose candidate lives in another process.

    Args:
        spec: The project's, from the trainer.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.peer: Tests | None = None
        self.session: Session | None = None
        self.reporter = SplitReporter(lambda: False, lambda: 0)

    def stage(self, rpc: socket.socket, box: str) -> dict[str, Any]:
        """Configure pytest and import the tests with the untouched project on the other side.

        Returns:
            ``records`` of the collection, ``trusted`` special methods, ``is_dynamic``: whether tests use more than
            names while they are imported, so that nothing can be kept for later.
        """
        self._load(rpc, box, Watched(), enforces=True)
        assert self.peer is not None
        peer = self.peer
        self.imported, self.names = list(peer.finder.exported), list(peer.finder.gets)
        is_dynamic = peer.used or bool(peer.shared or peer.stand_ins)
        self.shapes = None if is_dynamic else peer.request("probe", self.imported, self.names)
        if self.shapes is None or None in self.shapes:
            is_dynamic = True
        peer.shared.clear()
        peer.shared_keys.clear()
        return {
            "records": self.reporter.kept,
            "trusted": peer.classes_of_project,
            "exports": peer.finder.exported,
            "is_dynamic": is_dynamic,
            "unsupported": peer.unsupported,
        }

    def _load(self, rpc: socket.socket, box: str, watched: Watched, enforces: bool) -> None:
        os.chdir(box)
        root = self.spec["tests_root"]
        extend_path([root, *[os.path.join(root, folder) for folder in self.spec["folders"]]])
        self.peer = peer = Tests(rpc, self.spec)
        peer.watched, peer.enforces = watched, enforces
        if "trusted" not in self.spec:
            peer.trust(peer.request("classes"))
        self.reporter = SplitReporter(peer.is_over, lambda: peer.refusals)
        self.session = Session({**self.spec, "tests": self.spec["apart"]}, root, self.spec["tmp"], self.reporter)
        self.session.collect()

    def run(self, job: dict[str, Any], rpc: socket.socket, report_fd: int) -> None:
        """Run the tests over the candidate at ``rpc``; in a fork of its own."""
        try:
            self._try_run(job, rpc, report_fd)
        except CandidateGone:
            self.reporter.write_to(report_fd, job)
            self._finish(gone=True)

    def _try_run(self, job: dict[str, Any], rpc: socket.socket, report_fd: int) -> None:
        # before any line of the candidate runs
        watched = Watched([os.path.join(self.spec["box"], path) for path in job["watched"]], job.get("seen"))
        if self.session is None:
            started = Reporter(report_fd, job["token"])
            started.send("started", split=True)
            self._load(rpc, self.spec["box"], watched, job["enforces"])
            self.reporter.write_to(report_fd, job)
        else:
            assert self.peer is not None
            self.peer.sock = rpc
            os.chdir(self.spec["box"])
            self.peer.watched, self.peer.enforces = watched, job["enforces"]
            self.reporter.write_to(report_fd, job)
            self.reporter.send("started", split=True)
            if self.peer.request("probe", self.imported, self.names) != self.shapes:
                self.reporter.send("restage", seen=watched.seen)
                return
        self._run(job)

    def _run(self, job: dict[str, Any]) -> None:
        peer, session, reporter = self.peer, self.session, self.reporter
        assert peer is not None
        assert session is not None
        for record in reporter.kept:
            reporter.send(**record)
        if job["seed"]:
            session.shuffle(job["seed"])
        items = chosen(session.session.items, job["run"])
        session.run(items, stop_early=job["stop_early"], goes_on=lambda: not peer.is_over())
        self._finish(gone=peer.gone)

    def _finish(self, *, gone: bool) -> None:
        """The last record: whether the candidate was gone by then, and what of the run does not count as it stands."""
        assert self.peer is not None
        changed = [os.path.relpath(path, self.spec["box"]) for path in sorted(self.peer.watched.changed)]
        found = {"unsupported": self.peer.unsupported[:5], "changed": changed, "tampered": self.peer.tampered}
        self.reporter.send("finished", code=0, gone=gone, **found)


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
