"""What a lane has for its evaluations: scratch space, processors, and ways to make zygotes."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..walls import linux, root, tree
from ..wire import channel
from .box import Box
from .children import Failed, Zygote

_SCRATCH = ("tmp", "shm")


class Slot:
    """Made in the lane's own process.

    Args:
        factory: The channel to the factory of bare zygotes.
        facts: What the base found the kernel to offer.
    """

    def __init__(self, factory: socket.socket, facts: dict[str, Any]) -> None:
        self.factory, self.facts = factory, facts
        self.places: dict[str, str] = facts["places"]
        self.owner = (facts["uid"], facts["uid"]) if facts["uid"] is not None else None
        if facts["mounts"]:
            root.open_slot(facts["slot_size"], self.owner or (os.getuid(), os.getgid()), self.places)
        if "network-namespace" in facts["layers"]:
            linux.unshare(linux.CLONE_NEWNET)  # lanes share no ports
            linux.loopback_up()
            linux.forget_closed_connections()
        for name in ("box", *_SCRATCH):
            os.makedirs(self.places[name], exist_ok=True)
            if self.owner:
                os.chown(self.places[name], *self.owner)
        self.box = Box(self.places["box"], self.owner)

    def bare_zygote(self, spec: dict[str, Any]) -> Zygote:
        """A zygote for candidates, from the factory: it has never seen a test."""
        mine, theirs = socket.socketpair()
        fds = [theirs.fileno()]
        if self.facts["mounts"]:
            fds += [os.open(f"/proc/self/ns/{name}", os.O_RDONLY) for name in ("mnt", "net")]
        said = {**{key: spec[key] for key in _CANDIDATE_KEYS}, "uid": self.facts["uid"]}
        try:
            socket.send_fds(self.factory, [b"z"], [*fds, *self.facts["cgroups"]])
            channel.send(mine, said)
        except (OSError, channel.Closed):
            raise Failed("the grader's base was killed") from None
        theirs.close()
        for fd in fds[1:]:
            os.close(fd)
        return Zygote(mine)

    def fork_zygote(self, body: Callable[[socket.socket], None], kept: Sequence[int] = ()) -> Zygote:
        """A zygote for tests, forked from this lane.

        Args:
            body: What it does; given the channel to here.
            kept: Descriptors that it needs.
        """
        mine, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            try:
                linux.close_all_but([theirs.fileno(), *kept, *self.facts["cgroups"]])
                linux.die_with_parent()
                body(theirs)
            except BaseException as error:
                with contextlib.suppress(channel.Closed):
                    channel.send(theirs, {"error": f"{type(error).__name__}: {error}"})
            os._exit(0)
        theirs.close()
        return Zygote(mine, child=pid)

    def fill(self, files: Mapping[str, bytes]) -> None:
        """Empty the scratch space and put files into the box."""
        self.clean()
        self.box.fill(files)

    def clean(self) -> None:
        """Empty the scratch space beside the box."""
        for name in _SCRATCH:
            tree.reset(self.places[name], 0o755, self.owner)


_CANDIDATE_KEYS = ("modules", "path", "preload", "box", "tmp", "limits", "landlock", "random", "cwd", "unused")
