"""What watching costs: scrapes of the exporter, opening the dashboard on a long run, and what a training pays for both.

The run of 100,000 steps is made up (no LM wrote it) and is there to be read only: its rows have the size of real ones.
The exporter is scraped while its process trains: a thread plays real steps (sample pool, real grader), as they come
from the embedded LM. What a step pays is measured on its own, since it is less than the noise of whole runs.

    python benchmarks/bench_monitoring.py [--scrapers 50] [--seconds 20] [--steps 100000] [--runs 7]
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from machine import finish, print_table

FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
SCRAPER = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"


def percentile(values: list[float], share: float) -> float:
    """The smallest value that ``share`` of the values do not exceed."""
    return sorted(values)[max(0, round(share * len(values)) - 1)]


@contextmanager
def training(folder: Path) -> Iterator[tuple[Any, list[float]]]:
    """A run that goes on in a thread: its figures, and the seconds of its steps."""
    import gymnasium as gym
    import numpy as np

    import blampert_env  # noqa: F401
    from blampert_env.telemetry import ActionStore, Recorder
    from blampert_env.telemetry.exporter import LiveStatus, RunFigures
    from blampert_env.training.events import step_event
    from blampert_env.training.rollout import Job, Step

    env = gym.make("Blampert-Calculator-v0", lm="embedded")
    inner = env.unwrapped
    figures = RunFigures("bench", circuit=lambda: inner.coder.lm.circuit.as_dict())
    seconds: list[float] = []
    stop = threading.Event()
    rng = np.random.default_rng(0)

    def play() -> None:
        with Recorder([ActionStore(folder / "actions.db"), figures]) as recorder, LiveStatus(figures, folder):
            episode = 0
            while not stop.is_set():
                env.reset(seed=episode % 4)
                terminated = truncated = False
                index = 0
                while not (terminated or truncated or stop.is_set()):
                    action = int(rng.choice(np.flatnonzero(inner.action_masks())))
                    started = time.perf_counter()
                    *_, terminated, truncated, _ = env.step(action)
                    seconds.append(time.perf_counter() - started)
                    job = Job("calculator", episode, episode)
                    step = Step(job, inner, 0, index, inner.last_step, terminated, truncated, 0.0)
                    recorder.record(step_event(step, run_id="bench", iteration=episode))
                    index += 1
                episode += 1

    thread = threading.Thread(target=play)
    thread.start()
    while len(seconds) < 20:  # DSPy is loaded, the first samples are there
        time.sleep(0.1)
    yield figures, seconds
    stop.set()
    thread.join()
    env.close()


SCRAPE = """
import asyncio, json, random, sys, time
import aiohttp
url, accept = sys.argv[1:3]
scrapers, duration, pause = int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])
async def scrape(session, times, until):
    await asyncio.sleep(random.random() * pause)
    while time.perf_counter() < until:
        started = time.perf_counter()
        async with session.get(url, headers={"Accept": accept}) as answer:
            body = await answer.read()
            assert answer.status == 200 and body
        times.append(time.perf_counter() - started)
        await asyncio.sleep(max(0.0, pause - (time.perf_counter() - started)))
async def main():
    times = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        until = time.perf_counter() + duration
        await asyncio.gather(*(scrape(session, times, until) for _ in range(scrapers)))
    print(json.dumps(times))
asyncio.run(main())
"""


def scrape(url: str, accept: str, scrapers: int, seconds: float, pause: float) -> list[float]:
    """Seconds of every scrape by ``scrapers`` clients of another process, each asking every ``pause`` seconds."""
    arguments = [sys.executable, "-c", SCRAPE, url, accept, str(scrapers), str(seconds), str(pause)]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    return list(json.loads(done.stdout))


def exporter_times(arguments: argparse.Namespace, folder: Path) -> dict[str, list[float]]:
    """Scrapes of a training process: as JSON and as text, each scraper once a second; and all of them without pause."""
    from blampert_env.telemetry.exporter import Exporter

    with training(folder) as (figures, _), Exporter(figures, 0) as exporter:
        url = f"{exporter.url}/metrics"
        return {
            "json": scrape(url, "application/json", arguments.scrapers, arguments.seconds, 1.0),
            "text": scrape(url, SCRAPER, arguments.scrapers, arguments.seconds, 1.0),
            "text, without pause": scrape(url, SCRAPER, arguments.scrapers, arguments.seconds / 4, 0.0),
        }


def cost_to_training(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Processor seconds that watching takes of a training process, as shares of its time."""
    from blampert_env.telemetry.exporter import Exporter, LiveStatus, RunFigures
    from blampert_env.training.events import step_event  # noqa: F401 (loads what a training has loaded)

    with training(folder) as (figures, seconds):
        time.sleep(5)
        step_s = min(seconds[10:])  # the shortest pays the largest share
    event = made_up_event(folder.name, 1, random.Random(0))
    rounds = 2000
    started = time.perf_counter()
    for _ in range(rounds):
        figures.write(event)
    write_s = (time.perf_counter() - started) / rounds
    status = LiveStatus(figures, folder)
    started = time.perf_counter()
    for _ in range(200):
        status._write()
    status_s = (time.perf_counter() - started) / 200
    quiet = RunFigures("bench")
    quiet.write(event)
    with Exporter(quiet, 0) as exporter:
        scrape(f"{exporter.url}/metrics", SCRAPER, 1, 1.0, 0.1)
        before = time.process_time(), time.perf_counter()
        scrape(f"{exporter.url}/metrics", SCRAPER, arguments.scrapers, arguments.seconds / 2, 15.0)
        scraped = (time.process_time() - before[0]) / (time.perf_counter() - before[1])
    return {"step_s": step_s, "write_s": write_s, "status_s": status_s, "scraped_share": scraped}


