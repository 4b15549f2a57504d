"""A project that is open in a lane: its files, its zygotes, and the evaluations that they make."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..wire import channel
from .box import Box
from .children import Failed, Zygote
from .evaluation import Run
from .together import Collected, Fresh, unpacked
from .zygotes import serve_tests, serve_together

STAGE_LIMIT_S = 60.0


class Host(Protocol):
    """What a project needs of its lane."""

    facts: dict[str, Any]
    box: Box
    cpus: list[int]
    trainer: socket.socket

    def fill(self, files: Mapping[str, bytes]) -> None:
        """Empty the scratch space and put files into the box."""

    def clean(self) -> None:
        """Empty the scratch space beside the box."""

    def move_to(self, cpus: list[int]) -> None:
        """Run on these processors only."""

    def bare_zygote(self, spec: dict[str, Any]) -> Zygote:
        """A zygote for candidates that has never seen a test."""

    def fork_zygote(self, body: Callable[[socket.socket], None]) -> Zygote:
        """A zygote for tests."""


class Opened:
    """A project in a lane.

    Args:
        lane: Where.
        spec: The project's, from the trainer.
    """

    def __init__(self, lane: Host, spec: dict[str, Any]) -> None:
        self.lane, self.spec = lane, spec
        self.zygotes: dict[str, Zygote] = {}
        self.staged: dict[str, dict[str, Any]] = {}
        self.compiled: dict[str, dict[str, str]] = {}  # by what a zygote compiled, until the trainer has it
        self.files = unpacked(spec["files"])
        self.shown = unpacked(spec["untouched"])

    def stage(self, name: str) -> dict[str, Any]:
        """Make a zygote unless it is there: ``collected``, ``fresh``, or ``tests`` for split ones; what it said.

        Raises:
            Failed: It cannot be made.
        """
        self.zygote(name)
        return {**self.staged[name], "codes": self.compiled.pop(name, {})}

    def zygote(self, name: str) -> Zygote:
        """A zygote by its purpose, made when it is first needed.

        Raises:
            Failed: It cannot be made.
        """
        if name not in self.zygotes:
            spec, facts = self.spec, self.lane.facts
            if name == "tests":
                self._stage_split()
            elif name == "candidate":
                self._introduce(name, self.lane.bare_zygote(spec))
            else:
                make = Collected if name == "collected" else Fresh
                self.lane.fill(self.files)
                self._introduce(name, self.lane.fork_zygote(lambda control: serve_together(control, facts, spec, make)))
        return self.zygotes[name]

    def _stage_split(self) -> None:
        """Import the tests over the untouched project in a process of its own."""
        self.lane.fill(self.shown)
        mine, theirs = socket.socketpair()
        child = self.zygote("candidate").spawn([theirs.fileno()], self.lane.cpus)
        theirs.close()
        try:
            with mine:
                made = self.lane.fork_zygote(lambda control: serve_tests(control, self.lane.facts, self.spec, mine))
            self._introduce("tests", made)
        finally:
            child.end()

    def _introduce(self, name: str, made: Zygote) -> None:
        """Wait until a zygote is ready, and keep it; where the project is to blame, what it said is ``refused``.

        Raises:
            Failed: It is not ready, and the machinery is to blame.
        """
        try:
            if not select.select([made.control], [], [], STAGE_LIMIT_S)[0]:
                if made.child:
                    os.kill(made.child, signal.SIGKILL)
                self.staged[name] = {"refused": f"importing the tests takes longer than {STAGE_LIMIT_S:.0f} s"}
            else:
                answer, fds = channel.receive(made.control)
                if answer.get("error"):
                    raise Failed(str(answer["error"]))
                made.introduce(answer, fds)
                self.compiled[name] = answer.pop("codes", {})
                self.spec["codes"] |= self.compiled[name]
                self.staged[name] = answer
        except channel.Closed:
            raise Failed("a process of the grader was killed while it imported the tests") from None
        self.zygotes[name] = made

    def grade(self, job: dict[str, Any]) -> dict[str, Any]:
        """Run the tests over one candidate.

        Raises:
            Failed: The machinery failed.
        """
        door = job["door"]
        for name in ("tests", "candidate") if door == "split" else (door,):
            self.zygote(name)
        self.lane.move_to(job.pop("cpus"))
        base = self.shown if door == "split" else self.files
        self.lane.fill({**base, **unpacked(job.pop("changes"))})
        run = Run(self.zygote, job, self.lane.cpus, self.lane.trainer)
        try:
            answer = run.split() if door == "split" else run.together(door)
            run.end()
            return {**answer, "touched": self.lane.box.touched() if job["wanted"] else []}
        finally:
            run.end()
            self.lane.clean()

    def forget(self) -> None:
        """Close this process's ends, without a word to the zygotes."""
        for made in self.zygotes.values():
            made.close()

    def close(self) -> None:
        """Let the zygotes go, and collect those that this lane made."""
        self.forget()
        for made in self.zygotes.values():
            if made.child:
                os.waitpid(made.child, 0)
