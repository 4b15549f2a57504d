"""One repository, measured: plain pytest on it, then Blampert on the same edits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import plain
from comparison import truth, wrong
from mutants import exchanged, mutants, rewritten
from sources import HERE, Pin, SourceError, configure, interpreter, unpack

from blampert_env.grading import Grader, TestReport, make_grader
from blampert_env.projects import Project
from blampert_env.projects.files import load_solution

PLAIN_S = 300.0  # right code that takes longer is not measured
OPENING_S = 600


@dataclass(frozen=True)
class Options:
    """How to measure: runs of right code, seed, functions a repository, the interpreter below the environments."""

    runs: int = 3
    seed: int = 0
    functions: int = 3
    python: str = sys.executable


@dataclass
class Edit:
    """What is judged: ``stub`` or ``mutant``, its name, the files that differ from right code, plain pytest's word."""

    kind: str
    name: str
    files: dict[str, str]
    plain: plain.Run


@dataclass
class Figures:
    """What was found about one repository. ``why`` is empty unless it could not be measured to the end."""

    name: str
    tests: int = 0
    unstable: int = 0
    plain_passed: int = 0
    plain_runs_s: list[float] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    passed: int = 0
    wrong: list[str] = field(default_factory=list)
    judged: dict[str, dict[str, bool]] = field(default_factory=lambda: {"stub": {}, "mutant": {}})
    differences: dict[str, list[str]] = field(default_factory=dict)
    opening_first_s: float | None = None
    opening_again_s: float | None = None
    evaluations_s: list[float] = field(default_factory=list)
    ended: int = 0
    left_out: list[str] = field(default_factory=list)
    doors: dict[str, int] = field(default_factory=dict)
    why: str = ""

    @property
    def plain_s(self) -> float:
        """Median time of plain pytest on right code, compiled before, in turn with the evaluations."""
        return median(self.plain_runs_s) if self.plain_runs_s else 0.0

    @property
    def right(self) -> int:
        """Tests that right code got as plain pytest gives them; none if the repository could not be opened."""
        return self.tests - len(self.wrong) if self.evaluations_s else 0

    @property
    def ratio(self) -> float | None:
        """Median evaluation against plain pytest."""
        return median(self.evaluations_s) / self.plain_s if self.evaluations_s else None

    @property
    def worst_ratio(self) -> float | None:
        """Slowest evaluation that ended by itself against plain pytest."""
        return max(self.evaluations_s) / self.plain_s if self.evaluations_s else None

    def json(self) -> dict[str, Any]:
        """Everything, for the results file."""
        return asdict(self) | {
            "right": self.right,
            "plain_s": self.plain_s,
            "ratio": self.ratio,
            "worst_ratio": self.worst_ratio,
        }


