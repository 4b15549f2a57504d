"""The trainer's end of the jail: starts its base, keeps lanes, asks them; starts anew what was killed."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

from blampert_env.grading import cgroups
from blampert_env.grading.environment import environment
from blampert_env.grading.jail.walls.tree import remove_tree
from blampert_env.grading.jail.wire import channel
from blampert_env.grading.lanes import Lane, ServerFailed
from blampert_env.grading.process import signal_name
from blampert_env.grading.scratch import make_scratch

_SCRIPT = str(Path(__file__).with_name("jail") / "__main__.py")
_START_LIMIT_S = 60.0
_FIRST_UID = 61_184  # system users end below, and user namespaces' ranges begin above
_LANES = 64
SLOT_SIZE = "256m"
PLACES = ("box", "tmp", "shm", "tests")


class Server:
    """One base and its lanes, for one interpreter; it starts while others go on.

    Args:
        python: The interpreter.
        layers: Isolation layers that may be used; None for all.
    """

    def __init__(self, python: str, layers: tuple[str, ...] | None = None) -> None:
        self.owner = os.getpid()
        self.python = python
        self._lock, self._starting = threading.Lock(), threading.Lock()
        self._facts: dict[str, Any] | None = None
        self._is_dead = False
        self._idle: list[Lane] = []
        self._numbers = list(range(_LANES))[::-1]
        self._scratch: str | None = None
        self._cpus_of: dict[int, list[int]] = {}  # of the lanes in use
        self._used_by: dict[int, Lane] = {}  # by thread
        self._groups: dict[int, list[Path]] = {}
        cgroups.remove_stale()
        mine, theirs = socket.socketpair()
        facts = json.dumps({"uid": _FIRST_UID, "layers": layers, "slot_size": SLOT_SIZE})
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - what it writes before its first words
        with theirs:
            self.process = subprocess.Popen(
                [python, "-P", "-s", "-B", _SCRIPT, "jail", str(theirs.fileno()), str(os.getpid()), facts],
                pass_fds=[theirs.fileno()],
                env=environment(python, "/tmp", "/tmp"),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                start_new_session=True,
            )
        self.control = mine

    @property
    def is_starting(self) -> bool:
        """Whether its facts would have to be waited for."""
        return self._facts is None

    @property
    def facts(self) -> dict[str, Any]:
        """What the base found out; waits until it has started.

        Raises:
            ServerFailed: It does not start.
        """
        with self._starting:
            if self._facts is None:
                try:
                    self._facts = self._first_words()
                except (ServerFailed, ValueError) as error:  # ValueError: another thread found it dead, and closed it
                    said = b"" if self._said.closed else (self._said.seek(0), self._said.read())[1]
                    lines = said.decode("utf-8", "replace").strip().splitlines()
                    self.close()
                    raise ServerFailed(f"{error}{f' ({lines[-1]})' if lines else ''}") from None
            return self._facts

    def _first_words(self) -> dict[str, Any]:
        if not select.select([self.control], [], [], _START_LIMIT_S)[0]:
            raise ServerFailed(f"the test process of {self.python} did not start within {_START_LIMIT_S:.0f} s")
        try:
            facts, _ = channel.receive(self.control)
        except channel.Closed:
            why = signal_name(code := self.process.wait(10)) or f"exit code {code}"
            raise ServerFailed(f"the test process of {self.python} did not start: {why}") from None
        if "error" in facts:
            raise ServerFailed(facts["error"].replace("imported", f"imported by {self.python}", 1))
        return facts

    @contextlib.contextmanager
    def lane(self) -> Iterator[Lane]:
        """A lane for one request; one that failed is not used again.

        Raises:
            ServerFailed: None can be had, or the request failed.
        """
        with self._lock:
            lane = self._idle.pop() if self._idle else None
            if lane is None and not self._numbers:
                raise ServerFailed(f"more than {_LANES} evaluations at once: use fewer workers")
            number = lane.number if lane is not None else self._numbers.pop()
            cpus = self._cpus_of[number] = self._choose_cpus()
        try:
            if lane is None:
                lane = Lane(number, self.make_lane(number))
            lane.cpus = cpus
            self._used_by[threading.get_ident()] = lane
            yield lane
        except BaseException:
            if lane is not None:
                lane.close()
            with self._lock:
                self._numbers.append(number)
                del self._cpus_of[number]
            raise
        finally:
            self._used_by.pop(threading.get_ident(), None)
        with self._lock:
            self._idle.append(lane)
            del self._cpus_of[number]

    def abandon(self, threads: Collection[int]) -> None:
        """End at once what these threads have running in lanes: nobody waits for it any more."""
        for lane in [lane for thread, lane in list(self._used_by.items()) if thread in threads]:
            lane.abandon()

    def _choose_cpus(self) -> list[int]:
        """The processors for one more evaluation: all if it is the only one, else the one that the fewest others have.

        Tests and candidate take turns, so two processors gain one evaluation little; several gain, each on its own.
        """
        allowed = sorted(os.sched_getaffinity(0))
        if not self._cpus_of:
            return allowed
        taken = Counter(cpu for cpus in self._cpus_of.values() if len(cpus) == 1 for cpu in cpus)
        return [min(allowed, key=lambda cpu: taken[cpu])]

    def idle_cpus(self) -> int:
        """How many processors no evaluation of this process has now."""
        with self._lock:
            return len(os.sched_getaffinity(0)) - len(self._cpus_of)

    def drop_idle(self) -> None:
        """Let go of lanes that nobody uses: after a failure, any of them may lack a process."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._numbers += [lane.number for lane in idle]
        for lane in idle:
            lane.close()

    def make_lane(self, number: int) -> socket.socket:
        """A channel to a new lane.

        Raises:
            OSError: There is no descriptor left.
            ServerFailed: The base is gone.
        """
        uid = self.facts.get("uid", _FIRST_UID) + number
        message: dict[str, Any] = {"op": "lane"}
        if "dropped-uid" in self.facts["layers"]:
            message |= {"uid": uid, "gid": uid}
        if "mount-namespace" not in self.facts["layers"]:
            message["places"] = self._scratch_places(number)
        groups = self._groups.setdefault(number, cgroups.make(number))
        with contextlib.ExitStack() as passed, contextlib.ExitStack() as on_failure:
            mine, theirs = socket.socketpair()
            on_failure.enter_context(mine)
            passed.enter_context(theirs)
            fds = [theirs.fileno()]
            for group in groups:
                fds.append(os.open(group / "cgroup.procs", os.O_WRONLY))
                passed.callback(os.close, fds[-1])
            try:
                with self._lock:
                    channel.send(self.control, message, fds)
            except channel.Closed:
                self._is_dead = True
                raise ServerFailed("the grader's base was killed") from None
            on_failure.pop_all()
        return mine

    def _scratch_places(self, number: int) -> dict[str, str]:
        """Scratch folders of a lane where it cannot have a file system of its own."""
        if self._scratch is None:
            self._scratch = str(make_scratch())
        os.makedirs(base := os.path.join(self._scratch, str(number)), exist_ok=True)
        return {name: os.path.join(base, name) for name in PLACES}

    @property
    def alive(self) -> bool:
        """Whether the base is there, and belongs to this process."""
        return not self._is_dead and self.owner == os.getpid() and self.process.poll() is None

    def close(self) -> None:
        """End everything below."""
        if self.owner != os.getpid():
            return
        self._is_dead = True
        self.control.close()
        for lane in self._idle:
            lane.close()
        self._idle.clear()
        try:
            self.process.wait(5)  # the base ends by itself, and with it everything in its namespace
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self._said.close()
        if self._scratch is not None:
            remove_tree(self._scratch)
        for groups in self._groups.values():
            cgroups.remove(groups)


_servers: dict[tuple[str, tuple[str, ...] | None], Server] = {}
_lock = threading.Lock()


def server(python: str, layers: tuple[str, ...] | None = None) -> Server:
    """The server for an interpreter in this process; started when there is none, or it is gone."""
    with _lock:
        found = _servers.get((python, layers))
        if found is None or not found.alive:
            if found is not None:
                found.close()
            found = _servers[python, layers] = Server(python, layers)
        return found


def drop_idle(python: str) -> None:
    """After a failure: let the next evaluation under an interpreter start with a new lane."""
    for (name, _), found in list(_servers.items()):
        if name == python and found.alive:
            found.drop_idle()


@atexit.register
def _close_all() -> None:
    for found in _servers.values():
        found.close()


def supported() -> bool:
    """Whether this system has what the jail needs at the least."""
    return sys.platform.startswith("linux")
