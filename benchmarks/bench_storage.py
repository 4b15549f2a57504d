"""Message bus and records under load: messages a second, rows a second, queries over a million rows.

A message is a step's `agent.actions` event (0.6 kB of JSON). "end to end" is published, stored, given to a subscriber
and to a consumer group, and acknowledged by the group. In process they are three threads; the durable bus is measured
between two processes. A row is a step with 0.5 kB of source and diff; prompts repeat as they do in a pool of samples.

    python benchmarks/bench_storage.py [--messages 200000] [--rows 1000000] [--runs 5] [--redis]
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from machine import finish, print_table

from blampert_env.telemetry import ActionStore, EpisodeEvent, StepEvent
from blampert_env.telemetry.bus import Policy, open_bus
from blampert_env.telemetry.bus.sink import BusSink
from blampert_env.telemetry.learning_sink import LearningSink
from blampert_env.telemetry.learning_store import LearningStore

TOPIC = "agent.actions"
POLICY = Policy(max_length=10_000_000, max_buffer=10_000_000, max_buffer_bytes=2**33)
BATCH = 500


def step(number: int = 0, rng: random.Random | None = None) -> StepEvent:
    """A step such as training makes, 5,000 a run."""
    rng = rng or random.Random(number)
    return StepEvent(
        run_id=f"thompson_{number // 5_000}",
        env_id="Blampert-Calculator-v0",
        project=rng.choice(["calculator", "math_operations", "data_processor", "own_project"]),
        episode=number // 12,
        iteration=number // 36,
        worker=0,
        step=number % 12,
        seed=rng.randrange(2**31),
        target="calculator.py::Calculator.add",
        strategy=rng.choice(["complete", "direct", "minimal", "plan", "examples", "repair", "complete-tests"]),
        outcome=rng.choice(["improved", "same", "worse", "solved"]),
        reward=rng.uniform(-1, 1),
        reward_terms={"progress": rng.uniform(-1, 1), "tokens": -0.02},
        tests_passed=rng.randrange(24),
        tests_total=24,
        accepted=rng.random() < 0.5,
        lm_calls=1,
        prompt_tokens=180,
        completion_tokens=40,
        cached=rng.random() < 0.5,
        lm_latency_s=0.9,
        grade_s=0.2,
        env_overhead_s=0.001,
        diff="--- a/calculator.py\n+++ b/calculator.py\n" + "+    return a + b\n" * 15,
        source="def add(self, a: float, b: float) -> float:\n" + "    return a + b\n" * 12,
        model="embedded/qwen2.5-coder-0.5b",
        terminated=number % 12 == 11,
        truncated=False,
        wall_time=1.7e9 + number,
        prompt=f'[{{"role": "user", "content": "prompt {rng.randrange(400)} {"x" * 600}"}}]',
        reply="    return a + b\n" * 3,
    )


def value() -> dict[str, Any]:
    """What a step publishes on ``agent.actions``."""
    whole = step().to_dict()
    return {name: item for name, item in whole.items() if name not in ("source", "diff", "prompt", "reply")}


def in_process(messages: int) -> float:
    """Messages a second, end to end, between three threads."""
    sent = value()
    with open_bus(policy=POLICY) as bus, bus.subscribe("agent.*") as seen, bus.consume(TOPIC, "g", "a") as mine:

        def publish() -> None:
            for _ in range(messages):
                bus.publish(TOPIC, sent)

        threads = [
            threading.Thread(target=it) for it in (publish, lambda: read(seen, messages), lambda: take(mine, messages))
        ]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return messages / (time.perf_counter() - started)


def read(subscription: Any, messages: int) -> None:
    """Receive so many."""
    while messages > 0:
        messages -= len(subscription.get_many(BATCH, 10))


def take(consumer: Any, messages: int) -> None:
    """Receive and acknowledge so many."""
    while messages > 0:
        found = consumer.get_many(BATCH, 30)
        assert consumer.ack(*found) == len(found)
        messages -= len(found)


def publish_only(address: str | None, messages: int) -> float:
    """Messages a second until every one of them is stored."""
    sent = value()
    with open_bus(address, policy=POLICY) as bus:
        started = time.perf_counter()
        for _ in range(messages):
            assert bus.publish(TOPIC, sent)
        bus.flush()
        return messages / (time.perf_counter() - started)


def consumer_process(address: str, messages: int, ready: Any, done: Any) -> None:
    """The other end of :func:`between_processes`."""
    with (
        open_bus(address, policy=POLICY) as bus,
        bus.consume(TOPIC, "g", "a") as mine,
        bus.subscribe("agent.*") as seen,
    ):
        ready.set()
        reader = threading.Thread(target=read, args=(seen, messages))
        reader.start()
        take(mine, messages)
        reader.join()
        done.set()


def between_processes(address: str, messages: int) -> float:
    """Messages a second, end to end, from this process to another."""
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=consumer_process, args=(address, messages, ready, done))
    other.start()
    sent = value()
    with open_bus(address, policy=POLICY) as bus:
        ready.wait()
        started = time.perf_counter()
        for _ in range(messages):
            assert bus.publish(TOPIC, sent)
        done.wait()
        rate = messages / (time.perf_counter() - started)
    other.join()
    return rate


def sink_cost(address: str, steps: int = 2_000) -> float:
    """Seconds of processor time that a step's publishing costs, its writer thread's included."""
    event = step()
    with open_bus(address) as bus:
        sink = BusSink(bus, "bench")
        started = time.process_time()
        for _ in range(steps):
            sink.write(event)
        bus.flush()
        cost = (time.process_time() - started) / steps
        sink.close()
    return cost


def batches(rows: int, size: int = 1_000) -> Iterator[list[StepEvent]]:
    """Steps of many runs, made before the clock runs."""
    rng = random.Random(0)
    for first in range(0, rows, size):
        yield [step(number, rng) for number in range(first, first + size)]


def fill(path: Path, rows: int, part: int = 50_000) -> list[float]:
    """Write so many rows in batches of 1,000; rows a second of each part, the making of the events left out."""
    rates, spent, written = [], 0.0, 0
    with ActionStore(path) as store:
        for batch in batches(rows):
            started = time.perf_counter()
            store.write_many(batch)
            spent += time.perf_counter() - started
            written += len(batch)
            if written % part == 0:
                rates.append(part / spent)
                spent = 0.0
    return rates


def queries(path: Path, runs: int, rows: int) -> dict[str, list[float]]:
    """Seconds of each query, with a store that was just opened; another name each time."""
    rng = random.Random(0)
    times: dict[str, list[float]] = {}
    names = [f"thompson_{rng.randrange(max(1, rows // 5_000))}" for _ in range(runs)]
    for name in names:
        asked: dict[str, Callable[[ActionStore], object]] = {
            "sums by run": lambda store: store.totals(by="run_id"),
            "sums by project": lambda store: store.totals(by="project"),
            "sums by strategy": lambda store: store.totals(by="strategy"),
            "sums by strategy, one run": lambda store, name=name: store.totals(by="strategy", run_id=name),  # type: ignore[misc]
            "newest 100 steps of a run": lambda store, name=name: store.rows(name, limit=100, newest=True),  # type: ignore[misc]
            "newest 100 steps of a project": lambda store: store.rows(project="calculator", limit=100, newest=True),
            "newest 100 steps of a strategy": lambda store: store.rows(strategy="plan", limit=100, newest=True),
        }
        for what, ask in asked.items():
            with ActionStore(path, readonly=True) as store:
                started = time.perf_counter()
                assert ask(store)
                times.setdefault(what, []).append(time.perf_counter() - started)
    return times


def episodes(folder: Path, count: int) -> list[float]:
    """Seconds to write an episode's learning data at its end, of a run whose steps are in the store."""
    times = []
    with ActionStore(folder / "steps.db") as store:
        sink = LearningSink(LearningStore(folder / "learning.json"), store, "thompson_0", {"algo": "thompson"})
        store.write_many([step(number) for number in range(240)])
        for number in range(count):
            for index in range(12):
                sink.write(step(12 * number + index))
            fields = {"run_id": "thompson_0", "env_id": "e", "project": "calculator", "iteration": 0, "worker": 0}
            done = EpisodeEvent(
                **fields, episode=number, seed=0, ret=1.0, length=12, is_success=True, tests_before=0, tests_after=24,
                tests_total=24,
            )  # fmt: skip
            started = time.perf_counter()
            sink.write(done)
            times.append(time.perf_counter() - started)
    return times


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    figures: dict[str, list[float]] = {}
    rows: list[list[str]] = []

    def rate(what: str, values: list[float], least: float | None = None, unit: str = "/s") -> None:
        figures[what] = values
        verdict = "" if least is None else f">= {least:,.0f}{unit}: {'met' if median(values) >= least else 'NOT met'}"
        rows.append([what, *(f"{it:,.0f}{unit}" for it in (min(values), median(values), max(values))), verdict])

    def duration(what: str, values: list[float], most_ms: float | None = None) -> None:
        figures[what] = values
        verdict = (
            "" if most_ms is None else f"<= {most_ms:g} ms: {'met' if 1000 * max(values) <= most_ms else 'NOT met'}"
        )
        rows.append([what, *(f"{1000 * it:.2f} ms" for it in (min(values), median(values), max(values))), verdict])

    with tempfile.TemporaryDirectory(prefix="blampert-bench-") as scratch:
        folder, messages = Path(scratch), arguments.messages
        few = messages // 4
        buses = [str(folder / f"bus{index}.db") for index in range(2 * arguments.runs)]
        rate("LocalBus in process, end to end", [in_process(messages) for _ in range(arguments.runs)], 100_000)
        rate("LocalBus in a file, until stored", [publish_only(it, few) for it in buses[::2]], 10_000)
        rate("LocalBus in a file, end to end, 2 processes", [between_processes(it, few) for it in buses[1::2]], 10_000)
        if arguments.redis:
            redis(rate, folder, few, arguments.runs)
        costs = [sink_cost(str(folder / f"sink{index}.db")) for index in range(arguments.runs)]
        duration("publishing a step, processor time (1 % of a 200 ms step is 2 ms)", costs, 2.0)
        rate("action store, batches of 1,000", fill(folder / "actions.db", arguments.rows), 20_000, " rows/s")
        for what, values in queries(folder / "actions.db", 4 * arguments.runs, arguments.rows).items():
            duration(f"{what}, of {arguments.rows:,}", values, 50.0)
        duration("learning data, an episode's end", episodes(folder, 50))
    print_table(["what", "min", "median", "max", "to reach (rates: median; times: the slowest)"], rows)
    print("\nseed 0; each figure over the repetitions that its row names, or as many as --runs says")
    finish("storage", figures)


def redis(rate: Callable[..., None], folder: Path, messages: int, runs: int) -> None:
    """The same over a redis-server of our own, which syncs every write."""
    import sys

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from tests.redis_server import RedisServer

    server = RedisServer(folder)
    server.start()
    try:
        addresses = [f"{server.url.removesuffix('/0')}/{index}" for index in range(2 * runs)]
        rate("Redis (appendfsync always), until stored", [publish_only(it, messages) for it in addresses[:runs]])
        ends = [between_processes(it, messages) for it in addresses[runs:]]
        rate("Redis (appendfsync always), end to end, 2 processes", ends)
    finally:
        server.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--redis", action="store_true", help="measure a redis-server too")
    run(parser.parse_args())
