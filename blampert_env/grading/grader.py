"""Grader: files in, TestReport out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

from blampert_env.grading import judge
from blampert_env.grading.arguments import check, interpreter
from blampert_env.grading.cache import LruCache
from blampert_env.grading.doors import Doors
from blampert_env.grading.engine import Engine, Isolation
from blampert_env.grading.facts import Facts
from blampert_env.grading.files import as_text, candidate_sources, content_key
from blampert_env.grading.opened import opened
from blampert_env.grading.report import Door, TestReport
from blampert_env.grading.running import Wish
from blampert_env.grading.scratch import remove_stale
from blampert_env.grading.store import ReportStore
from blampert_env.grading.suite import Suite, Tests
from blampert_env.projects import Project
from blampert_env.resources import cache_dir

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
        isolation: ``default``: code that can reach nothing but what it is given is run in the tests' own process, all
            other code in another process than the tests, where they allow it, else with impossible twins (see
            :data:`~blampert_env.grading.report.DOORS`); ``strict``: in another process, in a whole sandbox, or an
            error; ``none``: a plain process, for trusted code and systems without a sandbox.
        timeout_s: Seconds that the tests may take, those aside in which other programs had the processors. None: ten
            times what the reference solution takes, at least 2 (where there is none: ten times what the untouched
            project takes, at least 10), so that a slow machine does not change the score.
        python: The interpreter that runs the tests, with pytest installed; this one by default.
        tests: Which tests count: ``visible``, ``held_out`` or ``all``.

    Raises:
        GraderError: An argument is none of these.
    """
    return Grader(project, isolation=isolation, timeout_s=timeout_s, python=python, tests=tests)


