"""Runs of one project: in a fork of the collected session where that can be, again where somebody else ended one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from blampert_env.grading.edits import Edits
from blampert_env.grading.engine import Engine
from blampert_env.grading.jailed import Options, Way
from blampert_env.grading.opening import Facts
from blampert_env.grading.process import Run


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
        self._unfit: set[frozenset[str]] = set()  # edits that a collected session could not take

    @cached_property
    def right(self) -> dict[str, str]:
        """The reference solution's sources."""
        return {**self.engine.suite.project.sources, **self.engine.reference}

    def in_a_fork(self, sources: Mapping[str, str], edits: Edits, options: Options) -> Run | None:
        """A run in a fork of the collected session; None if what differs cannot be exchanged there."""
        if not self.exchanges(edits) or edits.functions in self._unfit:
            return None
        run = self.run("collected", sources, replace(options, swaps=edits.swaps))
        if run.records.finished and run.records.all[-1].get("unfit"):
            self._unfit.add(edits.functions)
            return None
        return run

    def exchanges(self, edits: Edits) -> bool:
        """Whether what differs can be exchanged in a fork of the collected session."""
        facts, paths = self.facts, {path for path, _ in edits.swaps}
        return facts.forks and not (edits.rest or edits.functions & facts.at_import or paths & facts.unfit)

    def options(self, wish: Wish) -> Options:
        """What a caller asks for."""
        return Options(wish.limit_s, first=wish.first, stop_early=wish.stop_early)

    def run(self, way: Way, sources: Mapping[str, str], options: Options) -> Run:
        """One run; again if it ended by a signal that somebody else may have sent."""
        run = self.engine.run(way, sources, options)
        for _ in range(2):
            # a candidate that ends itself does so again
            if run.killed in ("SIGKILL", "SIGTERM"):
                run = self.engine.run(way, sources, options)
        return run
