"""What is found out about a project before any candidate is judged: its tests, their time, what each of them reaches.

Three runs of trusted code beside the collection: the reference solution (where there is one) and the untouched project,
imported anew and watched, and the first of them once more in a fork of the collected session and in another order.
What the last says differently tells that tests depend on their order, on a fork, or on chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from blampert_env.errors import ProjectError
from blampert_env.grading import judge
from blampert_env.grading.edits import compare
from blampert_env.grading.engine import Engine
from blampert_env.grading.jail.stages.tracing import EVERYTHING
from blampert_env.grading.jailed import Options
from blampert_env.grading.process import Run
from blampert_env.grading.report import Outcome, TestReport
from blampert_env.grading.splitting import looks_at_code

TRUSTED_LIMIT_S = 120.0
MIN_LIMIT_S, BARE_LIMIT_S = 2.0, 10.0  # with a reference and without: a stub's time says nothing about right code's
LIMIT_FACTOR = 10.0
TEXTS = 60


@dataclass(frozen=True)
class State:
    """What trusted code in one state gave.

    Attributes:
        outcomes: Test id to outcome.
        failures: Texts of tests that failed.
        reached: Test id to the functions that it reaches, ``path::qualname``; ``*`` for all that nobody saw.
    """

    outcomes: Mapping[str, Outcome]
    failures: Mapping[str, str]
    reached: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Facts:
    """What trusted runs gave.

    Attributes:
        baseline: The report on the untouched project.
        limit_s: Seconds that a candidate's tests may take.
        untouched: The untouched project's state.
        reference: The reference solution's; None if there is none.
        base: ``untouched`` or ``reference``: what the collected session is made with.
        at_import: Functions that run while everything is imported.
        unfit: Sources whose functions cannot be exchanged in a collected session.
        forks: Whether a fork of the collected session says what a fresh import does.
        ordered: Whether tests depend on their order, so that all must be run.
        flaky: Ids of tests that do not always say the same of the same code.
        definitions: Test id to ``path::qualname`` of where its function may stand.
        broken: Test files that cannot be imported, and why.
    """

    baseline: TestReport
    limit_s: float
    untouched: State
    reference: State | None = None
    base: str = "untouched"
    at_import: frozenset[str] = frozenset()
    unfit: frozenset[str] = frozenset()
    forks: bool = True
    ordered: bool = False
    flaky: frozenset[str] = frozenset()
    definitions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the tests, in the order of the trusted run."""
        return tuple(self.baseline.outcomes)


def find_out(engine: Engine) -> Facts:
    """Collect, and run what is trusted.

    Raises:
        GraderError: The grader itself failed.
        ProjectError: The tests cannot be collected, there are none, or right code does not end.
    """
    if not engine.jailed:
        return _without_a_jail(engine)
    staged = engine.stage("collected")
    ids = judge.collected(staged["records"], engine.suite.project.name)
    reference, right = None, None
    if engine.reference:
        right = engine.run("fresh", _right(engine), _watched(trace=True))
        more = judge.ids_of(right.records.all)
        if right.killed:
            raise ProjectError(
                f"{engine.suite.project.name}: the solution's tests end with {right.killed}: correct them"
            )
        if set(more) - set(ids):  # a stub is called while tests are imported: only right code shows them all
            engine.start_from(engine.reference)
            staged = engine.stage("collected")
            ids = judge.collected(staged["records"], engine.suite.project.name)
        reference = _state(right, ids)
    if not ids:
        raise judge.no_tests(staged["records"], engine.suite.project.name)
    facts = Facts(
        TestReport({}, {}, 0.0, None, "ok"),
        TRUSTED_LIMIT_S,
        State({}, {}, {}),
        reference,
        "untouched" if engine.base == engine.suite.project.sources else "reference",
        frozenset(_at_import(right) if reference else ()),
        frozenset(staged["unfit"]),
        definitions=staged["definitions"],
        broken=judge.broken_files(staged["records"]),
    )
    return _run_untouched(engine, facts, ids, staged["xfail"], right.seconds if right is not None else None)


def _run_untouched(
    engine: Engine, facts: Facts, ids: tuple[str, ...], marked: list[str], right_s: float | None
) -> Facts:
    """Run the untouched project, and what is trusted once more."""
    sources = dict(engine.suite.project.sources)
    run = engine.run("fresh", sources, _watched(trace=True))
    untouched = _state(run, ids)
    trusted = facts.reference or untouched
    uncounted = {test for test, outcome in trusted.outcomes.items() if outcome == "skipped"} | set(marked)
    report = replace(judge.report(run, ids), uncounted=frozenset(uncounted))
    limit_s = max(BARE_LIMIT_S, LIMIT_FACTOR * run.seconds)
    if right_s is not None:
        limit_s = max(MIN_LIMIT_S, LIMIT_FACTOR * right_s)
    facts = replace(facts, at_import=facts.at_import | _at_import(run))
    facts = replace(facts, baseline=report, limit_s=min(limit_s, TRUSTED_LIMIT_S), untouched=untouched)
    if run.killed:
        return replace(facts, ordered=True)
    return _repeat(engine, facts)


