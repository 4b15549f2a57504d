"""Grader: files in, TestReport out."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, get_args

from blampert_env.errors import GraderError
from blampert_env.grading import judge
from blampert_env.grading.cache import LruCache
from blampert_env.grading.evaluation import RunnerFailed, Setup, Tests, evaluate
from blampert_env.grading.files import candidate_sources, content_key, encode
from blampert_env.grading.layers import probe_layers
from blampert_env.grading.process import Run
from blampert_env.grading.report import TestReport
from blampert_env.grading.scratch import remove_stale
from blampert_env.projects import Project

Isolation = Literal["default", "strict", "none"]

TRUSTED_LIMIT_S = 60.0
MIN_LIMIT_S = 2.0
LIMIT_FACTOR = 10.0

# Trusted runs of this process: graders of the same project (vector environments, evaluations) share them.
_trusted: LruCache[_Trusted] = LruCache(64)


@dataclass(frozen=True, slots=True)
class _Trusted:
    """What the run of the untouched project gave."""

    baseline: TestReport
    limit_s: float


def make_grader(
    project: Project,
    isolation: Isolation = "default",
    timeout_s: float | None = None,
    python: str | None = None,
    tests: Tests = "visible",
) -> Grader:
    """A grader for a project; nothing runs before it is asked for something.

    Args:
        project: What is graded.
        isolation: ``default``: the best that this system offers; ``strict``: that, or an error unless every process of
            a candidate is certain to be killed; ``none``: a process group only, for trusted code.
        timeout_s: Seconds that the tests may take, from the start of pytest. None: ten times what those of the
            untouched project take, at least 2, so that a slow machine does not change the score.
        python: The interpreter that runs the tests, with pytest installed; this one by default.
        tests: Which tests count: ``visible``, ``held_out`` or ``all``.

    Raises:
        GraderError: An argument is none of these, or ``strict`` cannot be had.
    """
    return Grader(project, isolation=isolation, timeout_s=timeout_s, python=python, tests=tests)


class Grader:
    """Runs a project's tests over candidate files; a context manager, safe in several threads, picklable.

    The project's untouched state is run once (at most 60 s): its tests are the tests of every report.
    Pytest settings of the project (pytest.ini, pyproject.toml, tox.ini, setup.cfg) hold, except ``addopts``; plugins
    are loaded if requirements.txt names them. The root, ``src/`` and the folders of the tests are importable, behind
    the standard library and before installed packages.

    Args:
        project: What is graded.
        isolation: As for :func:`make_grader`.
        timeout_s: As for :func:`make_grader`.
        python: As for :func:`make_grader`.
        tests: As for :func:`make_grader`.
        cache_size: How many reports are kept, by content of the files; 0 keeps none. Reports on runs that were killed
            are never kept.

    Raises:
        GraderError: As for :func:`make_grader`.
    """

    def __init__(
        self,
        project: Project,
        *,
        isolation: Isolation = "default",
        timeout_s: float | None = None,
        python: str | None = None,
        tests: Tests = "visible",
        cache_size: int = 256,
    ) -> None:
        _check_choice("isolation", isolation, get_args(Isolation))
        _check_choice("tests", tests, get_args(Tests))
        if timeout_s is not None and not 0 < timeout_s < float("inf"):
            raise GraderError(f"timeout_s must be a number of seconds above 0, not {timeout_s}")
        if os.name == "nt":
            raise GraderError("grading needs POSIX process groups: run Blampert under WSL")
        self.project = project
        self.isolation = isolation
        self.timeout_s = timeout_s
        self.tests = tests
        self.python = _interpreter(python)
        self.cache_size = cache_size
        self._setup = Setup(project, tests, self.python, "none" if isolation == "none" else "best")
        self._open()
        if isolation == "strict" and "pid-namespace" not in probe_layers():
            raise GraderError("isolation='strict' needs PID namespaces, which this system refuses: use 'default'")
        remove_stale()

    def _open(self) -> None:
        self._reports: LruCache[TestReport] = LruCache(self.cache_size)
        self._lock = threading.Lock()

    def grade(self, files: Mapping[str, str | bytes]) -> TestReport:
        """Run the tests over a candidate.

        Args:
            files: Relative path to content of the candidate's sources; those left out are the project's. For files that
                are the project's but not sources (tests, conftest.py, configuration) the project's own content is used.

        Returns:
            The report; ``rejected`` if a path is not the project's, or a content is no text or above 2 MB.

        Raises:
            GraderError: The grader itself failed, twice.
            ProjectError: The untouched project cannot be graded.
        """
        trusted = self._trusted_run()
        sources = candidate_sources(self.project, files)
        if sources is None:
            return judge.rejected(tuple(trusted.baseline.outcomes))
        key = content_key(sources)
        report = self._reports.get(key)
        if report is None:
            limit_s = trusted.limit_s if self.timeout_s is None else self.timeout_s
            report = self._report(self._evaluate(sources, limit_s), tuple(trusted.baseline.outcomes))
            if report.killed is None:
                self._reports.put(key, report)
        return report.copy()

    @property
    def baseline(self) -> TestReport:
        """The report on the untouched project.

        Raises:
            GraderError: The grader itself failed, twice.
            ProjectError: Its tests cannot be collected, or there are none.
        """
        return self._trusted_run().baseline.copy()

    @property
    def test_ids(self) -> tuple[str, ...]:
        """The ids of the tests, in the order of the trusted run; raises as :attr:`baseline`."""
        return tuple(self._trusted_run().baseline.outcomes)

    @property
    def limit_s(self) -> float:
        """Seconds that a candidate's tests may take; raises as :attr:`baseline`."""
        return self._trusted_run().limit_s if self.timeout_s is None else self.timeout_s

    @property
    def layers(self) -> tuple[str, ...]:
        """The isolation layers in force, such as ``pid-namespace``."""
        return ("process-group", "limits", *(probe_layers() if self.isolation != "none" else ()))

    def close(self) -> None:
        """Forget cached reports; a grader that is used again opens itself again."""
        self._open()

    def __enter__(self) -> Grader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_reports", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()

    def __repr__(self) -> str:
        return f"Grader({self.project.name!r}, isolation={self.isolation!r}, tests={self.tests!r})"

    def _trusted_run(self) -> _Trusted:
        key = (self.project.fingerprint, self.python, self._setup.containment, self.tests)
        with self._lock:
            trusted = _trusted.get(key)
            if trusted is None:
                result = self._evaluate({}, TRUSTED_LIMIT_S)
                ids = judge.collected(result, self.project.name)
                limit_s = TRUSTED_LIMIT_S if result.killed else max(MIN_LIMIT_S, LIMIT_FACTOR * result.seconds)
                trusted = _Trusted(self._report(result, ids), limit_s)
                _trusted.put(key, trusted)
            if trusted.baseline.killed is None:
                self._reports.put(content_key(encode(self.project.sources)), trusted.baseline)
        return trusted

    def _evaluate(self, sources: Mapping[str, bytes], limit_s: float) -> Run:
        """One run; once more if the machine, not the candidate, failed."""
        try:
            return evaluate(self._setup, sources, limit_s)
        except (RunnerFailed, OSError):
            try:
                return evaluate(self._setup, sources, limit_s)
            except (RunnerFailed, OSError) as error:
                raise GraderError(f"cannot grade {self.project.name}: {error}") from error

    def _report(self, result: Run, ids: tuple[str, ...]) -> TestReport:
        return judge.report(result, ids, secret=self.tests != "visible")


def _interpreter(python: str | None) -> str:
    """The absolute path of the interpreter, links kept: a virtual environment's python is one."""
    path = shutil.which(os.path.expanduser(python)) if python else sys.executable
    if not path:
        raise GraderError(f"python={python!r} is no program: give the path of a Python interpreter with pytest")
    return os.path.abspath(path)


def _check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise GraderError(f"{name} must be one of {', '.join(known)}, not {value!r}")
