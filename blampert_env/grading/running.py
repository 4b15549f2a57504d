"""Runs of one project: in a fork of the collected session where that can be, again where somebody else ended one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from blampert_env.grading import judge
from blampert_env.grading.affected import Sight
from blampert_env.grading.edits import Edits
from blampert_env.grading.engine import Engine
from blampert_env.grading.facts import Facts
from blampert_env.grading.jailed import Options, Way
from blampert_env.grading.process import Run
from blampert_env.grading.report import Door, TestReport

WORTH_S = 0.08  # of tests in each process, where they are divided: a fork, and what it touches first, cost 10 ms


@dataclass(frozen=True)
class Wish:
    """What a caller asks for beside the outcomes.

    Attributes:
        limit_s: Seconds that the tests may take.
        first: Ids of tests whose failures get a text in any case.
        stop_early: End at the first test that does not pass.
    """

    limit_s: float
    first: Sequence[str] = ()
    stop_early: bool = False


class Runner:
    """Runs a project's tests over candidates.

    Args:
        engine: Runs the tests.
        facts: Of the project.
    """

    def __init__(self, engine: Engine, facts: Facts) -> None:
        self.engine, self.facts = engine, facts
        self.sight = Sight(engine.suite)
        self._unfit: set[frozenset[str]] = set()  # edits that a collected session could not take

    def report(
        self, sources: Mapping[str, str], edits: Edits, options: Options, *, door: Door, parts: int = 1
    ) -> TestReport:
        """The report on a candidate, in a fork of the collected session if ``edits`` can be made there.

        Args:
            sources: The whole text of the sources.
            edits: What differs from the collected session's sources.
            options: What to run, and how.
            door: How it is called.
            parts: As how many parts that run at once, at the most.
        """
        ids = self.facts.ids
        groups = self._groups(ids if options.run is None else options.run, parts)

        def part(tests: Sequence[str]) -> tuple[TestReport, set[str]]:
            mine = options if len(groups) == 1 else replace(options, run=tests)
            run = self.once(sources, edits, mine)
            return judge.report(run, ids, door=door, expected=tests), set(tests)

        found = list(self.engine.at_once([partial(part, group) for group in groups]))
        return found[0][0] if len(found) == 1 else judge.joined(found, ids)

    def worth(self, tests: Sequence[str]) -> int:
        """Into how many parts tests may be divided that each are worth a process of their own."""
        if self.facts.ordered or self.facts.grouped:
            return 1
        return max(1, int(sum(self.facts.seconds.get(test, 0.0) for test in tests) / WORTH_S))

    def _groups(self, tests: Sequence[str], parts: int) -> list[Sequence[str]]:
        """Tests in their order, in at most so many parts that take about as long."""
        parts = max(1, min(parts, self.worth(tests)))  # no processor may be idle
        if parts == 1:
            return [tests]
        took = [self.facts.seconds.get(test, 0.0) for test in tests]
        groups: list[list[str]] = [[] for _ in range(parts)]
        before = 0.0
        for test, seconds in zip(tests, took, strict=True):
            groups[min(parts - 1, int((before + seconds / 2) / sum(took) * parts))].append(test)
            before += seconds
        return [group for group in groups if group]

    def once(self, sources: Mapping[str, str], edits: Edits, options: Options) -> Run:
        """One run, in a fork of the collected session if what differs can be exchanged there."""
        return self.in_a_fork(sources, edits, options) or self.run("fresh", sources, options)

    def in_a_fork(self, sources: Mapping[str, str], edits: Edits, options: Options) -> Run | None:
        """A run in a fork of the collected session; None if what differs cannot be exchanged there."""
        if not self.exchanges(edits) or edits.functions in self._unfit:
            return None
        run = self.run("collected", sources, replace(options, swaps=edits.exchanged))
        if run.records.finished and run.records.all[-1].get("unfit"):
            self._unfit.add(edits.functions)
            return None
        return run

    @property
    def imports_anew(self) -> bool:
        """Whether an edit of a target may need a session that imports everything anew."""
        facts, targets = self.facts, self.engine.suite.project.targets
        return not facts.forks or any(one.id in facts.at_import or one.path in facts.unfit for one in targets)

    def exchanges(self, edits: Edits) -> bool:
        """Whether what differs can be exchanged in a fork of the collected session."""
        facts, paths = self.facts, {path for path, _ in edits.swaps}
        differs = edits.rest or edits.functions & facts.at_import or paths & facts.unfit or self.sight.tells(edits)
        return facts.forks and not differs

    def options(self, wish: Wish, tests: Sequence[str]) -> Options:
        """What a caller asks for, of these tests."""
        run = None if len(tests) == len(self.facts.ids) else tests
        ids = self.facts.ids if self.facts.varying else ()
        return Options(wish.limit_s, run=run, ids=ids, first=wish.first, stop_early=wish.stop_early)

    def run(self, way: Way, sources: Mapping[str, str], options: Options) -> Run:
        """One run; again if it ended by a signal that somebody else may have sent."""
        run = self.engine.run(way, sources, options)
        for _ in range(2):
            # a candidate that ends itself does so again
            if run.killed in ("SIGKILL", "SIGTERM"):
                run = self.engine.run(way, sources, options)
        return run
