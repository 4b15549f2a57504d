"""What is found out about a project before any candidate is judged: its tests, their time, what each of them reaches.

Three runs of trusted code beside the collection: the reference solution (where there is one) and the untouched project,
imported anew and watched, and the first of them once more in a fork of the collected session and in another order.
What the last says differently tells that tests depend on their order, on a fork, or on chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from blampert_env.errors import ProjectError
from blampert_env.grading import judge
from blampert_env.grading.edits import compare
from blampert_env.grading.engine import Engine
from blampert_env.grading.facts import TRUSTED_LIMIT_S, Facts, State
from blampert_env.grading.jail.stages.tracing import EVERYTHING
from blampert_env.grading.jailed import Options
from blampert_env.grading.process import Run
from blampert_env.grading.report import Outcome, TestReport
from blampert_env.grading.running import Runner

MIN_LIMIT_S, BARE_LIMIT_S = 2.0, 10.0  # with a reference and without: a stub's time says nothing about right code's
LIMIT_FACTOR = 10.0
PATIENCE_S = 0.5
TEXTS = 60


def find_out(engine: Engine) -> Facts:
    """Collect, and run what is trusted.

    Raises:
        GraderError: The grader itself failed.
        ProjectError: The tests cannot be collected, there are none, or right code does not end.
    """
    if not engine.jailed:
        return _without_a_jail(engine)
    staged, right = _collect(engine)
    ids = judge.collected(staged["records"], engine.suite.project.name)
    if not ids:
        raise judge.no_tests(staged["records"], engine.suite.project.name)
    session = Facts(
        TestReport(dict.fromkeys(ids, "missing"), {}, 0.0, None, "ok"),
        TRUSTED_LIMIT_S,
        State({}, {}, {}),
        _state(right, ids) if right is not None else None,
        "untouched" if engine.base == engine.suite.project.sources else "reference",
        _at_import(right),
        frozenset(staged["unfit"]),
        definitions=staged["definitions"],
        broken=judge.broken_files(staged["records"]),
    )
    engine.definitions = session.definitions
    # twins are wanted later, and a processor is idle while tests of unfinished code wait
    todo: list[Callable[[], Any]] = [partial(_run_untouched, engine, right), partial(_shuffled, engine, session)]
    untouched, shuffled, _ = engine.at_once([*todo, lambda: engine.halves])
    state = _state(untouched, ids)
    trusted = session.reference or state
    uncounted = {test for test, outcome in trusted.outcomes.items() if outcome == "skipped"} | set(staged["xfail"])
    found = judge.ids_of(untouched.records.all)
    facts = replace(
        session,
        baseline=replace(judge.report(untouched, ids), uncounted=frozenset(uncounted)),
        limit_s=_limit_s(untouched, right),
        untouched=state,
        at_import=session.at_import | _at_import(untouched),
        varying=len(ids) == len(found) and ids != found,
        seconds={one["id"]: one["s"] for one in shuffled.records.of_kind("outcome")},
    )
    return replace(facts, ordered=True) if untouched.killed else _judge_order(engine, facts, shuffled)


def _goes_back_only(engine: Engine) -> bool:
    """Whether a session of right code can become the untouched one, and not the other way round."""
    untouched = engine.suite.project.sources
    return bool(compare(untouched, engine.right).rest) and not compare(engine.right, untouched).rest


def _collect(engine: Engine) -> tuple[dict[str, Any], Run | None]:
    """What collecting said, and a run of the reference if there is one.

    Raises:
        ProjectError: Right code does not end, or tests cannot be collected.
    """
    if not engine.reference:
        return engine.stage("collected"), None
    name = engine.suite.project.name
    if _goes_back_only(engine):
        engine.start_from(engine.reference)
    right_code = partial(engine.run, "fresh", engine.right, _watched(trace=True))
    both: list[Callable[[], Any]] = [right_code, partial(engine.stage, "collected")]
    right, staged = engine.at_once(both)
    if right.killed:
        raise ProjectError(f"{name}: the solution's tests end with {right.killed}: correct them")
    if set(judge.ids_of(right.records.all)) - set(judge.collected(staged["records"], name)):
        engine.start_from(engine.reference)  # a stub is called while tests are imported: only right code shows them all
        staged = engine.stage("collected")
    return staged, right


def _run_untouched(engine: Engine, right: Run | None) -> Run:
    """A run of the untouched project.

    A test that takes much longer than it does with right code waits for what never comes.
    """
    options = _watched(trace=True)
    if right is not None and not engine.suite.sets_alarms:
        took = {one["id"]: LIMIT_FACTOR * one["s"] for one in right.records.of_kind("outcome")}
        longer = {test: seconds for test, seconds in took.items() if seconds > PATIENCE_S}
        options = replace(options, patience=(PATIENCE_S, longer))
    return engine.run("fresh", dict(engine.suite.project.sources), options)


def _limit_s(untouched: Run, right: Run | None) -> float:
    """Seconds that a candidate's tests may take."""
    run, least = (untouched, BARE_LIMIT_S) if right is None else (right, MIN_LIMIT_S)
    return min(TRUSTED_LIMIT_S, max(least, LIMIT_FACTOR * run.seconds))


