"""Plain ``python -m pytest`` on a copy of the project: what it says of every test, and how long the process takes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from blampert_env.errors import ProjectError
from blampert_env.projects import Project

LIMIT_S, IMPORT_S = 300.0, 60.0
_CACHES = {"__pycache__", "node_modules", ".git", ".hg", ".tox", ".nox", ".venv", ".eggs", ".hypothesis"}
_WORSE = ("passed", "skipped", "failed", "error")
_PLUGIN = """\
import json, os

_file = open(os.environ["BLAMPERT_OUTCOMES"], "a", buffering=1, encoding="utf-8")


def _say(**what):
    _file.write(json.dumps(what) + "\\n")


def pytest_collectstart(collector):
    _say(importing=collector.nodeid)


def pytest_collectreport(report):
    if report.failed:
        _say(broken=report.nodeid, why=(str(report.longrepr).strip().splitlines() or [""])[-1])


def pytest_collection_finish(session):
    _say(collected=len(session.items))


def pytest_runtest_logstart(nodeid):
    _say(running=nodeid)


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        outcome = "error" if report.when != "call" and report.failed else report.outcome
        _say(test=report.nodeid, outcome=outcome)


def pytest_sessionfinish(exitstatus):
    _say(end=int(exitstatus))
"""


@dataclass
class PlainRun:
    """One pytest process.

    Attributes:
        outcomes: Test id to ``passed``, ``skipped``, ``failed`` or ``error``.
        broken: What cannot be imported, and why.
        seconds: Wall-clock time of the process.
        collected: How many tests; None if it did not come that far.
        killed: It was ended at the limit.
        code: Pytest's exit code; None if it did not come to its end.
        at: The file or test that it was at last.
        said: The last line that it printed and that says why it did not start.
    """

    outcomes: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    collected: int | None = None
    killed: bool = False
    code: int | None = None
    at: str = ""
    said: str = ""

    @property
    def started(self) -> bool:
        """Pytest took its configuration and collected."""
        return self.collected is not None

    def take(self, lines: Iterable[str]) -> None:
        """Read what the plugin wrote."""
        for line in lines:
            with suppress(ValueError):  # the last line of a process that was killed
                self._take(json.loads(line))

    def _take(self, said: Mapping[str, str | int]) -> None:
        if "test" in said:
            test, outcome = str(said["test"]), str(said["outcome"])
            self.outcomes[test] = max(outcome, self.outcomes.get(test, "passed"), key=_WORSE.index)
        elif "broken" in said:
            self.broken[str(said["broken"])] = str(said["why"])
        elif "collected" in said:
            self.collected = max(int(said["collected"]), self.collected or 0)
        elif "end" in said:
            self.code = int(said["end"])
        else:
            self.at = str(said.get("importing") or said.get("running") or self.at)


@contextmanager
def copied(project: Project, sources: Mapping[str, str]) -> Iterator[Path]:
    """A copy of the project's folder with these sources, without what belongs to Blampert; removed at the end.

    Raises:
        ProjectError: The folder cannot be copied.
    """
    assert project.root is not None
    top = str(project.root)

    def left_out(folder: str, names: list[str]) -> set[str]:
        here = Path(folder)
        found = {name for name in names if name in _CACHES or name.endswith("_cache") or (here / name).is_fifo()}
        found |= {name for name in names if (here / name / "pyvenv.cfg").exists()}
        return found | ({"solution", "held_out"} & set(names) if folder == top else set())

    with tempfile.TemporaryDirectory(prefix="blampert-check-", ignore_cleanup_errors=True) as scratch:
        root = Path(scratch, project.root.name)
        try:
            shutil.copytree(project.root, root, symlinks=True, ignore=left_out)
            for path, text in sources.items():
                if text != project.sources.get(path):
                    (root / path).write_bytes(text.encode())
        except OSError as error:
            raise ProjectError(f"cannot copy {project.root} ({error}): check its permissions and the room") from error
        yield root


def run_plain(
    project: Project, root: Path, python: str, *, options: Sequence[str] = (), limit_s: float = LIMIT_S
) -> PlainRun:
    """``python -m pytest`` as a developer of the project types it, importable as after ``pip install -e``.

    Args:
        project: For its arguments and where its modules lie.
        root: A copy of it.
        python: The interpreter.
        options: More of the command line.
        limit_s: Seconds after which it is ended; after a minute if it is still importing, as a grader does it.
    """
    with tempfile.TemporaryDirectory(prefix="blampert-plain-", ignore_cleanup_errors=True) as scratch:
        Path(scratch, "blampert_outcomes.py").write_text(_PLUGIN)
        lines = Path(scratch, "outcomes")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "BLAMPERT"))}
        path = [scratch, *(str(root / folder) for folder in project.import_roots)]
        command = [python, "-m", "pytest", "-q", "-p", "blampert_outcomes", "-p", "no:cacheprovider", "--rootdir=."]
        command += ["--continue-on-collection-errors", f"--basetemp={scratch}/tmp", *options, *project.arguments]
        started = time.perf_counter()
        # to a file: children that outlive pytest would keep a pipe open
        with Path(scratch, "output").open("w+", encoding="utf-8", errors="replace") as output:
            process = subprocess.Popen(
                command,
                cwd=root,
                env={**kept, "PYTHONPATH": os.pathsep.join(path), "BLAMPERT_OUTCOMES": str(lines)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                killed = not _ends(process, lines, limit_s)
                seconds = time.perf_counter() - started
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # what the tests left behind, too
                process.wait()
            output.seek(0)
            said = [line.strip() for line in output if line.strip()]
        found = _read(lines)
        found.seconds, found.killed = seconds, killed
        errors = [line for line in said if "error" in line.lower() or "required" in line]
        found.said = (errors or said or [f"exit code {process.returncode}"])[-1]
    return found


def _ends(process: subprocess.Popen[bytes], lines: Path, limit_s: float) -> bool:
    """Whether it ends by itself in time; one that still imports gets less time."""
    first_s = min(limit_s, IMPORT_S)
    for timeout_s in (first_s, limit_s - first_s):
        try:
            process.wait(timeout_s)
            return True
        except subprocess.TimeoutExpired:
            if not _read(lines).started:
                break
    return False


def _read(lines: Path) -> PlainRun:
    found = PlainRun()
    found.take(lines.read_text(encoding="utf-8").splitlines() if lines.is_file() else [])
    return found


def matched(tests: Iterable[str], found: Mapping[str, str]) -> dict[str, str]:
    """What ``found`` says of each test, ``missing`` where it says nothing.

    Ids may differ from process to process (an address or the time of day in a parameter): of the tests of one
    function, those that neither side knows by name are matched by position, if there are as many on both sides.
    """
    tests = list(tests)
    known = set(tests)
    strange: dict[str, list[str]] = defaultdict(list)
    nameless: dict[str, list[str]] = defaultdict(list)
    for test in found:
        if test not in known:
            strange[test.partition("[")[0]].append(test)
    for test in tests:
        if test not in found:
            nameless[test.partition("[")[0]].append(test)
    names = {test: test for test in tests}
    for function, ours in nameless.items():
        if len(ours) == len(strange[function]):
            names |= dict(zip(ours, strange[function], strict=True))
    return {test: found.get(names[test], "missing") for test in tests}
