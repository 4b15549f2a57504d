"""A lane: runs one evaluation at a time, holds its clock and its scratch space, and leaves nothing behind.

Requests of the trainer: ``open`` a project, ``stage`` a zygote of it, ``grade`` files, ``close`` a project. Answers are
messages; an ``error`` in one means that the machinery failed, never the candidate.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any

from ..wire import channel
from .children import Failed
from .opened import Opened
from .slot import Slot


class Lane:
    """Serves one trainer's thread at a time.

    Args:
        trainer: The channel to it.
        factory: The channel to the factory of bare zygotes.
        facts: What the base found the kernel to offer.
    """

    def __init__(self, trainer: socket.socket, factory: socket.socket, facts: dict[str, Any]) -> None:
        self.trainer = trainer
        self.projects: dict[str, Opened] = {}
        self.slot = Slot(factory, facts)

    def serve(self) -> None:
        """Until the trainer goes away."""
        with contextlib.suppress(channel.Closed):
            while True:
                message, _ = channel.receive(self.trainer)
                try:
                    answer = self._answer(message)
                except (Failed, OSError, channel.Closed) as error:
                    answer = {"error": f"{error}"}
                channel.send(self.trainer, answer)

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["op"] == "open":
            return self.open(message["project"])
        if message["op"] == "close":
            self.projects.pop(message["project"]).close()
            return {}
        opened = self.projects[message["project"]]
        return opened.stage(message["zygote"]) if message["op"] == "stage" else opened.grade(message)

    def open(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Take a project in; its zygotes are made when they are needed."""
        places = self.slot.places
        spec["tests_root"] = places["tests"] if self.slot.facts["mounts"] else f"{places['tests']}/{spec['id']}"
        spec |= {"box": places["box"], "tmp": places["tmp"]}
        spec["landlock"] = [places["box"], places["tmp"], places["shm"]]
        spec["path"] = [os.path.normpath(os.path.join(places["box"], folder)) for folder in spec["folders"]]
        self.projects[spec["id"]] = Opened(self.slot, spec, self.trainer)
        return {}
