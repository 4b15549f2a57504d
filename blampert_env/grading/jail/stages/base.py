"""The base: finds out what the kernel offers, builds the jail around itself, and forks lanes and bare zygotes."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import tempfile
from typing import Any

from ..walls import linux, root
from ..walls.linux import words
from ..wire import channel
from . import lane, zygotes
from .rehearsal import rehearse
from .runner import BLOCKED

# what candidates often import: loaded once, before every fork
_COMMON = words(
    "abc array bisect collections collections.abc contextlib copy csv dataclasses datetime decimal enum "
    "fractions functools hashlib heapq inspect io itertools json math operator os pathlib random re statistics "
    "string sys textwrap time typing unicodedata types warnings weakref zoneinfo"
)
_NAMES = {
    linux.CLONE_NEWNS: "mount-namespace",
    linux.CLONE_NEWPID: "pid-namespace",
    linux.CLONE_NEWIPC: "ipc-namespace",
    linux.CLONE_NEWUTS: "uts-namespace",
    linux.CLONE_NEWNET: "network-namespace",
}


def launch(control_fd: str, parent: str, facts_json: str) -> None:
    """Be the launcher: fork the base into its namespaces and wait for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the trainer's
    linux.die_with_parent(int(parent))
    folders = root.interpreter_folders()
    facts = find_facts(json.loads(facts_json))
    pid = os.fork()
    if pid == 0:
        linux.die_with_parent()
        serve_base(socket.socket(fileno=int(control_fd)), facts, folders)
        os._exit(0)
    os.close(int(control_fd))
    os.waitpid(pid, 0)


def find_facts(wanted: dict[str, Any]) -> dict[str, Any]:
    """Enter every namespace that the kernel gives, and say which; in the launcher.

    Args:
        wanted: ``layers`` that may be used (all by default), ``uid`` to become if this is root; the rest is passed on.
    """
    uid, gid = os.geteuid(), os.getegid()
    layers: list[str] = []
    layers_wanted = wanted.get("layers")
    allowed = set(_NAMES.values() if layers_wanted is None else layers_wanted)
    flags = [flag for flag, name in _NAMES.items() if name in allowed]
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    if flags and uid != 0:
        with contextlib.suppress(OSError):
            linux.unshare(linux.CLONE_NEWUSER)
            linux.map_ids_at(proc, (0, uid), (0, gid))
    # asked before there is a PID namespace, whose first process must be the base
    enters = linux.enters_by_process()
    may_nest = layers_wanted is None or "user-namespace" in layers_wanted
    can_nest = may_nest and _can_nest(wanted["uid"] if uid == 0 else None)
    for flag in flags:
        with contextlib.suppress(OSError):
            linux.unshare(flag)
            layers.append(_NAMES[flag])
    os.close(proc)
    drops = uid == 0 and "mount-namespace" in layers  # else another user could not read this one's interpreter
    if drops:
        layers.append("dropped-uid")
    users = "pid-namespace" in layers and "mount-namespace" in layers and can_nest
    # a process that gave root up can make them only where it can make a user namespace first
    pids = "pid-namespace" in layers and (users or not drops) and enters
    if not pids and "pid-namespace" in layers:
        layers.remove("pid-namespace")
    return {
        **wanted,
        "layers": layers,
        "mounts": "mount-namespace" in layers,
        "pids": pids,
        "users": users,
        "uid": wanted["uid"] if drops else None,
    }


