"""Whether a project can be trained on: its tests collect, fail on the untouched code, pass on the solution, and say the
same in any order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from blampert_env.errors import ProjectError
from blampert_env.projects import Project, load_solution

SHUFFLES = 5
_PLUGIN = """\
import json, os, random

_outcomes = {}


def pytest_collection_modifyitems(items):
    random.Random(int(os.environ["BLAMPERT_SHUFFLE_SEED"])).shuffle(items)


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        worse = _outcomes.get(report.nodeid) not in (None, "passed")
        if not worse:
            _outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish():
    with open(os.environ["BLAMPERT_SHUFFLE_REPORT"], "w") as file:
        json.dump(_outcomes, file)
"""
Status = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, what came of it, and one line on that."""

    check: str
    status: Status
    text: str


def check_project(
    folder: Path, python: str | None = None, say: Callable[[str], None] = lambda line: None
) -> list[Finding]:
    """Run every check; those that depend on one that failed are skipped.

    Args:
        folder: The project.
        python: The interpreter that runs the tests; this one by default.
        say: Called with a line before something that takes time.

    Raises:
        GraderError: The grader itself failed.
    """
    return list(_checks(folder, python, say))


def _checks(folder: Path, python: str | None, say: Callable[[str], None]) -> Iterator[Finding]:
    from blampert_env.grading import make_grader

    try:
        project = Project.load(folder)
    except ProjectError as error:
        yield Finding("targets", "failed", str(error))
        return
    names = ", ".join(target.name for target in project.targets)
    yield Finding("targets", "ok", f"{len(project.targets)} found: {names}")
    with make_grader(project, python=python) as grader:
        say("running the tests on the untouched code")
        try:
            baseline = grader.baseline
        except ProjectError as error:
            yield Finding("collect", "failed", str(error))
            return
        yield Finding("collect", "ok", f"{baseline.total} tests in {len(project.tests)} files")
        if baseline.killed:
            yield Finding(
                "untouched", "failed", f"its run was ended ({baseline.killed}): make the tests end by themselves"
            )
            return
        failing = baseline.total - baseline.passed
        if baseline.all_passed:
            text = "every test passes before anything is written: add tests of what the TODOs ask for"
            yield Finding("untouched", "failed", text)
        else:
            yield Finding("untouched", "ok", f"{failing} of {baseline.total} tests fail, as they should")
        say("running the tests on the solution")
        solution = load_solution(folder)
        yield from _solution(project, solution, grader.grade, python)
    say(f"running the tests {SHUFFLES} times in another order")
    yield _deterministic(project, solution, python, timeout_s=max(60.0, 20 * baseline.duration_s))


def _solution(
    project: Project, solution: Mapping[str, str], grade: Callable[[Mapping[str, str]], Any], python: str | None
) -> Iterator[Finding]:
    """The visible and the held-out tests on the reference solution."""
    from blampert_env.grading import make_grader

    if not solution:
        yield Finding(
            "solution", "skipped", "none given; with solution/<file>.py it can be seen that the tests can pass"
        )
        return
    unknown = sorted(set(solution) - set(project.sources))
    if unknown:
        yield Finding("solution", "failed", f"solution/{unknown[0]} stands for no source of the project: rename it")
        return
    report = grade(solution)
    wrong = [test for test, outcome in report.outcomes.items() if outcome != "passed"]
    if wrong:
        yield Finding(
            "solution", "failed", f"{report.passed} of {report.total} tests pass; the first that does not: {wrong[0]}"
        )
    else:
        yield Finding("solution", "ok", f"passes all {report.total} tests")
    if project.held_out:
        try:
            with make_grader(project, python=python, tests="held_out") as grader:
                hidden = grader.grade(solution)
        except ProjectError as error:
            yield Finding("held-out", "failed", str(error))
            return
        status: Status = "ok" if hidden.all_passed else "failed"
        yield Finding("held-out", status, f"the solution passes {hidden.passed} of {hidden.total}")


def _deterministic(project: Project, solution: Mapping[str, str], python: str | None, timeout_s: float) -> Finding:
    """The outcome of each test must be the same in every order, on the solution if there is one."""
    import sys

    runs = []
    for seed in range(SHUFFLES):
        outcomes = _shuffled_run(project, solution, python or sys.executable, seed, timeout_s)
        if isinstance(outcomes, str):
            return Finding("deterministic", "failed", f"shuffled with seed {seed}, {outcomes}")
        runs.append(outcomes)
    differing = sorted(
        {test for run in runs for test in run.keys() | runs[0].keys() if run.get(test) != runs[0].get(test)}
    )
    what = "the solution" if solution else "the untouched code"
    if differing:
        seen = ", ".join(sorted({str(run.get(differing[0], "missing")) for run in runs}))
        more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
        text = f"{differing[0]}{more}: {seen} in {SHUFFLES} orders; make the tests independent of one another"
        return Finding("deterministic", "failed", text)
    return Finding("deterministic", "ok", f"{SHUFFLES} shuffled runs on {what} say the same")


def _shuffled_run(
    project: Project, solution: Mapping[str, str], python: str, seed: int, timeout_s: float
) -> dict[str, str] | str:
    """Test id to outcome of one run in a temporary copy; or what went wrong. The code is the user's own: no jail."""
    with tempfile.TemporaryDirectory(prefix="blampert-check-") as scratch:
        root, plugin = Path(scratch, "project"), Path(scratch, "plugin")
        files: dict[str, str | bytes] = {**project.sources, **project.tests, **project.support, **solution}
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content.encode() if isinstance(content, str) else content)
        plugin.mkdir()
        (plugin / "blampert_shuffle.py").write_text(_PLUGIN)
        report = Path(scratch, "report.json")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
        environment |= {
            "BLAMPERT_SHUFFLE_SEED": str(seed),
            "BLAMPERT_SHUFFLE_REPORT": str(report),
            "PYTHONPATH": os.pathsep.join([str(plugin), str(root)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "TMPDIR": scratch,
        }
        command = [
            python,
            "-m",
            "pytest",
            "-q",
            "-p",
            "blampert_shuffle",
            "-p",
            "no:cacheprovider",
            "-o",
            "addopts=",
            *sorted(project.tests),
        ]
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return f"the tests take longer than {timeout_s:.0f} s"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if not report.is_file():
            return f"pytest ended with exit code {process.returncode} and no result"
        return dict(json.loads(report.read_text()))


def problems(findings: list[Finding]) -> list[Finding]:
    """Those that failed."""
    return [finding for finding in findings if finding.status == "failed"]
