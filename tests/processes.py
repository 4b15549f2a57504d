"""Which processes there are, for what looks whether the grader left some."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from blampert_env.grading.server import server


def processes_of(scratch: Path) -> list[int]:
    """Processes whose environment names the scratch folder, as that of everything a grader starts does."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(scratch).encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def below(pid: int) -> list[int]:
    """Every process below one, itself included."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(status.parent.name))
    found, waiting = [pid], [pid]
    while waiting:
        new = children.get(waiting.pop(), [])
        found += new
        waiting += new
    return found


def evaluations_alive() -> list[int]:
    """Processes below this one in a PID namespace inside another: what the grader's jail runs for an evaluation."""
    return [pid for pid in below(os.getpid()) if len(_ids(pid)) > 2]


def first_processes() -> list[int]:
    """Of those, process 1 of each namespace that others live in, too: as a candidate does."""
    spaces: dict[str, list[int]] = {}
    for pid in evaluations_alive():
        with suppress(OSError):
            spaces.setdefault(os.readlink(f"/proc/{pid}/ns/pid"), []).append(pid)
    return [pid for members in spaces.values() if len(members) > 1 for pid in members if _ids(pid)[-1:] == ["1"]]


def _ids(pid: int) -> list[str]:
    """The ids that a process has, from the outermost PID namespace to its own; none if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return []
    return status.partition("\nNSpid:")[2].partition("\n")[0].split()


class Killer(threading.Thread):
    """Kills a process of the server for an interpreter again and again, whichever."""

    def __init__(self, python: str, times: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.python, self.times, self.draw = python, times, random.Random(seed)
        self.killed = 0

    def run(self) -> None:
        while self.killed < self.times:
            time.sleep(self.draw.uniform(0, 0.5))
            target = self.draw.choice(below(server(self.python).process.pid))
            try:
                os.kill(target, signal.SIGKILL)
                self.killed += 1
            except ProcessLookupError:
                continue