def _repeat(engine: Engine, facts: Facts) -> Facts:
    """Whether tests depend on their order, on a fork, or on chance."""
    sources = _right(engine) if facts.reference else dict(engine.suite.project.sources)
    expected = (facts.reference or facts.untouched).outcomes
    shuffled = _exchanged(engine, facts, sources, _watched(seed="another order"))
    if (shuffled is not None and not facts.reference) or shuffled is None:  # the first run was a fork, too
        shuffled = engine.run("fresh", sources, _watched(seed="another order"))
    if not _different(shuffled, expected):
        return facts
    again = engine.run("fresh", sources, _watched())
    flaky = _different(again, expected)
    forked = _exchanged(engine, facts, sources, _watched())
    forks = forked is None or not _different(forked, expected) - flaky
    return replace(facts, ordered=True, flaky=frozenset(flaky), forks=forks)


def _exchanged(engine: Engine, facts: Facts, sources: Mapping[str, str], options: Options) -> Run | None:
    """A run in a fork of the collected session; None if what differs cannot be exchanged there."""
    edits = compare(engine.base, sources)
    if edits.rest or edits.functions & facts.at_import or {path for path, _ in edits.swaps} & facts.unfit:
        return None
    run = engine.run("collected", sources, replace(options, swaps=edits.swaps))
    return None if run.records.finished and run.records.all[-1].get("unfit") else run


def _state(run: Run, ids: tuple[str, ...]) -> State:
    report = judge.report(run, ids)
    found: dict[str, Any] = next(iter(run.records.of_kind("reached")), {"names": [], "tests": {}})
    names = found["names"]
    reached = {test: frozenset(names[number] for number in numbers) for test, numbers in found["tests"].items()}
    everything = frozenset([EVERYTHING])
    return State(report.outcomes, report.failures, {test: reached.get(test, everything) for test in ids})


def _at_import(run: Run | None) -> frozenset[str]:
    """Functions that ran while everything was imported."""
    records = run.records.of_kind("reached") if run is not None else []
    return frozenset(name for record in records for name in record["at_import"])


def _right(engine: Engine) -> dict[str, str]:
    return {**engine.suite.project.sources, **engine.reference}


def _watched(*, trace: bool = False, seed: str = "") -> Options:
    return Options(TRUSTED_LIMIT_S, seed, trace=trace, texts=TEXTS, enforces=False)


def _different(run: Run, expected: Mapping[str, Outcome]) -> set[str]:
    found = judge.report(run, tuple(expected)).outcomes
    return {test for test, outcome in expected.items() if found[test] != outcome}


def _without_a_jail(engine: Engine) -> Facts:
    sources = {**engine.suite.project.sources}
    run = engine.run("fresh", sources, _watched())
    records: list[dict[str, Any]] = run.records.all
    ids = judge.collected(records, engine.suite.project.name)
    if not ids:
        raise judge.no_tests(records, engine.suite.project.name)
    state = State(judge.report(run, ids).outcomes, {}, {})
    skipped = frozenset(test for test, outcome in state.outcomes.items() if outcome == "skipped")
    baseline = replace(judge.report(run, ids, door="subprocess"), uncounted=skipped)
    limit_s = TRUSTED_LIMIT_S if run.killed else max(BARE_LIMIT_S, LIMIT_FACTOR * run.seconds)
    return Facts(baseline, limit_s, state)


def affected(facts: Facts, functions: frozenset[str], state: State, tests_python: Mapping[str, str]) -> set[str]:
    """Tests whose outcome another code of these functions may change.

    Args:
        facts: Of the project.
        functions: Those that differ from the state.
        state: In which it was seen what each test reaches.
        tests_python: Path to text of the tests' own files.
    """
    looking = {path for path, text in tests_python.items() if looks_at_code(text)}
    return {
        test
        for test in facts.ids
        if facts.flaky
        or test.split("::")[0] in looking
        or EVERYTHING in state.reached[test]
        or functions & state.reached[test]
    }


def silent(facts: Facts) -> Facts:
    """The facts without what the tests said, which may quote held-out ones."""
    states = {
        name: replace(state, failures=dict.fromkeys(state.failures, ""))
        for name in ("untouched", "reference")
        if (state := getattr(facts, name)) is not None
    }
    return replace(facts, baseline=judge.silent(facts.baseline), **states)


def as_json(facts: Facts) -> dict[str, Any]:
    """The facts as values that JSON has; sets of functions by number, since tests share them."""
    known = [state for state in (facts.untouched, facts.reference) if state is not None]
    names = sorted({name for state in known for found in state.reached.values() for name in found})
    number = {name: index for index, name in enumerate(names)}

    def state(one: State | None) -> Any:
        if one is None:
            return None
        reached = {test: sorted(number[name] for name in found) for test, found in one.reached.items()}
        return [dict(one.outcomes), dict(one.failures), reached]

    fields = {name: getattr(facts, name) for name in facts.__dataclass_fields__}
    fields |= {name: sorted(fields[name]) for name in _SETS}
    states = {name: state(fields[name]) for name in ("untouched", "reference")}
    return {**fields, **states, "baseline": facts.baseline.as_json(), "names": names}


def from_json(fields: Mapping[str, Any]) -> Facts:
    """The facts that :func:`as_json` gave."""
    names = fields["names"]

    def state(one: Any) -> State | None:
        if one is None:
            return None
        reached = {test: frozenset(names[number] for number in numbers) for test, numbers in one[2].items()}
        return State(one[0], one[1], reached)

    kept = {name: value for name, value in fields.items() if name != "names"}
    kept |= {name: frozenset(kept[name]) for name in _SETS}
    kept |= {name: state(kept[name]) for name in ("untouched", "reference")}
    return Facts(**{**kept, "baseline": TestReport.from_json(fields["baseline"])})


_SETS = ("at_import", "unfit", "flaky")
