"""A lane of the jail, from the trainer's side: one request at a time, and which projects are open in it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from typing import Any

from blampert_env.grading.jail.wire import channel

OPEN_PROJECTS = 16  # each has up to nine processes, of the 256 that a lane may have


class ServerFailed(Exception):
    """The jail's processes ended or could not do their part; one line says how."""


class Abandoned(Exception):
    """Somebody gave up waiting for what a lane does."""


class Lane:
    """A lane as the trainer sees it, with the projects that are open in it, the last used at the end.

    Args:
        number: Its own.
        sock: To it.
    """

    def __init__(self, number: int, sock: socket.socket) -> None:
        self.number, self.sock = number, sock
        self.is_abandoned = False
        self.cpus: list[int] = []
        self.projects: dict[str, dict[str, Any]] = {}

    def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """One request.

        Raises:
            ServerFailed: The lane was killed, or its machinery failed.
            Abandoned: Nobody waits for the answer.
        """
        try:
            channel.send(self.sock, dict(message))
            answer, _ = channel.receive(self.sock)
        except channel.Closed:
            if self.is_abandoned:
                raise Abandoned from None
            raise ServerFailed("a process of the grader was killed") from None
        if "error" in answer:
            raise ServerFailed(answer["error"])
        return answer

    def open(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Open a project, unless it is; what its staging gave."""
        key = spec["id"]
        if key in self.projects:
            self.projects[key] = self.projects.pop(key)
            return self.projects[key]
        while len(self.projects) >= OPEN_PROJECTS:
            oldest = next(iter(self.projects))
            self.ask({"op": "close", "project": oldest})
            del self.projects[oldest]
        self.projects[key] = self.ask({"op": "open", "project": dict(spec)})
        return self.projects[key]

    def abandon(self) -> None:
        """Wake the thread that waits for an answer; the lane ends, and all that runs in it."""
        self.is_abandoned = True
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let the lane go; it ends by itself."""
        self.sock.close()
