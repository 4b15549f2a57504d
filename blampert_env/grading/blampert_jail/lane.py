"""A lane: runs one evaluation at a time, holds its clock and its scratch space, and leaves nothing behind.

Requests of the trainer: ``open`` a project, ``grade`` files, ``close`` a project. Answers are messages; an ``error`` in
one means that the machinery failed, never the candidate.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import time
from dataclasses import dataclass, field
from typing import Any

from . import channel, linux, root, tree, zygote
from .candidate import run as run_candidate
from .confine import confine
from .tests_zygote import SplitTests, WholeTests, prepare_child, report_broken

MAX_REPORT = 64 * 2**20
START_LIMIT_S = 30.0
END_LIMIT_S = 0.5
_SCRATCH = ("box", "tmp", "shm", "grants")


class Failed(Exception):
    """The machinery failed; one line says how."""


def preload(names: list[str]) -> None:
    """Import what candidates and tests will, before the forks; what cannot be imported fails there, not here."""
    for name in names:
        with contextlib.suppress(BaseException):
            importlib.import_module(name)


@dataclass
class Zygote:
    """A zygote as its lane sees it."""

    control: socket.socket
    layers: list[str] = field(default_factory=list)

    def ask(self, message: dict[str, Any], fds: list[int] | None = None) -> dict[str, Any]:
        """One request.

        Raises:
            Failed: The zygote is gone or could not do it.
        """
        try:
            channel.send(self.control, message, fds or [])
            answer, _ = channel.receive(self.control)
        except channel.Closed:
            raise Failed("a process of the grader was killed") from None
        if "error" in answer:
            raise Failed(str(answer["error"]))
        return answer

    def spawn(self, job: dict[str, Any], fds: list[int]) -> Child:
        """Make a child."""
        pid = self.ask({"op": "spawn", **job}, fds)["pid"]
        try:
            return Child(self, pid, os.pidfd_open(pid))
        except OSError as error:
            raise Failed(f"a process of the grader was killed ({error.strerror})") from None


@dataclass
class Child:
    """One process of an evaluation."""

    zygote: Zygote
    pid: int
    pidfd: int

    def end(self) -> int:
        """Kill it, if it is still there, and collect it: its exit code, negative for a signal."""
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        os.close(self.pidfd)
        return int(self.zygote.ask({"op": "reap", "pid": self.pid})["code"])

    def is_over(self) -> bool:
        """Whether it has ended."""
        return bool(select.select([self.pidfd], [], [], 0)[0])


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
            root.open_slot(facts["slot_size"], self.owner or (os.getuid(), os.getgid()))
        if "network-namespace" in facts["layers"]:
            linux.unshare(linux.CLONE_NEWNET)  # lanes share no ports
            linux.loopback_up()
            linux.forget_closed_connections()
        self.places = facts["places"]
        for name in _SCRATCH:
            os.makedirs(self.places[name], exist_ok=True)
            if self.owner:
                os.chown(self.places[name], *self.owner)

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
        return Zygote(mine)

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
        answer, _ = channel.receive(made.control)
    except channel.Closed:
        raise Failed("a process of the grader was killed") from None
    if "error" in answer:
        raise Failed(str(answer["error"]))
    made.layers = answer["layers"]
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
        child = self.zygotes["candidate"].spawn({}, [theirs.fileno()])
        theirs.close()
        try:
            tests = self.lane.fork_zygote(lambda control: _serve_tests(control, self.lane.facts, self.spec, mine))
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
        tests.layers = answer["layers"]
        self.zygotes["tests"] = tests
        self.staged = answer
        return answer

    def zygote(self, name: str) -> Zygote:
        """A zygote by its purpose, made when it is first needed."""
        if name not in self.zygotes:
            spec, facts = self.spec, self.lane.facts
            if name == "fresh":
                spec = {**spec, "trusted": self.staged["trusted"], "exports": self.staged["exports"]}
                made = self.lane.fork_zygote(lambda control: _serve_tests(control, facts, spec, None))
            else:
                config = {} if os.path.isabs(spec["config"]) else {spec["config"]: spec["files"][spec["config"]]}
                self._fill(config)
                made = self.lane.fork_zygote(lambda control: _serve_whole(control, facts, spec))
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
            made.control.close()

    close = forget


class Run:
    """One evaluation."""

    def __init__(self, opened: Opened, job: dict[str, Any]) -> None:
        self.opened, self.job = opened, job
        self.children: dict[str, Child] = {}
        self.codes: dict[str, int] = {}
        self.token = job["token"].encode() + b" "
        self.data = b""
        self.started = self.ended = 0.0
        self.killed: str | None = None

    def split(self) -> dict[str, Any]:
        """Tests here, candidate there."""
        mine, theirs = socket.socketpair()
        with mine, theirs:
            self.children["candidate"] = self.opened.zygotes["candidate"].spawn({}, [theirs.fileno()])
            theirs.close()
            is_fresh = bool(self.opened.staged["is_dynamic"])
            self._tests("fresh" if is_fresh else "tests", mine)
            if not is_fresh and self._last_kind() == "restage":
                self.data = b""
                self.codes.pop("tests", None)
                self._tests("fresh", mine)
        return self.answer()

    def _tests(self, zygote_name: str, rpc: socket.socket) -> None:
        reader, writer = os.pipe()
        made = self.opened.zygote(zygote_name) if zygote_name == "fresh" else self.opened.zygotes["tests"]
        self.children["tests"] = made.spawn({"job": self.job}, [rpc.fileno(), writer])
        os.close(writer)
        try:
            self._watch(reader)
        finally:
            os.close(reader)
        self.codes["tests"] = self.children.pop("tests").end()

    def whole(self) -> dict[str, Any]:
        """Both in one process."""
        reader, writer = os.pipe()
        self.children["tests"] = self.opened.zygotes["whole"].spawn({"job": self.job}, [writer])
        os.close(writer)
        try:
            self._watch(reader)
        finally:
            os.close(reader)
        return self.answer()

    def _watch(self, reader: int) -> None:
        """Read the report until it is complete, the tests have ended, or a limit is reached."""
        os.set_blocking(reader, False)
        poll = select.poll()
        for fd in (reader, self.children["tests"].pidfd, self.opened.lane.trainer.fileno()):
            poll.register(fd, select.POLLIN)
        # tests that had to be imported anew share the limit of the first ones
        deadline = self.started + self.job["limit_s"] if self.started else time.monotonic() + START_LIMIT_S
        parts: list[bytes] = []
        size = 0
        while self.killed is None:
            ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not ready or time.monotonic() >= deadline:
                self.killed = "timeout" if self.started else "start"
                break
            for fd, event in ready:
                if fd == self.opened.lane.trainer.fileno() and event & (select.POLLHUP | select.POLLERR):
                    raise Failed("the trainer is gone")
            over = self.children["tests"].is_over()  # asked before reading: what it wrote is in the pipe by then
            while True:
                try:
                    part = os.read(reader, 1 << 16)
                except BlockingIOError:
                    break
                if not part:
                    over = True
                    break
                parts.append(part)
                size += len(part)
                if not self.started:
                    self.started = time.monotonic()
                    deadline = self.started + self.job["limit_s"]
            if parts and self._is_complete(parts):
                break
            if size > MAX_REPORT:
                self.killed = "output"
            if over:
                break
        self.ended = time.monotonic()
        self.data = b"".join(parts)

    def _is_complete(self, parts: list[bytes]) -> bool:
        if len(parts) > 1:
            parts[-2:] = [parts[-2] + parts[-1]]
        at = parts[-1].rfind(b"\n" + self.token, 0)
        line = parts[-1][at + 1 + len(self.token) :]
        return at >= 0 and line.endswith(b"\n") and line.startswith((b'{"kind": "finished"', b'{"kind": "restage"'))

    def _last_kind(self) -> str:
        lines = [line for line in self.data.split(b"\n") if line.startswith(self.token)]
        return str(json.loads(lines[-1][len(self.token) :])["kind"]) if lines else ""

    def end(self) -> None:
        """Kill and collect what is left."""
        for name in list(self.children):
            self.codes[name] = self.children.pop(name).end()

    def answer(self) -> dict[str, Any]:
        """What came of it."""
        candidate = self.children.get("candidate")
        if candidate is not None and b'"gone": true' in self.data[-400:]:  # its end is on the way
            select.select([candidate.pidfd], [], [], END_LIMIT_S)
        self_ended = candidate is not None and candidate.is_over()
        self.end()
        return {
            "report": self.data.decode("utf-8", "replace"),
            "killed": self.killed,
            "tests_code": self.codes.get("tests"),
            "candidate_code": self.codes.get("candidate") if self_ended else None,
            "seconds": max(0.0, self.ended - self.started) if self.started else 0.0,
        }


def _serve_tests(
    control: socket.socket, facts: dict[str, Any], spec: dict[str, Any], rpc: socket.socket | None
) -> None:
    """Be a zygote for split tests, staged if there is a candidate to stage them with."""
    files = {path: base64.b64decode(content) for path, content in spec["files"].items()}
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
    facts = {**facts, "init": False, "proc_fd": os.open("/proc", os.O_PATH | os.O_DIRECTORY)}
    layers = confine(facts, [*spec["landlock"], spec["grants"]], spec["limits"], [])
    tests = SplitTests(spec)
    answer = {"records": [], **tests.stage(rpc, spec["box"])} if rpc is not None else {}
    gc.collect()
    gc.freeze()
    channel.send(control, {**answer, "layers": layers})

    def job(message: dict[str, Any], fds: list[int]) -> None:
        try:
            tests.run(message["job"], socket.socket(fileno=fds[0]), fds[1])
        except BaseException:
            report_broken(fds[1], message["job"]["token"])
            raise

    zygote.serve(control, facts, job)


def _serve_whole(control: socket.socket, facts: dict[str, Any], spec: dict[str, Any]) -> None:
    """Be a zygote for tests and candidates in one process."""
    preload(spec["preload"])
    prepare_child(spec)
    tests = WholeTests(spec)
    tests.stage()
    facts = {**facts, "init": True, "proc_fd": os.open("/proc", os.O_PATH | os.O_DIRECTORY)}
    if facts["mounts"]:
        linux.unshare(linux.CLONE_NEWNS)
        root.hide("/proc")
    layers = confine(facts, spec["landlock"], spec["limits"], facts["cgroups"])
    gc.collect()
    gc.freeze()
    channel.send(control, {"layers": layers})
    zygote.serve(control, facts, lambda message, fds: tests.run(message["job"], fds[0]))


def serve_candidates(control: socket.socket, facts: dict[str, Any], spec: dict[str, Any]) -> None:
    """Be a zygote for candidates; forked from the factory, in a mount namespace without tests."""
    preload(spec["preload"])
    facts = {**facts, "init": True, "proc_fd": os.open("/proc", os.O_PATH | os.O_DIRECTORY)}
    if facts["mounts"]:
        linux.unshare(linux.CLONE_NEWNS)
        root.show_grants()
        root.hide("/proc")
    layers = confine(facts, spec["landlock"], spec["limits"], facts["cgroups"])
    gc.collect()
    gc.freeze()
    channel.send(control, {"layers": layers})
    zygote.serve(control, facts, lambda message, fds: run_candidate(socket.socket(fileno=fds[0]), spec))
