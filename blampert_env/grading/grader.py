"""Grader: files in, TestReport out."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, get_args

from blampert_env.errors import GraderError
from blampert_env.grading import judge
from blampert_env.grading.cache import LruCache
from blampert_env.grading.files import candidate_sources, content_key
from blampert_env.grading.jailed import Options
from blampert_env.grading.report import Method, TestReport
from blampert_env.grading.scratch import remove_stale
from blampert_env.grading.store import VERSION, ReportStore
from blampert_env.grading.suite import Suite, Tests
from blampert_env.grading.trusted import Engine, Isolation, Trusted, find_out
from blampert_env.projects import Project
from blampert_env.resources import cache_dir

# Trusted runs of this process: graders of the same project (vector environments, evaluations) share them.
_trusted: LruCache[Trusted] = LruCache(256)
_trusted_lock = threading.Lock()
_LOAD = max(2, os.cpu_count() or 1)


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
        isolation: ``default``: tests and candidate in separate jailed processes where the project's tests allow it,
            else in one with impossible twins (the report's ``method`` says which); ``strict``: separate, in a whole
            sandbox, or an error; ``none``: a plain process, for trusted code and systems without a sandbox.
        timeout_s: Seconds that the tests may take. None: ten times what the reference solution takes (the untouched
            project, where there is none), at least 2, so that a slow machine does not change the score.
        python: The interpreter that runs the tests, with pytest installed; this one by default.
        tests: Which tests count: ``visible``, ``held_out`` or ``all``.

    Raises:
        GraderError: An argument is none of these.
    """
    return Grader(project, isolation=isolation, timeout_s=timeout_s, python=python, tests=tests)


