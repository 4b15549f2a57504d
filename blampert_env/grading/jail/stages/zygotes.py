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
from ..walls.confine import confine, fork
from ..wire import channel
from ..wire.candidate_side import run as run_candidate
from . import inits, zygote
from .rehearsal import rehearse_frames
from .runs import SplitTests, prepare_child, report_broken
from .together import Collected, Fresh, unpacked


def preload(names: list[str]) -> None:
    """Import what candidates and tests will, before the forks; what cannot be imported fails there, not here."""
    for name in names:
        with contextlib.suppress(BaseException):
            importlib.import_module(name)
    if "pandas" in sys.modules:
        with contextlib.suppress(Exception):  # it only saves time: an odd release must not stop grading
            rehearse_frames()


def _settle() -> None:
    """The last that a zygote does before it is forked: what every child would have to find out, and to copy."""
    # of no module, so that every module's file is looked up, as the first traceback that is formed would do
    inspect.getmodule(compile("", "no module's file", "exec"))
    gc.collect()
    gc.freeze()


def _with_proc(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts with ``/proc``, opened before it is hidden."""
    return {**facts, "proc_fd": os.open("/proc", os.O_PATH | os.O_DIRECTORY)}


def _hide_processes(facts: dict[str, Any]) -> None:
    """Unmount ``/proc``, but where a zygote must look there for what its children left running."""
    if facts["pids"]:
        root.hide("/proc")


def serve_tests(control: socket.socket, facts: dict[str, Any], spec: dict[str, Any], rpc: socket.socket) -> None:
    """Be a zygote for split tests, which are imported over the untouched project."""
    files = unpacked(spec["tests_files"])
    if facts["mounts"]:
        linux.unshare(linux.CLONE_NEWNS)
        linux.mount("tmpfs", root.TESTS, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755")
    os.makedirs(spec["tests_root"], exist_ok=True)
    tree.write_files(spec["tests_root"], files)
    if facts["mounts"]:
        flags = linux.MS_REMOUNT | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV
        linux.mount("tmpfs", root.TESTS, "tmpfs", flags, "mode=755")
    preload(spec["preload"])
    prepare_child(spec)
    facts = _with_proc(facts)
    layers = confine(facts, [*spec["landlock"], spec["grants"]], spec["limits"], [])
    tests = SplitTests(spec, rpc)
    _settle()
    channel.send(control, {**tests.said, "layers": layers, "pid": os.getpid()})

    def run(fds: list[int]) -> None:
        report, rpc = [socket.socket(fileno=fd) for fd in fds]
        job, _ = channel.receive(report)
        try:
            tests.run(job, rpc, report.fileno())
        except BaseException:
            report_broken(report.fileno(), job["token"])
            raise

    zygote.serve(control, lambda: fork(facts["pids"]), run, sweeps=not facts["pids"])


def serve_together(
    control: socket.socket, facts: dict[str, Any], spec: dict[str, Any], make: type[Collected] | type[Fresh]
) -> None:
    """Be a zygote for tests and candidates in one process."""
    preload(spec["preload"])
    prepare_child(spec)
    facts = _with_proc(facts)
    if facts["mounts"]:
        linux.unshare(linux.CLONE_NEWNS)
        _hide_processes(facts)
    layers = confine(facts, spec["landlock"], spec["limits"], facts["cgroups"])
    tests = make(spec)
    staged = tests.stage() if isinstance(tests, Collected) else {}

    def run(fds: list[int]) -> None:
        report = socket.socket(fileno=fds[0])
        job, _ = channel.receive(report)
        tests.run(job, report.fileno())

    _serve_strangers(control, facts, {**staged, "layers": layers}, run)


def serve_candidates(control: socket.socket, facts: dict[str, Any], spec: dict[str, Any]) -> None:
    """Be a zygote for candidates; forked from the factory, in a mount namespace without tests."""
    preload(spec["preload"])
    facts = _with_proc(facts)
    if facts["mounts"]:
        linux.unshare(linux.CLONE_NEWNS)
        root.show_grants()
        _hide_processes(facts)
    layers = confine(facts, spec["landlock"], spec["limits"], facts["cgroups"])
    _serve_strangers(control, facts, {"layers": layers}, lambda fds: run_candidate(socket.socket(fileno=fds[0]), spec))


def _serve_strangers(control: socket.socket, facts: dict[str, Any], said: dict[str, Any], job: zygote.Job) -> None:
    """Make children that run a candidate's code: each in a PID namespace if that can be, not as its first process."""
    _settle()
    words = {**said, "pid": os.getpid()}
    if facts["pids"]:
        maker, pid = inits.start()
        with maker:
            channel.send(control, {**words, "maker": pid}, [maker.fileno()])
    else:
        channel.send(control, words)
    zygote.serve(control, os.fork, job, sweeps=not facts["pids"])