class Grader:
    """Runs a project's tests over candidate files; a context manager, safe in several threads, picklable.

    Pytest collects as it does on a command line at the project's root: under the project's own configuration, import
    mode, options and conftest files, with the plugins that are installed beside it. Options that only show, store,
    repeat or distribute are left out, and random numbers that nobody seeds are the same in every test. The untouched
    project, and its reference solution if it has one, are run first (at most 120 s each): their tests are the tests of
    every report, and say which functions each of them reaches. What is found out is kept on disk.

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
        check(isolation, tests, timeout_s)
        self.project = project
        self.isolation = isolation
        self.timeout_s = timeout_s
        self.tests = tests
        self.python = interpreter(python)
        self.cache_size = cache_size
        self.store = store
        self._open()
        remove_stale()

    def _open(self) -> None:
        self._reports: LruCache[TestReport] = LruCache(self.cache_size)
        self._confirmed: LruCache[TestReport] = LruCache(self.cache_size)
        self._engine = Engine(Suite(self.project, self.tests), self.python, self.isolation)
        self._found: Doors | None = None
        self._disk = self.store or ReportStore(cache_dir() / "reports.sqlite3")

    def grade(
        self, files: Mapping[str, str | bytes], *, stop_early: bool = False, first: Sequence[str] = ()
    ) -> TestReport:
        """Run the tests over a candidate.

        Args:
            files: Relative path to content of the candidate's sources; those left out are the project's. For files that
                are the project's but not sources (tests, conftest.py, configuration) the project's own content is used.
            stop_early: End at the first test that does not pass; those after it are missing. For long suites.
            first: Ids of tests whose failures get a text, whichever else do, such as those that touch what was edited.

        Returns:
            The report; ``rejected`` if a path is not the project's, or a content is no text or above 2 MB.

        Raises:
            GraderError: The grader itself failed, twice, or ``strict`` cannot be had for this candidate.
            ProjectError: The untouched project cannot be graded.
        """
        doors = self._doors()
        candidate = candidate_sources(self.project, files)
        if candidate is None:
            return replace(judge.rejected(doors.facts.ids), uncounted=doors.facts.baseline.uncounted)
        sources = as_text(candidate)
        wish = Wish(self.limit_s, first, stop_early)
        content = content_key(candidate)
        if stop_early or self.cache_size == 0 or doors.facts.flaky:
            return self._secret(doors.grade(sources, wish))
        return self._kept(self._reports, content, "", lambda: doors.grade(sources, wish))

    def confirm(self, files: Mapping[str, str | bytes], *, first: Sequence[str] = ()) -> TestReport:
        """The report on a candidate that is to be kept: as best, as solved, for others.

        What :meth:`grade` says of code in the tests' own process is checked once: every test is run again, beside
        impossible twins of the tests. If a twin passes, nothing counts (``killed`` is ``tampered``); a test that passes
        only once has not passed. ``report.unconfirmed`` names the tests that passed and that no twin vouches for.

        Args:
            files: As for :meth:`grade`.
            first: As for :meth:`grade`.

        Raises:
            GraderError: As for :meth:`grade`.
            ProjectError: As for :meth:`grade`.
        """
        report = self.grade(files, first=first)
        candidate, doors = candidate_sources(self.project, files), self._doors()
        if candidate is None or report.verdict == "rejected":
            return report
        sources = as_text(candidate)
        wish = Wish(self.limit_s, first)
        if self.cache_size == 0 or doors.facts.flaky:
            return self._secret(doors.confirm(sources, report, wish))
        key = content_key(candidate)
        return self._kept(self._confirmed, key, "confirmed", lambda: doors.confirm(sources, report, wish))

    def _kept(
        self, reports: LruCache[TestReport], content: str, kind: str, make: Callable[[], TestReport]
    ) -> TestReport:
        """A report from memory, from disk, or made now and kept there unless the run was killed."""
        report = reports.get(content)
        if report is None:
            key = self._key(content + kind)
            report = self._disk.get(key)
            if report is None:
                report = self._secret(make())
                if report.killed is None:
                    self._disk.put(key, report)
            if report.killed is None:
                reports.put(content, report)
        return report.copy()

    def _secret(self, report: TestReport) -> TestReport:
        return judge.silent(report) if self.tests != "visible" else report

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

        self._doors()
        reports = []
        with ThreadPoolExecutor(workers or _LOAD) as pool:
            for done, report in enumerate(pool.map(self.grade, files_list), start=1):
                reports.append(report)
                if on_progress is not None:
                    on_progress(done, len(files_list))
        return reports

    @property
    def baseline(self) -> TestReport:
        """The report on the untouched project.

        Raises:
            GraderError: The grader itself failed, twice.
            ProjectError: Its tests cannot be collected, or there are none.
        """
        return self._doors().facts.baseline.copy()

    @property
    def facts(self) -> Facts:
        """What was found out about the project; raises as :attr:`baseline`."""
        return self._doors().facts

    @property
    def test_ids(self) -> tuple[str, ...]:
        """The ids of the tests, in the order of the trusted run; raises as :attr:`baseline`."""
        return self._doors().facts.ids

    @property
    def limit_s(self) -> float:
        """Seconds that a candidate's tests may take; raises as :attr:`baseline`."""
        return self._doors().facts.limit_s if self.timeout_s is None else self.timeout_s

    @property
    def method(self) -> Door:
        """The door of code that nobody suspects: ``plain``; ``apart`` if strict; ``subprocess`` without a sandbox."""
        if not self._engine.jailed:
            return "subprocess"
        return "apart" if self.isolation == "strict" else "plain"

    @property
    def why(self) -> str:
        """Why tests cannot be run apart from the candidate, one line; "" if all can. Raises as :attr:`baseline`."""
        self._doors()
        return next((why for why in self._engine.together.values() if why), "")

    @property
    def together(self) -> Mapping[str, str]:
        """Test file to why it cannot be run with the candidate in another process; "" where it can."""
        return dict(self._engine.together)

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

    def _doors(self) -> Doors:
        """The opened project."""
        if self._found is None:
            self._found = opened(self._engine, self._disk, is_kept=self.cache_size > 0)
            self._engine = self._found.engine
        return self._found

    def _key(self, content: str) -> bytes:
        return hashlib.sha256("\n".join((self._doors().engine_key, str(self.timeout_s), content)).encode()).digest()
