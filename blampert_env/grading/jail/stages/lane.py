"""A lane: runs one evaluation at a time, holds its clock and its scratch space, and leaves nothing behind.

Requests of the trainer: ``open`` a project, ``stage`` a zygote of it, ``grade`` files, ``close`` a project. Answers are
messages; an ``error`` in one means that the machinery failed, never the candidate.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from typing import Any

from ..walls import linux, root, tree
from ..wire import channel
from .box import Box
from .children import Failed, Zygote
from .opened import Opened
from .rehearsal import rehearse

_SCRATCH = ("tmp", "shm", "grants")


class Lane:
    """Serves one trainer's thread at a time.

    Args:
        trainer: The channel to it.
        factory: The channel to the factory of bare zygotes.
        facts: What the base found the kernel to offer.
    """

    def __init__(self, trainer: socket.socket, factory: socket.socket, facts: dict[str, Any]) -> None:
        self.trainer, self.factory, self.facts = trainer, factory, facts
        self.projects: dict[str, Opened] = {}
        self.owner = (facts["uid"], facts["gid"]) if facts["uid"] is not None else None
        if facts["mounts"]:
            root.open_slot(facts["slot_size"], self.owner or (os.getuid(), os.getgid()), facts["places"])
        if "network-namespace" in facts["layers"]:
            linux.unshare(linux.CLONE_NEWNET)  # lanes share no ports
            linux.loopback_up()
            linux.forget_closed_connections()
        self.places = facts["places"]
        self.cpus = sorted(os.sched_getaffinity(0))
        for name in ("box", *_SCRATCH):
            os.makedirs(self.places[name], exist_ok=True)
            if self.owner:
                os.chown(self.places[name], *self.owner)
        self.box = Box(self.places["box"], self.owner)
        with contextlib.suppress(Exception):  # it only saves time; what pytest no longer has is said where it is needed
            rehearse(self.places["box"], self.places["tmp"])

    def serve(self) -> None:
        """Until the trainer goes away."""
        while True:
            try:
                message, _ = channel.receive(self.trainer)
            except channel.Closed:
                return
            try:
                if message["op"] == "open":
                    answer = self.open(message["project"])
                elif message["op"] == "stage":
                    answer = self.projects[message["project"]].stage(message["zygote"])
                elif message["op"] == "close":
                    self.projects.pop(message["project"]).close()
                    answer = {}
                else:
                    answer = self.projects[message["project"]].grade(message)
            except (Failed, OSError, channel.Closed) as error:
                answer = {"error": f"{error}"}
            try:
                channel.send(self.trainer, answer)
            except channel.Closed:
                return

    def open(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Take a project in; its zygotes are made when they are needed."""
        places = self.places
        spec["tests_root"] = places["tests"] if self.facts["mounts"] else f"{places['tests']}/{spec['id']}"
        spec |= {"box": places["box"], "tmp": places["tmp"], "grants": places["grants"]}
        spec["landlock"] = [places["box"], places["tmp"], places["shm"]]
        spec["path"] = [os.path.normpath(os.path.join(places["box"], folder)) for folder in spec["folders"]]
        self.projects[spec["id"]] = Opened(self, spec)
        return {}

    def bare_zygote(self, spec: dict[str, Any]) -> Zygote:
        """A zygote for candidates, from the factory: it has never seen a test."""
        mine, theirs = socket.socketpair()
        fds = [theirs.fileno()]
        if self.facts["mounts"]:
            fds += [os.open(f"/proc/self/ns/{name}", os.O_RDONLY) for name in ("mnt", "net")]
        who = {key: self.facts[key] for key in ("uid", "gid")}
        job = {"op": "zygote", "spec": {key: spec[key] for key in _CANDIDATE_KEYS}, "facts": who}
        try:
            channel.send(self.factory, job, [*fds, *self.facts["cgroups"]])
        except channel.Closed:
            raise Failed("the grader's base was killed") from None
        theirs.close()
        for fd in fds[1:]:
            os.close(fd)
        return Zygote(mine)

    def fork_zygote(self, body: Any) -> Zygote:
        """A zygote for tests, forked from this lane."""
        mine, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            try:
                self.trainer.close()
                self.factory.close()
                mine.close()
                for opened in self.projects.values():
                    opened.forget()
                linux.die_with_parent()
                body(theirs)
            except BaseException as error:
                with contextlib.suppress(channel.Closed):
                    channel.send(theirs, {"error": f"{type(error).__name__}: {error}"})
            os._exit(0)
        theirs.close()
        return Zygote(mine, child=pid)

    def move_to(self, cpus: list[int]) -> None:
        """Run on these processors only."""
        if cpus != self.cpus:
            linux.run_on(cpus)
            self.cpus = cpus

    def fill(self, files: Mapping[str, bytes]) -> None:
        """Empty the scratch space and put files into the box."""
        self.clean()
        self.box.fill(files)

    def clean(self) -> None:
        """Empty the scratch space beside the box."""
        for name in _SCRATCH:
            tree.reset(self.places[name], 0o755, self.owner)


_CANDIDATE_KEYS = ("modules", "path", "preload", "box", "tmp", "limits", "landlock", "random", "cwd", "unused")
