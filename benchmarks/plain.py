"""Plain pytest in a folder: what it says of every test, and how long the whole process takes."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PLUGINS = Path(__file__).resolve().parent / "plugins"
MEMORY = 6 << 30  # a mutant may ask for all there is
_OWN_ERRORS = (3, 4)  # pytest.ExitCode: an internal error, a wrong command line
_WORSE = ("passed", "skipped", "failed", "error")


@dataclass(frozen=True)
class Run:
    """One pytest process.

    Attributes:
        outcomes: Test id to ``passed``, ``skipped``, ``failed`` or ``error``.
        seconds: Wall-clock time of the process.
        complete: Whether pytest came to its end, rather than a limit or a signal.
        is_broken: Whether pytest itself did not work, as it may use what is tested; its word means nothing then.
        tail: Last lines of what it printed.
    """

    outcomes: Mapping[str, str]
    seconds: float
    complete: bool
    is_broken: bool
    tail: str


def run(python: str, folder: Path, arguments: Sequence[str], limit_s: float) -> Run:
    """``python -m pytest`` as a developer of the project types it, importable as after ``pip install -e``.

    Files that cannot be imported do not end the run: their tests are missing in the outcomes.
    """
    with tempfile.TemporaryDirectory(prefix="blampert-plain-") as scratch:
        said = Path(scratch, "outcomes")
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("BLAMPERT", "PYTEST", "PYTHON"))},
            "PYTHONPATH": os.pathsep.join([str(folder / "src"), str(folder), str(PLUGINS)]),
            "BENCHMARK_OUTCOMES": str(said),
        }
        command = [python, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "pytest_outcomes"]
        command += ["--continue-on-collection-errors", f"--basetemp={scratch}/tmp", *arguments]
        started = time.perf_counter()
        code, output = _process(command, folder, environment, limit_s)
        seconds = time.perf_counter() - started
        outcomes = worst(said.read_text(encoding="utf-8") if said.is_file() else "")
    complete = outcomes.pop("", None) is not None
    is_broken = code in _OWN_ERRORS or (code >= 0 and not complete and not outcomes)
    return Run(outcomes, seconds, complete, is_broken, output[-2000:])


def _process(command: list[str], folder: Path, environment: dict[str, str], limit_s: float) -> tuple[int, str]:
    """Exit code and what it printed; the whole group is ended at the limit."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    try:
        output = process.communicate(timeout=limit_s)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output = process.communicate()[0]
    return process.returncode, output


def worst(lines: str) -> dict[str, str]:
    """Test id to the worst that was said of it; ``""`` stands for the run's end."""
    found: dict[str, str] = {}
    for line in lines.splitlines():
        test, outcome = json.loads(line)
        if not test or _WORSE.index(outcome) >= _WORSE.index(found.get(test, "passed")):
            found[test] = outcome
    return found
