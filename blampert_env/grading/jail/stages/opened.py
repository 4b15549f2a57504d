"""A project that is open in a lane: its files, its zygotes, and the evaluations that they make."""

from __future__ import annotations

import os
import select
import signal
import socket
from typing import Any

from ..walls import linux
from ..wire import channel
from .children import Failed, Zygote
from .evaluation import Run
from .slot import Slot
from .together import Collected, Fresh, unpacked
from .zygotes import serve_tests, serve_together

STAGE_LIMIT_S = 60.0


class Opened:
    """A project in a lane.

    Args:
        slot: The lane's.
        spec: The project's, from the trainer.
        trainer: The channel to the trainer.
    """

    def __init__(self, slot: Slot, spec: dict[str, Any], trainer: socket.socket) -> None:
        self.slot, self.spec, self.trainer = slot, spec, trainer
        self.zygotes: dict[str, Zygote] = {}
        self.staged: dict[str, dict[str, Any]] = {}
        self.files = unpacked(spec["files"])
        self.shown = unpacked(spec["untouched"])

    def stage(self, name: str) -> dict[str, Any]:
        """Make a zygote unless it is there: ``collected``, ``fresh``, or ``tests`` for split ones; what it said.

        Raises:
            Failed: It cannot be made.
        """
        self.zygote(name)
        said = self.staged[name]
        self.staged[name] = {**said, "codes": {}}  # what it compiled is told once
        return said

    def zygote(self, name: str) -> Zygote:
        """A zygote by its purpose, made when it is first needed.

        Raises:
            Failed: It cannot be made.
        """
        if name not in self.zygotes:
            slot, spec = self.slot, self.spec
            if name == "tests":
                self._stage_split()
            elif name == "candidate":
                self._introduce(name, slot.bare_zygote(spec))
            else:
                make = Collected if name == "collected" else Fresh
                slot.fill(self.files)
                self._introduce(name, slot.fork_zygote(lambda mine: serve_together(mine, slot.facts, spec, make)))
        return self.zygotes[name]

    def _stage_split(self) -> None:
        """Import the tests over the untouched project in a process of its own."""
        slot = self.slot
        slot.fill(self.shown)
        rpc, theirs = socket.socketpair()
        with rpc, theirs:
            child = self.zygote("candidate").spawn([theirs.fileno()], os.sched_getaffinity(0))
            theirs.close()
            try:
                serve = lambda mine: serve_tests(mine, slot.facts, self.spec, rpc)  # noqa: E731
                self._introduce("tests", slot.fork_zygote(serve, [rpc.fileno()]))
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
                said: dict[str, Any] = {"refused": f"importing the tests takes longer than {STAGE_LIMIT_S:.0f} s"}
            else:
                said, fds = channel.receive(made.control)
                if said.get("error"):
                    raise Failed(str(said["error"]))
                made.introduce(said, fds)
        except channel.Closed:
            raise Failed("a process of the grader was killed while it imported the tests") from None
        self.staged[name] = {"codes": {}, **said}
        self.spec["codes"] |= self.staged[name]["codes"]
        self.zygotes[name] = made

    def grade(self, job: dict[str, Any]) -> dict[str, Any]:
        """Run the tests over one candidate.

        Raises:
            Failed: The machinery failed.
        """
        split = job["door"] == "split"
        zygotes = [self.zygote(name) for name in (("tests", "candidate") if split else (job["door"],))]
        linux.run_on(job["cpus"])
        self.slot.fill({**(self.shown if split else self.files), **unpacked(job.pop("changes"))})
        run = Run(job, self.trainer)
        try:
            answer = run.answer(*zygotes)
            touched = self.slot.box.touched() if split or job["wanted"] else []
            own = self.shown.keys() - set(self.spec["sources"]) if split else set(touched)
            return {**answer, "touched": [path for path in touched if path in own]}
        finally:
            run.end()
            self.slot.clean()

    def close(self) -> None:
        """Let the zygotes go."""
        for made in self.zygotes.values():
            made.close()