def made_up_event(run: str, number: int, rng: random.Random, *, steps: int = 1) -> Any:
    """A step of no LM, as large as a real one."""
    from blampert_env.telemetry import StepEvent

    gain = rng.random() < 0.3 + 0.4 * number / steps
    place = number % 8
    passed = min(24, 3 * place + 3 * gain)
    return StepEvent(
        run_id=run,
        env_id="Blampert-Calculator-v0",
        project=("calculator", "data_processor", "math_operations")[number // 8 % 3],
        episode=number // 8,
        iteration=number // 24,
        worker=0,
        step=place,
        seed=number // 8,
        target=f"calculator.py::Calculator.f{number % 4}",
        strategy=rng.choice(["complete", "direct", "examples", "minimal", "plan", "repair"]),
        outcome="solved" if passed == 24 else "improved" if gain else "worse",
        reward=0.25 * gain - 0.1,
        reward_terms={"progress": 0.25 * gain, "attempt": -0.02, "tokens": -0.08},
        tests_passed=passed,
        tests_total=24,
        accepted=gain,
        lm_calls=1,
        prompt_tokens=300,
        completion_tokens=rng.randrange(40, 200),
        cached=rng.random() < 0.5,
        lm_latency_s=4 * rng.random(),
        grade_s=0.2,
        env_overhead_s=0.001,
        diff="+    return a + b  # a line of a diff\n" * 25,
        source="def f(a, b):\n" + "    x = a + b\n" * 20,
        model="none: made up for a benchmark",
        terminated=passed == 24,
        truncated=place == 7 and passed < 24,
        wall_time=1.7e9 + number,
        test_output="E       assert 1 == 2\n" * 50,
    )


def write_run(folder: Path, steps: int) -> None:
    """A run folder of made-up steps."""
    from blampert_env.telemetry import ActionStore

    folder.mkdir(parents=True)
    config = {"algo": "none: made up for a benchmark", "projects": ["calculator"], "seed": 0}
    (folder / "config.json").write_text(json.dumps(config))
    rng = random.Random(0)
    with ActionStore(folder / "actions.db") as store:
        for number in range(steps):
            store.write(made_up_event(folder.name, number, rng, steps=steps))


def opening_times(folder: Path, runs: int) -> dict[str, list[float]]:
    """Seconds from asking for the page until figures, tables and the charts in view are drawn, by a fresh Chromium."""
    from playwright.sync_api import sync_playwright

    from blampert_env.telemetry.dashboard.board import Board
    from blampert_env.telemetry.dashboard.server import DashboardServer

    times: dict[str, list[float]] = {"just started": [], "running": []}
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    for _ in range(runs):
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=binary, args=list(FLAGS))
            browser.new_page().goto("about:blank")
            with DashboardServer(Board([folder.parent]), port=0) as server:  # has read nothing yet
                for name in times:
                    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
                    started = time.perf_counter()
                    page.goto(server.url)
                    page.wait_for_selector("html[data-drawn]")
                    times[name].append(time.perf_counter() - started)
                    page.close()
            browser.close()
    return times


def verdict(value: float, limit: float, text: str) -> str:
    """The target, and whether it is met."""
    return f"<= {text}: {'met' if value <= limit else 'NOT met'}"


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="blampert-bench-") as name:
        folder = Path(name) / "bench"
        folder.mkdir()
        cost = cost_to_training(arguments, folder)
        scrapes = exporter_times(arguments, folder)
        write_run(Path(name) / "logs" / "long_1", arguments.steps)
        opening = opening_times(Path(name) / "logs" / "long_1", arguments.runs)
    rows = []
    for kind, times in scrapes.items():
        p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
        target = "" if "pause" in kind else verdict(p99, 0.020, "20 ms")
        what = f"/metrics as {kind}, {arguments.scrapers} scrapers"
        rows.append([what, f"p50 {1000 * p50:.1f} ms, p99 {1000 * p99:.1f} ms of {len(times):,}", target])
    for kind, times in opening.items():
        spread = f"median {statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f})"
        what = f"dashboard opens, {arguments.steps:,} steps, server {kind}"
        rows.append([what, spread, verdict(statistics.median(times), 2.0, "2 s")])
    share = cost["write_s"] / cost["step_s"] + cost["status_s"] + cost["scraped_share"]
    rows += [
        ["counting a step", f"{1e6 * cost['write_s']:.0f} us of {1000 * cost['step_s']:.1f} ms, the shortest step", ""],
        ["status.json, once a second", f"{1000 * cost['status_s']:.2f} ms", ""],
        [f"{arguments.scrapers} scrapers every 15 s", f"{100 * cost['scraped_share']:.2f} % of a core", ""],
        ["all three, of a training's time", f"{100 * share:.2f} %", verdict(share, 0.01, "1 %")],
    ]
    print_table(["what", "measured", "to reach"], rows)
    figures = {"scrapes_s": {k: sorted(v)[:: max(1, len(v) // 200)] for k, v in scrapes.items()}}
    finish("monitoring", {**figures, "opening_s": opening, "cost": cost, "rows": rows})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scrapers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=7)
    run(parser.parse_args())