def _can_nest(uid: int | None) -> bool:
    """Whether an ordinary user may make user namespaces."""
    pid = os.fork()
    if pid == 0:
        try:
            if uid is not None:
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
            linux.unshare(linux.CLONE_NEWUSER)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def serve_base(control: socket.socket, facts: dict[str, Any], folders: list[str]) -> None:
    """Build the jail and make lanes until the trainer goes away; in process 1."""
    os.umask(0o022)
    places = facts.get("places", {})
    try:
        if facts["mounts"]:
            places = root.places(folders)
            root.build(folders, places, shows_processes=not facts["pids"])
        if "network-namespace" in facts["layers"]:
            linux.loopback_up()
        if "uts-namespace" in facts["layers"]:
            socket.sethostname("blampert")
    except OSError as error:
        channel.send(control, {"error": f"the sandbox cannot be built ({error})"})
        return
    facts["places"] = places
    for name in _COMMON:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    factory = _fork_factory(control, facts)
    try:
        judge = _load_pytest()
    except ImportError as error:
        channel.send(control, {"error": f"pytest cannot be imported ({error}): install pytest there"})
        return
    with contextlib.suppress(Exception), tempfile.TemporaryDirectory() as folder:  # it only saves time
        rehearse(folder, folder)
    if facts["mounts"]:
        root.seal()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # lanes that end are nobody's business
    gc.collect()
    gc.freeze()
    said = {"layers": facts["layers"], "places": facts["places"], "users": facts["users"], "judge": judge}
    channel.send(control, said)
    while True:
        if factory in select.select([control, factory], [], [])[0]:
            return  # it never says anything: it was killed, and nothing works without it
        try:
            message, fds = channel.receive(control)
        except channel.Closed:
            return
        if os.fork() == 0:
            control.close()
            _be_lane(factory, {**facts, **message, "cgroups": fds[1:]}, socket.socket(fileno=fds[0]))
        for fd in fds:
            os.close(fd)


def _be_lane(factory: socket.socket, facts: dict[str, Any], trainer: socket.socket) -> None:
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        linux.die_with_parent()
        lane.Lane(trainer, factory, facts).serve()
    except Exception as error:
        _complain(trainer, error)
    os._exit(0)


def _complain(sock: socket.socket, error: BaseException) -> None:
    with contextlib.suppress(channel.Closed):
        channel.send(sock, {"error": f"{type(error).__name__}: {error}"})


def _load_pytest() -> list[str]:
    """Import pytest and the plugins that it will load; names and versions of all that decides an outcome.

    Raises:
        ImportError: There is no pytest.
    """
    from importlib.metadata import entry_points

    import pytest
    from _pytest import config

    for plugin in set(config.default_plugins) - set(BLOCKED):
        importlib.import_module(f"_pytest.{plugin}")
    found = [f"python {sys.version}", f"pytest {pytest.__version__}"]
    for point in entry_points(group="pytest11"):
        if point.name not in BLOCKED:
            with contextlib.suppress(Exception):  # pytest says so when a project is opened
                importlib.import_module(point.module)
            found.append(f"{point.name} {point.dist.version if point.dist else ''}")
    return sorted(found)


def _fork_factory(control: socket.socket, facts: dict[str, Any]) -> socket.socket:
    """A process that makes zygotes which have never seen pytest or a test; the channel that all lanes ask it through.

    A request is one packet: the channel to the zygote, the lane's namespaces, its control groups. The rest is said on
    that channel.
    """
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        control.close()
        mine.close()
        linux.die_with_parent()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so are zygotes
        gc.collect()
        gc.freeze()
        while True:
            data, fds, _, _ = socket.recv_fds(theirs, 1, 8)
            if not data:
                os._exit(0)
            if os.fork() == 0:
                theirs.close()
                _be_zygote(socket.socket(fileno=fds[0]), fds[1:], facts)
            for fd in fds:
                os.close(fd)
    theirs.close()
    return mine


def _be_zygote(control: socket.socket, fds: list[int], facts: dict[str, Any]) -> None:
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        linux.die_with_parent()
        for flag in (linux.CLONE_NEWNS, linux.CLONE_NEWNET) if facts["mounts"] else ():
            linux.setns(fds[0], flag)
            os.close(fds.pop(0))
        spec, _ = channel.receive(control)
        zygotes.serve_candidates(control, {**facts, "uid": spec.pop("uid"), "cgroups": fds}, spec)
    except BaseException as error:
        _complain(control, error)
    os._exit(0)
