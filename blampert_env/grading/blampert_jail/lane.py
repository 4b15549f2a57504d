"""A lane: runs one evaluation at a time, holds its clock and its scratch space, and leaves nothing behind.

Requests of the trainer: ``open`` a project, ``grade`` files, ``close`` a project. Answers are messages; an ``error`` in
one means that the machinery failed, never the candidate.
"""

from __future__ import annotations

import base64
import contextlib
import os
import select
import socket
from typing import Any

from . import channel, linux, root, tree
from .children import Failed, Zygote
from .evaluation import START_LIMIT_S, Run
from .rehearsal import rehearse
from .zygotes import serve_tests, serve_whole

_SCRATCH = ("box", "tmp", "shm", "grants")


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
        for name in _SCRATCH:
            os.makedirs(self.places[name], exist_ok=True)
            if self.owner:
                os.chown(self.places[name], *self.owner)
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
        """Make a project's zygotes and stage its tests."""
        places = self.places
        spec["tests_root"] = places["tests"] if self.facts["mounts"] else f"{places['tests']}/{spec['id']}"
        spec |= {"box": places["box"], "tmp": places["tmp"], "grants": places["grants"]}
        spec["landlock"] = [places["box"], places["tmp"], places["shm"]]
        spec["path"] = [os.path.normpath(os.path.join(places["box"], folder)) for folder in spec["folders"]]
        opened = Opened(self, spec)
        self.projects[spec["id"]] = opened
        return opened.open()

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
        return _first_words(Zygote(mine))

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

    def clean(self) -> None:
        """Empty the scratch space."""
        for name in _SCRATCH:
            tree.reset(self.places[name], 0o755, self.owner)


_CANDIDATE_KEYS = ("modules", "path", "preload", "box", "tmp", "limits", "landlock")


def _first_words(made: Zygote) -> Zygote:
    """Wait until a zygote is ready.

    Raises:
        Failed: It is not.
    """
    try:
        answer, fds = channel.receive(made.control)
    except channel.Closed:
        raise Failed("a process of the grader was killed") from None
    if "error" in answer:
        raise Failed(str(answer["error"]))
    made.introduce(answer, fds)
    return made


class Opened:
    """A project in a lane."""

    def __init__(self, lane: Lane, spec: dict[str, Any]) -> None:
        self.lane = lane
        self.spec = spec
        self.zygotes: dict[str, Zygote] = {}
        self.staged: dict[str, Any] = {}

    def open(self) -> dict[str, Any]:
        """Stage the tests over the untouched project, if it is to be split."""
        if self.spec["mode"] == "whole":
            return {"layers": self.zygote("whole").layers}
        self._fill(self.spec["untouched"])
        self.zygotes["candidate"] = self.lane.bare_zygote(self.spec)
        mine, theirs = socket.socketpair()
        child = self.zygotes["candidate"].spawn([theirs.fileno()], self.lane.cpus)
        theirs.close()
        try:
            tests = self.lane.fork_zygote(lambda control: serve_tests(control, self.lane.facts, self.spec, mine))
            mine.close()
            if not select.select([tests.control], [], [], START_LIMIT_S)[0]:
                raise Failed("importing the tests takes too long")
            answer, _ = channel.receive(tests.control)
            if "error" in answer:
                raise Failed(answer["error"])
        except channel.Closed:
            raise Failed("the process that imports the tests ended") from None
        finally:
            child.end()
        tests.introduce(answer, [])
        self.zygotes["tests"] = tests
        self.staged = answer
        return answer

    def zygote(self, name: str) -> Zygote:
        """A zygote by its purpose, made when it is first needed."""
        if name not in self.zygotes:
            spec, facts = self.spec, self.lane.facts
            if name == "fresh":
                spec = {**spec, "trusted": self.staged["trusted"], "exports": self.staged["exports"]}
                made = self.lane.fork_zygote(lambda control: serve_tests(control, facts, spec, None))
            else:
                config = {} if os.path.isabs(spec["config"]) else {spec["config"]: spec["files"][spec["config"]]}
                self._fill(config)
                made = self.lane.fork_zygote(lambda control: serve_whole(control, facts, spec))
            self.zygotes[name] = _first_words(made)
        return self.zygotes[name]

    def _fill(self, files: dict[str, str]) -> None:
        self.lane.clean()
        contents = {path: base64.b64decode(content) for path, content in files.items()}
        tree.write_files(self.lane.places["box"], contents, self.lane.owner)

    def grade(self, job: dict[str, Any]) -> dict[str, Any]:
        """Run the tests over one candidate.

        Raises:
            Failed: The machinery failed.
        """
        if self.spec["mode"] == "whole":
            self.zygote("whole")
        self.lane.move_to(job.pop("cpus"))
        self._fill(job.pop("files"))
        run = Run(self, job)
        try:
            return run.whole() if self.spec["mode"] == "whole" else run.split()
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