class Bench:
    """A repository in a scratch folder."""

    def __init__(self, pin: Pin, archive: Path, options: Options, scratch: Path) -> None:
        self.pin, self.options, self.scratch = pin, options, scratch
        self.python = interpreter(pin.requires, options.python)
        (scratch / "sdist").mkdir()
        self.root = unpack(archive, scratch / "sdist")
        configure(self.root, pin)
        self.kept = scratch / "right"
        shutil.copytree(self.root, self.kept)
        self.limit_s = PLAIN_S
        self.found = Figures(pin.name)
        self.known: dict[tuple[tuple[str, str], ...], plain.Run] = {}

    def plain(self, files: Mapping[str, str]) -> plain.Run:
        """Plain pytest on a fresh copy with these files exchanged; asked once."""
        key = tuple(sorted(files.items()))
        if key not in self.known:
            with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
                copy = shutil.copytree(self.root, Path(folder, self.root.name))
                for path, text in files.items():
                    (copy / path).write_bytes(text.encode())
                self.known[key] = plain.run(self.python, copy, self.pin.tests, self.limit_s)
        return self.known[key]

    def right_code(self) -> dict[str, str]:
        """What plain pytest says of right code, by test."""
        runs = [plain.run(self.python, self.kept, self.pin.tests, self.limit_s) for _ in range(2)]
        if not all(run.complete and run.outcomes for run in runs):
            raise SourceError(f"plain pytest does not pass: {(runs[0].tail.strip().splitlines() or ['no output'])[-1]}")
        expected = truth([run.outcomes for run in runs])
        self.found.tests, self.found.unstable = len(expected), len(runs[0].outcomes) - len(expected)
        self.found.plain_passed = sum(outcome == "passed" for outcome in expected.values())
        self.found.plain_runs_s = [runs[1].seconds]
        self.limit_s = min(PLAIN_S, 10 * max(run.seconds for run in runs) + 10)
        return expected

    def project(self, expected: Mapping[str, str]) -> Project:
        """The repository as a project: functions chosen by the seed, each of which fails a test as a stub."""
        from blampert_env.projects.importers.repository import Validation, import_repository

        def validate(project: Project, right: Mapping[str, str]) -> Validation:
            stubs = {target.id: self.stub(project, right, target.id) for target in project.targets}
            runs = {one: self.plain(stub) for one, stub in stubs.items()}
            broken = {one: "pytest itself does not run without it" for one, run in runs.items() if run.is_broken}
            idle = [one for one, run in runs.items() if not wrong(expected, expected, run.outcomes)]
            return Validation(dict.fromkeys(idle, "fails no test as a stub") | broken)

        count, seed = self.options.functions, self.options.seed
        goal = self.scratch / "project" / self.root.name
        made = import_repository(self.root, goal, count=count, seed=seed, validate=validate)
        self.found.targets = list(made.targets)
        return made.project

    def stub(self, project: Project, right: Mapping[str, str], target: str) -> dict[str, str]:
        """The file in which this function alone is a stub."""
        path, _, qualname = target.partition("::")
        return {path: exchanged(right[path], project.sources[path], qualname)}

    def edits(self, project: Project, right: Mapping[str, str]) -> list[Edit]:
        """Every stub alone, and two mutants of each original, with plain pytest's word; none that breaks pytest."""
        found = []
        for target in self.found.targets:
            path, _, qualname = target.partition("::")
            found.append(("stub", target, self.stub(project, right, target)))
            for one in mutants(right[path], qualname, 2, self.options.seed):
                found.append(("mutant", f"{target} line {one.line} {one.kind}", {path: one.text}))
        judged = [Edit(kind, name, files, self.plain(files)) for kind, name, files in found]
        self.found.left_out = [edit.name for edit in judged if edit.plain.is_broken]
        return [edit for edit in judged if not edit.plain.is_broken]

    def rewritten(self, right: Mapping[str, str], number: int) -> dict[str, str]:
        """Right code that nobody has judged before, in every function."""
        files = dict(right)
        for target in self.found.targets:
            path, _, qualname = target.partition("::")
            files[path] = rewritten(files[path], qualname, number)
        return files

    def open_twice(self, folder: Path) -> None:
        """Opening in processes of their own: with an empty cache, then with what the first one left."""
        seconds = []
        for _ in range(2):
            command = [sys.executable, str(HERE / "opening.py"), str(folder), self.python]
            try:
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=OPENING_S
                )
            except subprocess.TimeoutExpired:
                raise SourceError(f"not open after {OPENING_S} s") from None
            if done.returncode != 0:
                raise SourceError((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
            seconds.append(float(done.stdout.split()[-1]))
        self.found.opening_first_s, self.found.opening_again_s = seconds

    def grade(self, grader: Grader, files: Mapping[str, str]) -> TestReport:
        """One evaluation, timed; those that a limit ends say nothing about speed."""
        started = time.perf_counter()
        report = grader.grade(files)
        if report.killed is None:
            self.found.evaluations_s.append(time.perf_counter() - started)
        else:
            self.found.ended += 1
        return report

    def judge(self, project: Project, right: Mapping[str, str], edits: list[Edit], expected: Mapping[str, str]) -> None:
        """Blampert's word on right code and on each edit, against plain pytest's."""
        mistaken: dict[str, None] = {}
        with make_grader(project, python=self.python) as grader:
            self.found.plain_runs_s = []
            _ = grader.baseline  # what opening takes is measured by itself
            for number in range(self.options.runs):
                again = plain.run(self.python, self.kept, self.pin.tests, self.limit_s)
                self.found.plain_runs_s.append(again.seconds)
                report = self.grade(grader, self.rewritten(right, number))
                mistaken |= dict.fromkeys(wrong(expected, expected, report.outcomes))
                if number == 0:
                    self.found.passed = report.passed
                    self.found.doors = dict(Counter(_doors(report).values()))
            self.found.wrong = list(mistaken)
            for edit in edits:
                report = self.grade(grader, {**right, **edit.files})
                differ = wrong(expected, edit.plain.outcomes, report.outcomes)
                both_ended = not edit.plain.complete and report.killed is not None
                is_alike = both_ended or (edit.plain.complete and not differ)
                self.found.judged[edit.kind][edit.name] = is_alike
                if not is_alike:
                    ended = f"plain pytest {'ended by itself' if edit.plain.complete else 'was ended'}"
                    self.found.differences[edit.name] = [f"{ended}; Blampert: {report.killed}", *differ[:20]]


def _doors(report: TestReport) -> Mapping[str, str]:
    """Test to the door it took."""
    doors: Mapping[str, str] | None = getattr(report, "doors", None)
    return doors if doors else dict.fromkeys(report.outcomes, report.method)


@contextmanager
def _own_cache(folder: Path) -> Iterator[None]:
    """A cache of Blampert's that starts empty."""
    before = os.environ.get("BLAMPERT_CACHE")
    os.environ["BLAMPERT_CACHE"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("BLAMPERT_CACHE")
        if before is not None:
            os.environ["BLAMPERT_CACHE"] = before


def measure(pin: Pin, archive: Path, options: Options) -> Figures:
    """Everything about one repository; what stops it half-way is said in ``why``."""
    with tempfile.TemporaryDirectory(prefix="blampert-repository-") as folder:
        found = Figures(pin.name)
        try:
            bench = Bench(pin, archive, options, Path(folder))
            found = bench.found
            expected = bench.right_code()
            project = bench.project(expected)
            assert project.root is not None
            right = load_solution(project.root)
            edits = bench.edits(project, right)
            with _own_cache(Path(folder, "cache")):
                bench.open_twice(project.root)
                bench.judge(project, right, edits, expected)
        except Exception as error:  # whatever it is, it is this repository's row, and the others go on
            found.why = f"{type(error).__name__}: {error}".removeprefix("SourceError: ").splitlines()[0][:200]
    return found
