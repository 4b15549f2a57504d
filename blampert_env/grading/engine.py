"""Runs a project's tests over candidates in the way that it is told, and tries again what the machine did wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from blampert_env.errors import GraderError, ProjectError
from blampert_env.grading import cold, jailed
from blampert_env.grading.atonce import at_once
from blampert_env.grading.files import as_bytes, encode
from blampert_env.grading.jailed import Options, Way
from blampert_env.grading.lanes import ServerFailed
from blampert_env.grading.process import Run
from blampert_env.grading.server import drop_idle, server, supported
from blampert_env.grading.splitting import reasons_not_to_split
from blampert_env.grading.suite import Suite
from blampert_env.grading.twins import Half, make_halves
from blampert_env.projects import load_solution

Isolation = Literal["default", "strict", "none"]
Result = TypeVar("Result")


class Engine:
    """Runs a project's tests.

    Args:
        suite: The tests.
        python: The interpreter.
        isolation: As for :func:`blampert_env.grading.make_grader`.

    Attributes:
        base: The sources that the collected session is made with; the untouched ones, until :meth:`start_from`.
        codes: What a collected session has compiled, for the next one.
        definitions: Test id to where its function may stand, once that is known.
    """

    def __init__(self, suite: Suite, python: str, isolation: Isolation) -> None:
        self.suite, self.python, self.isolation = suite, python, isolation
        self.base: dict[str, str] = dict(suite.project.sources)
        self.codes: dict[str, str] = {}
        self.definitions: Mapping[str, Sequence[str]] = {}
        self._spec: dict[str, Any] | None = None

    @property
    def jailed(self) -> bool:
        """Whether candidates are run in a jail."""
        return self.isolation != "none" and supported()

    def is_starting(self) -> bool:
        """Whether the jail of this interpreter is just being built; begins that if nobody has.

        Raises:
            GraderError: It cannot be built.
        """
        return self.jailed and self._tried(lambda: server(self.python)).is_starting

    def start_from(self, sources: Mapping[str, str]) -> None:
        """Make the collected session with these sources from now on."""
        self.base, self._spec = {**self.suite.project.sources, **sources}, None

    @cached_property
    def reference(self) -> dict[str, str]:
        """The project's own solution to its sources, if it has one: what right code does, and how long it takes."""
        root = self.suite.project.root
        solution = load_solution(root) if root is not None else {}
        return {path: text for path, text in solution.items() if path in self.suite.project.sources}

    @cached_property
    def right(self) -> dict[str, str]:
        """The sources, those that the reference has from there."""
        return {**self.suite.project.sources, **self.reference}

    @cached_property
    def together(self) -> dict[str, str]:
        """Test file to why it cannot be run with the candidate in another process; "" where it can."""
        texts = dict(self.suite.trusted_python())
        tests = [path for path in self.suite.rewritten if not path.endswith("conftest.py")]
        return reasons_not_to_split(texts, tests, self.suite.modules)

    @property
    def apart(self) -> list[str]:
        """Test files that can be run with the candidate in another process."""
        return [path for path, why in self.together.items() if not why]

    @cached_property
    def halves(self) -> tuple[Half, Half]:
        """The two runs in which tests are made wrong; the values that do so are drawn once, for no candidate to see."""
        places = {name for names in self.definitions.values() for name in names}
        collected = {(path, qualname) for path, _, qualname in (name.partition("::") for name in places)}
        return make_halves(dict(self.suite.trusted_python()), collected)

    @property
    def spec(self) -> dict[str, Any]:
        """The project as a lane is told of it."""
        if self._spec is None:
            self._spec = jailed.specification(self.suite, encode(self.base), self.apart)
        return {**self._spec, "codes": self.codes}

    def run(self, way: Way, sources: Mapping[str, str], options: Options) -> Run:
        """One run; once more if the machine, not the candidate, failed.

        Args:
            way: How.
            sources: The whole text of the sources.
            options: Limit, order, what to run.

        Raises:
            GraderError: It failed twice.
        """
        if not self.jailed:
            return self._tried(lambda: cold.evaluate(self.suite, self.python, as_bytes(sources), options.limit_s))
        base = self.suite.project.sources if way == "split" else self.base
        changes = as_bytes({path: text for path, text in sources.items() if text != base.get(path)})
        if way == "fresh":
            changes |= options.twins
        return self._tried(lambda: jailed.evaluate(server(self.python), self.spec, way, changes, options))

    def stage(self, zygote: str) -> dict[str, Any]:
        """Import the tests in a process from which evaluations are forked; what it said.

        Raises:
            GraderError: The machinery failed twice.
            ProjectError: The project's configuration, or what it imports, does not let it.
        """
        staged = self._tried(lambda: jailed.stage(server(self.python), self.spec, zygote))
        if staged.get("refused"):
            raise ProjectError(f"{self.suite.project.name}: {staged['refused']}: correct the project")
        self.codes |= staged.pop("codes")
        return staged

    def at_once(self, actions: Sequence[Callable[[], Result]]) -> Iterator[Result]:
        """What each gives, in their order; what nobody waits for any more ends, and so does what runs for it."""
        return at_once(actions, server(self.python).abandon if self.jailed else lambda threads: None)

    def idle_cpus(self) -> int:
        """How many more evaluations may go on at once."""
        return server(self.python).idle_cpus() if self.jailed else 1

    def kept(self) -> dict[str, Any]:
        """What it made of the tests, for the next process."""
        texts = dict(self.suite.trusted_python())
        halves = [half.as_json(texts) for half in self.halves]
        return {"codes": self.codes, "halves": halves, "together": self.together}

    def take(self, kept: Mapping[str, Any]) -> None:
        """Use what another process has kept."""
        self.codes, self.together = kept["codes"], kept["together"]
        first, second = map(Half.from_json, kept["halves"])
        self.halves = (first, second)

    def layers(self) -> tuple[str, ...]:
        """The isolation layers in force; raises as :meth:`stage`."""
        if not self.jailed:
            return ("process-group", "limits")
        zygote = self.stage("collected")["layers"]
        return tuple(dict.fromkeys(["process-group", *server(self.python).facts["layers"], *zygote]))

    def key(self) -> str:
        """What everything that is found out depends on: the project, the interpreter, its plugins, and this code.

        Raises:
            GraderError: The grader does not start.
        """
        spec = jailed.specification(self.suite, {}, [])["id"]
        judge = self._tried(lambda: server(self.python).facts["judge"]) if self.jailed else []
        parts = [spec, self.reference, self.python, self.isolation, judge, _own_version()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _tried(self, action: Callable[[], Result]) -> Result:
        for attempt in (1, 2):
            try:
                return action()
            except (ServerFailed, cold.RunnerFailed, OSError) as error:
                if self.isolation != "none":
                    drop_idle(self.python)
                if attempt == 2:
                    raise GraderError(f"cannot grade {self.suite.project.name}: {error}") from error
        raise AssertionError("unreachable")


@lru_cache(maxsize=1)
def _own_version() -> str:
    """A hash over the code that judges: another grader must not read old reports."""
    digest = hashlib.sha256()
    for path in sorted(path for kind in ("*.py", "*.txt") for path in Path(__file__).parent.rglob(kind)):
        digest.update(path.read_bytes())
    return digest.hexdigest()
