"""Makes test processes for one project: pytest over stand-ins, or over the candidate itself where that cannot be."""

from __future__ import annotations

import base64
import os
import signal
import socket
import sys
import traceback
from typing import Any

from .errors import CandidateGone
from .runner import Reporter, extend_path, forget_folder, outside
from .session import Session, SplitReporter, remember_rewriting, seed_random
from .trusted import Tests


class SplitTests:
    """Tests of a project whose candidate lives in another process.

    Args:
        spec: The project's, from the trainer.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.peer: Tests | None = None
        self.session: Session | None = None
        self.reporter = SplitReporter(lambda: False)

    def stage(self, rpc: socket.socket, box: str) -> dict[str, Any]:
        """Configure pytest and import the tests with the untouched project on the other side.

        Returns:
            ``records`` of the collection, ``trusted`` special methods, ``is_dynamic``: whether tests use more than
            names while they are imported, so that nothing can be kept for later.
        """
        self._load(rpc, box)
        assert self.peer is not None
        peer = self.peer
        is_dynamic = peer.used or bool(peer.shared) or any(key[1] is None for key in peer.named)
        names = [get for get in peer.gets]
        shapes = None if is_dynamic else peer.request("probe", peer.imported, names)
        self.shapes = shapes
        if shapes is None or "value" in shapes:
            is_dynamic = True
        self.imported, self.names = list(peer.imported), names
        peer.shared.clear()
        peer.shared_keys.clear()
        peer.dropped.clear()
        return {
            "records": self.reporter.kept,
            "trusted": peer.classes_of_project,
            "exports": peer.exported,
            "is_dynamic": is_dynamic,
            "unsupported": peer.unsupported,
        }

    def _load(self, rpc: socket.socket, box: str) -> None:
        os.chdir(box)
        root = self.spec["tests_root"]
        extend_path([root, *[os.path.join(root, folder) for folder in self.spec["folders"]]])
        self.peer = peer = Tests(rpc, self.spec)
        if "trusted" not in self.spec:
            peer.trust(peer.request("classes"))
        self.reporter = SplitReporter(peer.is_over)
        self.session = Session({**self.spec, "staged": True}, root, self.spec["tmp"], self.reporter)
        self.session.collect()

    def run(self, job: dict[str, Any], rpc: socket.socket, report_fd: int) -> None:
        """Run the tests over the candidate at ``rpc``; in a fork of its own."""
        try:
            self._try_run(job, rpc, report_fd)
        except CandidateGone:
            self.reporter.write_to(report_fd, job["token"])
            self.reporter.send("finished", code=0, gone=True)

    def _try_run(self, job: dict[str, Any], rpc: socket.socket, report_fd: int) -> None:
        if self.session is None:
            started = Reporter(report_fd, job["token"])
            started.send("started", split=True)
            self._load(rpc, self.spec["box"])
            self.reporter.write_to(report_fd, job["token"])
        else:
            assert self.peer is not None
            self.peer.sock = rpc
            os.chdir(self.spec["box"])
            self.reporter.write_to(report_fd, job["token"])
            self.reporter.send("started", split=True)
            if self.peer.request("probe", self.imported, self.names) != self.shapes:
                self.reporter.send("restage")
                return
        self._run(job)

    def _run(self, job: dict[str, Any]) -> None:
        peer, session, reporter = self.peer, self.session, self.reporter
        assert peer is not None
        assert session is not None
        for record in reporter.kept:
            reporter.send(**record)
        peer.enforces = job["enforces"]
        peer.watch([os.path.join(self.spec["box"], path) for path in job["watched"]])
        if job["seed"]:
            session.shuffle(job["seed"])
        session.run(first=job["first"], stop_early=job["stop_early"], goes_on=lambda: not peer.is_over())
        changed = [os.path.relpath(path, self.spec["box"]) for path in sorted(peer.changed)]
        found = {"unsupported": peer.unsupported[:5], "changed": changed, "tampered": peer.tampered}
        reporter.send("finished", code=0, gone=peer.gone, **found)


class WholeTests:
    """Tests and candidate in one process, for projects that cannot be split."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.session: Session | None = None

    def stage(self) -> None:
        """Configure pytest and rewrite the tests' assertions; nothing of the project is imported yet."""
        self.reporter = Reporter(-1, "")
        self.session = Session({**self.spec, "staged": False}, self.spec["box"], self.spec["tmp"], self.reporter)

        everything = [file for files in (self.spec["files"], *self.spec["twins"]) for file in files.items()]
        contents = [(path, base64.b64decode(text)) for path, text in everything]
        remember_rewriting(self.session.config, self.spec["box"], contents)

    def run(self, job: dict[str, Any], report_fd: int) -> None:
        """Collect and run in a fork of its own."""
        assert self.session is not None
        spec, box = self.spec, self.spec["box"]
        os.chdir(box)
        reporter = self.reporter
        reporter.write_to(report_fd, job["token"])
        reporter.send("started")
        self.session.spec = {**spec, "tests": job["tests"], "staged": False}
        extend_path(spec["path"])
        for name in spec["modules"]:
            if name.partition(".")[0] not in sys.stdlib_module_names:
                sys.modules.pop(name, None)
        forget_folder(box)  # it was empty when pytest was configured
        try:
            self.session.collect()
        except Exception as error:
            reporter.send("not_collected", id="", outcome="failed", failure=f"{type(error).__name__}: {error}")
        if job["seed"]:
            self.session.shuffle(job["seed"])
        self.session.run(first=job["first"], stop_early=job["stop_early"], goes_on=lambda: True)
        for path, file in outside(spec["top_modules"], box):
            reporter.send("outside", path=path, file=file)
        reporter.send("finished", code=0)


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