class Grader:
    """Runs a project's tests over candidate files; a context manager, safe in several threads, picklable.

    The project's untouched state, and its reference solution if it has one, are run first (at most 60 s each): their
    tests are the tests of every report, and they decide how candidates are graded.
    Pytest settings of the project (pytest.ini, pyproject.toml, tox.ini, setup.cfg) hold, except ``addopts``; plugins
    are loaded if requirements.txt names them. The root, ``src/`` and the folders of the tests are importable, behind
    the standard library and before installed packages. Tests run in an order that the content decides.

    Args:
        project: What is graded.
        isolation: As for :func:`make_grader`.
        timeout_s: As for :func:`make_grader`.
        python: As for :func:`make_grader`.
        tests: As for :func:`make_grader`.
        cache_size: How many reports are kept in memory, by content; 0 keeps none, on disk neither. Reports on runs that
            were killed, and those of projects with flaky tests, are never kept.
        store: Where reports are kept on disk, shared between processes; ``reports.sqlite3`` in the cache by default.

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
        store: ReportStore | None = None,
    ) -> None:
        _check_choice("isolation", isolation, get_args(Isolation))
        _check_choice("tests", tests, get_args(Tests))
        if timeout_s is not None and not 0 < timeout_s < float("inf"):
            raise GraderError(f"timeout_s must be a number of seconds above 0, not {timeout_s}")
        if os.name == "nt" and isolation != "none":
            raise GraderError(
                "the sandbox needs Linux: run Blampert under WSL, or pass isolation='none' for trusted code"
            )
        self.project = project
        self.isolation = isolation
        self.timeout_s = timeout_s
        self.tests = tests
        self.python = _interpreter(python)
        self.cache_size = cache_size
        self.store = store
        self._open()
        remove_stale()

    def _open(self) -> None:
        self._reports: LruCache[TestReport] = LruCache(self.cache_size)
        self._engine = Engine(Suite(self.project, self.tests), self.python, self.isolation)
        self._found: Trusted | None = None
        self._disk = self.store or ReportStore(cache_dir() / "reports.sqlite3")

    def grade(
        self, files: Mapping[str, str | bytes], *, stop_early: bool = False, first: Sequence[str] = ()
    ) -> TestReport:
        """Run the tests over a candidate.

        Args:
            files: Relative path to content of the candidate's sources; those left out are the project's. For files that
                are the project's but not sources (tests, conftest.py, configuration) the project's own content is used.
            stop_early: End at the first test that does not pass; those after it are missing. For long suites.
            first: Ids of tests to run before the others, such as those that touch what was edited.

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
        content = content_key(sources)
        if stop_early or self.cache_size == 0 or trusted.flaky:
            return self._grade(trusted, sources, content, stop_early, first)
        report = self._reports.get(content)
        if report is None:
            key = self._key(content)
            report = self._disk.get(key)
            if report is None:
                report = self._grade(trusted, sources, content, False, first)
                if report.killed is None:
                    self._disk.put(key, report)
            if report.killed is None:
                self._reports.put(content, report)
        return report.copy()

    def grade_many(
        self,
        files_list: Sequence[Mapping[str, str | bytes]],
        workers: int | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> list[TestReport]:
        """Grade several candidates at once.

        Args:
            files_list: Each as for :meth:`grade`.
            workers: Evaluations at a time, >= 1; as many as there are cores by default.
            on_progress: Called after each with how many are done and how many there are.

        Returns:
            The reports, in the order of ``files_list``.

        Raises:
            GraderError: As for :meth:`grade`.
            ProjectError: As for :meth:`grade`.
        """
        from concurrent.futures import ThreadPoolExecutor

        self._trusted_run()
        reports = []
        with ThreadPoolExecutor(workers or _LOAD) as pool:
            for done, report in enumerate(pool.map(self.grade, files_list), start=1):
                reports.append(report)
                if on_progress is not None:
                    on_progress(done, len(files_list))
        return reports

    def _grade(
        self, trusted: Trusted, sources: Mapping[str, bytes], content: str, stop_early: bool, first: Sequence[str]
    ) -> TestReport:
        """Run, and judge what was run."""
        ids = tuple(trusted.baseline.outcomes)
        limit_s = trusted.limit_s if self.timeout_s is None else self.timeout_s
        seed = content if trusted.shuffles else ""
        options = Options(limit_s, seed, first, stop_early, mutable=trusted.mutable)
        report = self._judged(trusted, sources, options, ids)
        for _ in range(2):
            # somebody else may have killed it; a candidate that ends itself does so again
            if report.verdict == "crashed" and report.killed in ("SIGKILL", "SIGTERM"):
                report = self._judged(trusted, sources, options, ids)
        return report

    def _judged(
        self, trusted: Trusted, sources: Mapping[str, bytes], options: Options, ids: tuple[str, ...]
    ) -> TestReport:
        secret = self.tests != "visible"
        if trusted.method != "in-process":
            run = self._engine.run(trusted.method, sources, options)
            if run.records.finished and run.records.all[-1].get("tampered"):
                return judge.tampered(ids, "split")
            return judge.report(run, ids, secret=secret, method=trusted.method)
        report, twins = self._engine.run_both(sources, options, ids)
        unproved = [
            test
            for test, outcome in report.outcomes.items()
            if outcome == "passed" and test in trusted.twins and twins.get(test) not in ("failed", "error")
        ]
        if any(twins.get(test) == "passed" for test in unproved):
            return judge.tampered(ids)
        # their twins had no chance to fail, as the run was cut off: the tests may be right, and may be forged
        report = judge.without(report, unproved)
        return judge.silent(report) if secret else report

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
    def method(self) -> Method:
        """How candidates are graded: ``split``, ``in-process`` or ``subprocess``; raises as :attr:`baseline`."""
        return self._trusted_run().method

    @property
    def why(self) -> str:
        """Why they are not graded split, one line; "" if they are. Raises as :attr:`baseline`."""
        return self._trusted_run().why

    @property
    def flaky(self) -> frozenset[str]:
        """Ids of tests that said different things of the same code; raises as :attr:`baseline`."""
        return self._trusted_run().flaky

    @property
    def layers(self) -> tuple[str, ...]:
        """The isolation layers in force, such as ``pid-namespace``.

        Raises:
            GraderError: The grader does not start.
        """
        return self._engine.layers()

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
        return {name: value for name, value in vars(self).items() if not name.startswith("_") and name != "store"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.store = None
        self._open()

    def __repr__(self) -> str:
        return f"Grader({self.project.name!r}, isolation={self.isolation!r}, tests={self.tests!r})"

    def _trusted_run(self) -> Trusted:
        if self._found is None:
            key = (self.project.fingerprint, self.project.root, self.python, self.isolation, self.tests)
            with _trusted_lock:
                found = _trusted.get(key)
                if found is None:
                    found = find_out(self._engine)
                    if self.tests != "visible":
                        found = _without_texts(found)
                    _trusted.put(key, found)
            self._found = found
        return self._found

    def _key(self, content: str) -> bytes:
        parts = (str(VERSION), self._engine.key(), str(self.timeout_s), content)
        return hashlib.sha256("\n".join(parts).encode()).digest()


def _without_texts(found: Trusted) -> Trusted:
    return replace(found, baseline=judge.silent(found.baseline))


def _interpreter(python: str | None) -> str:
    """The absolute path of the interpreter, links kept: a virtual environment's python is one."""
    path = shutil.which(os.path.expanduser(python)) if python else sys.executable
    if not path:
        raise GraderError(f"python={python!r} is no program: give the path of a Python interpreter with pytest")
    return os.path.abspath(path)


def _check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise GraderError(f"{name} must be one of {', '.join(known)}, not {value!r}")
