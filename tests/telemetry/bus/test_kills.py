"""No acknowledged message is lost, whoever is killed; nothing acknowledged comes again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from blampert_env.telemetry.bus import Bus, LocalBus, open_bus
from tests.redis_server import RedisServer
from tests.telemetry.bus.bus_worker import POLICY, TOPIC

WORKER = Path(__file__).with_name("bus_worker.py")
pytestmark = pytest.mark.slow


class Workers:
    """Worker processes and what each said."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        self.started: list[tuple[subprocess.Popen[bytes], Path]] = []

    def start(self, what: str, *arguments: object) -> subprocess.Popen[bytes]:
        out = self.folder / f"{what}-{len(self.started)}.txt"
        command = [sys.executable, str(WORKER), what, self.address, *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
        with out.open("wb") as stdout:
            process = subprocess.Popen(command, stdout=stdout, env=environment)
        self.started.append((process, out))
        return process

    def lines(self, what: str) -> list[list[str]]:
        """The complete lines of each worker of a kind."""
        texts = [out.read_text() for _, out in self.started if out.name.startswith(what)]
        return [text.split("\n")[:-1] for text in texts]

    def kill_all(self) -> None:
        for process, _ in self.started:
            process.kill()
            process.wait()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    group = Workers(tmp_path, str(tmp_path / "bus.db"))
    yield group
    group.kill_all()


def drain(bus: Bus) -> list[int]:
    """Take and acknowledge what is left, in the group of the workers."""
    left: list[int] = []
    with bus.consume(TOPIC, "group", "last") as consumer:
        while messages := consumer.get_many(1_000, 3.0):
            assert consumer.ack(*messages) == len(messages)
            left += [message.value["n"] for message in messages]
    return left


def check(workers: Workers, bus: Bus, block: int) -> tuple[int, int]:
    """Every number that a publisher had acknowledged was taken and acknowledged, once; gives how many of each.

    What a consumer was acknowledging when it (or the server) was killed may be done or not: it was not told.
    """
    promised: set[int] = set()
    for lines in workers.lines("publish"):
        if lines:
            promised |= set(range(int(lines[-1]) // block * block, int(lines[-1]) + 1))
    acked: Counter[int] = Counter()
    unsure: set[int] = set()
    for lines in workers.lines("consume"):
        took = {int(number) for line in lines if line.startswith("took") for number in line.split()[1:]}
        mine = [int(number) for line in lines if line.startswith("acked") for number in line.split()[1:]]
        acked.update(mine)
        unsure |= took - set(mine)
    acked.update(drain(bus))
    lost = promised - set(acked) - unsure
    assert not lost, f"{len(lost)} acknowledged messages were lost, {min(lost)} to {max(lost)}"
    assert len(unsure) < 1_000 < len(acked), "too few are sure for this to mean anything"
    doubled = {number for number, times in acked.items() if times > 1}
    assert not doubled, f"{len(doubled)} acknowledged messages came again, {min(doubled)} to {max(doubled)}"
    assert bus.dead_letters.counts() == {}
    return len(promised), len(acked)


def test_killed_publishers_and_consumers_lose_nothing_that_was_acknowledged(workers: Workers) -> None:
    rng = random.Random(0)
    block = 1_000_000
    consumers = [workers.start("consume", f"c{i}") for i in range(2)]
    kills = 0
    for turn in range(8):
        publisher = workers.start("publish", turn * block, block)
        time.sleep(0.5 + rng.random())
        victim = rng.randrange(2)
        os.kill(consumers[victim].pid, signal.SIGKILL)
        consumers[victim] = workers.start("consume", f"c{victim}")
        time.sleep(0.2 * rng.random())
        os.kill(publisher.pid, signal.SIGKILL)
        publisher.wait()
        kills += 2
    time.sleep(1)
    for consumer in consumers:
        os.kill(consumer.pid, signal.SIGKILL)
        consumer.wait()
    with LocalBus(workers.address, policy=POLICY) as bus:
        promised, consumed = check(workers, bus, block)
    assert promised > 1_000
    assert consumed > 0.9 * promised
    assert kills == 16


def test_a_redis_server_killed_under_load_loses_nothing_that_was_acknowledged(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    workers = Workers(tmp_path, redis_server.url)
    block = 1_000_000
    try:
        workers.start("consume", "c0")
        workers.start("consume", "c1")
        publisher = workers.start("publish", 0, block)
        deadline = time.monotonic() + 60
        while not all(workers.lines("publish") + workers.lines("consume")):  # a bus is opened on a server that answers
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for _ in range(4):
            time.sleep(1.5)
            redis_server.kill()
            time.sleep(0.3)
            redis_server.start()
        time.sleep(1.0)
        assert publisher.poll() is None, "the publisher did not ride it out"
        publisher.kill()
        time.sleep(1.0)
    finally:
        workers.kill_all()
    with open_bus(redis_server.url, policy=POLICY) as bus:
        promised, consumed = check(workers, bus, block)
    assert promised > 1_000
    assert consumed > 0.9 * promised