def _shuffled(engine: Engine, session: Facts) -> Run:
    """Trusted code in another order, in a fork of the collected session if that can be."""
    options = replace(_watched(), seed="another order", ids=session.ids)
    return _in_a_fork(engine, session, options) or engine.run("fresh", engine.right, options)


def _judge_order(engine: Engine, facts: Facts, shuffled: Run) -> Facts:
    """Whether tests depend on their order, on a fork, or on chance."""
    expected = (facts.reference or facts.untouched).outcomes
    different = _different(shuffled, expected)
    if not different:
        return facts
    options = replace(_watched(), ids=facts.ids)
    flaky = _different(engine.run("fresh", engine.right, options), expected)
    forked = _in_a_fork(engine, facts, options)
    forks = forked is None or not _different(forked, expected) - flaky
    facts = replace(facts, flaky=frozenset(flaky), forks=forks)
    return _by_file(engine, facts, different - flaky) if forks else replace(facts, ordered=True)


def _by_file(engine: Engine, facts: Facts, dependent: set[str]) -> Facts:
    """Whether what some tests depend on is in their own files."""
    files = {test.split("::")[0] for test in dependent}
    tests = [test for test in facts.ids if test.split("::")[0] in files]
    if not tests:
        return facts
    options = replace(_watched(), run=tests, ids=facts.ids)
    run = _in_a_fork(engine, facts, options) or engine.run("fresh", engine.right, options)
    expected = (facts.reference or facts.untouched).outcomes
    if _different(run, expected) & set(tests) - facts.flaky:
        return replace(facts, ordered=True)
    return replace(facts, grouped=frozenset(files))


def _in_a_fork(engine: Engine, facts: Facts, options: Options) -> Run | None:
    """A run of right code in a fork of the collected session; None if what differs cannot be exchanged there."""
    return Runner(engine, facts).in_a_fork(engine.right, compare(engine.base, engine.right), options)


def _state(run: Run, ids: tuple[str, ...]) -> State:
    report = judge.report(run, ids)
    found: dict[str, Any] = next(iter(run.records.of_kind("reached")), {"names": [], "tests": {}})
    names, known = found["names"], judge.by_position(judge.ids_of(run.records.all), report.outcomes)
    reached = {
        known.get(test, test): frozenset(names[number] for number in numbers)
        for test, numbers in found["tests"].items()
    }
    everything = frozenset([EVERYTHING])
    return State(report.outcomes, report.failures, {test: reached.get(test, everything) for test in ids})


def _at_import(run: Run | None) -> frozenset[str]:
    """Functions that ran while everything was imported."""
    records = run.records.of_kind("reached") if run is not None else []
    return frozenset(name for record in records for name in record["at_import"])


def _watched(*, trace: bool = False) -> Options:
    return Options(TRUSTED_LIMIT_S, trace=trace, texts=TEXTS, trusted=True)


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
