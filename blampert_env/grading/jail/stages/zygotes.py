"""What the three kinds of zygote are made of: candidates, tests of candidates elsewhere, both in one process."""

from __future__ import annotations

import contextlib
import gc
import importlib
import inspect
import os
import socket
import sys
from typing import Any

from ..walls import linux, root, tree
from ..walls.confine import confine
from ..wire import channel
from ..wire.candidate_side import run as run_candidate
from . import inits, zygote
from .rehearsal import rehearse_frames
from .runs import SplitTests, prepare_child, report_broken
from .together import Collected, Fresh, unpacked


def serve_tests(control: socket.socket, facts: dict[str, Any], spec: dict[str, Any], rpc: socket.socket) -> None:
    """Be a zygote for split tests, which are imported over the untouched project."""
    if facts["mounts"]:
        linux.unshare(linux.CLONE_NEWNS)
        root.show_tests(lambda: _write_tests(spec))
    else:
        _write_tests(spec)
    layers = _prepare({**facts, "cgroups": []}, spec, hides=False)
    prepare_child(spec)
    tests = SplitTests(spec, rpc)

    def run(fds: list[int]) -> None:
        report, rpc = [socket.socket(fileno=fd) for fd in fds]
        job, _ = channel.receive(report)
        try:
            tests.run(job, rpc, report.fileno())
        except BaseException:
            report_broken(report.fileno(), job["token"])
            raise

    _serve(control, facts, {**tests.said, "layers": layers}, run)


def serve_together(
    control: socket.socket, facts: dict[str, Any], spec: dict[str, Any], make: type[Collected] | type[Fresh]
) -> None:
    """Be a zygote for tests and candidates in one process."""
    layers = _prepare(facts, spec)
    prepare_child(spec)
    tests = make(spec)
    staged = tests.stage() if isinstance(tests, Collected) else {}

    def run(fds: list[int]) -> None:
        report = socket.socket(fileno=fds[0])
        job, _ = channel.receive(report)
        tests.run(job, report.fileno())

    _serve(control, facts, {**staged, "layers": layers}, run)


def serve_candidates(control: socket.socket, facts: dict[str, Any], spec: dict[str, Any]) -> None:
    """Be a zygote for candidates; forked from the factory, in a mount namespace without tests."""
    layers = _prepare(facts, spec)
    _serve(control, facts, {"layers": layers}, lambda fds: run_candidate(socket.socket(fileno=fds[0]), spec))


def _write_tests(spec: dict[str, Any]) -> None:
    os.makedirs(spec["tests_root"], exist_ok=True)
    tree.write_files(spec["tests_root"], unpacked(spec["tests_files"]))


def _prepare(facts: dict[str, Any], spec: dict[str, Any], *, hides: bool = True) -> list[str]:
    """Import what the children will, and give up everything else; the layers that are now in force."""
    for name in spec["preload"]:
        with contextlib.suppress(BaseException):  # what cannot be imported fails in the child, not here
            importlib.import_module(name)
    if "pandas" in sys.modules:
        with contextlib.suppress(Exception):  # it only saves time: an odd release must not stop grading
            rehearse_frames()
    facts = {**facts, "proc_fd": os.open("/proc", os.O_PATH | os.O_DIRECTORY)}  # before it is hidden
    if facts["mounts"] and facts["pids"] and hides:  # else a zygote looks there for what its children left running
        linux.unshare(linux.CLONE_NEWNS)
        root.hide("/proc")
    return confine(facts, spec["landlock"], spec["limits"], facts["cgroups"])


def _serve(control: socket.socket, facts: dict[str, Any], said: dict[str, Any], job: zygote.Job) -> None:
    """Make children: each in a PID namespace if that can be, not as its first process."""
    # of no module, so that every module's file is looked up, as the first traceback that is formed would do
    inspect.getmodule(compile("", "no module's file", "exec"))
    gc.collect()
    gc.freeze()
    words = {**said, "pid": os.getpid()}
    if facts["pids"]:
        maker, pid = inits.start()
        with maker:
            channel.send(control, {**words, "maker": pid}, [maker.fileno()])
    else:
        channel.send(control, words)
    zygote.serve(control, os.fork, job, sweeps=not facts["pids"])
