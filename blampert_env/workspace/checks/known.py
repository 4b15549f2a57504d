"""Findings from what the grader found out when it opened the project; nothing is run for them."""

from __future__ import annotations

from collections.abc import Iterator

from blampert_env.grading.facts import Facts, State
from blampert_env.grading.jail.stages.tracing import EVERYTHING
from blampert_env.projects import Project, Target
from blampert_env.workspace.checks.finding import Finding, counted, some


def code_name(target: Target) -> str:
    """``path::qualname`` as code objects have it: a setter and a second definition have the first one's name."""
    return f"{target.path}::{target.qualname.partition('@')[0]}"


def reaching(state: State, target: Target) -> list[str]:
    """Ids of the tests that reach a target, or of which nobody knows."""
    return [test for test, found in state.reached.items() if not found.isdisjoint((code_name(target), EVERYTHING))]


def known(project: Project, facts: Facts) -> Iterator[Finding]:
    """What the trusted runs say of tests and targets."""
    yield from _collected(facts)
    yield from _untouched(facts)
    yield from _by_target(project, facts)
    yield from _steady(facts)
    if facts.reference is not None:
        yield _reference(facts.reference, facts)


def _collected(facts: Facts) -> Iterator[Finding]:
    files = {test.split("::")[0] for test in facts.ids}
    yield Finding("collect", "ok", f"{counted(len(facts.ids), 'test')} in {counted(len(files), 'file')}")
    if facts.broken:
        path, why = next(iter(facts.broken.items()))
        more = f" and {len(facts.broken) - 1} more" if len(facts.broken) > 1 else ""
        text = f"{path}{more} cannot be imported ({why}): correct it, or install what it asks for"
        yield Finding("broken", "failed", text, facts.broken)
    if uncounted := facts.baseline.uncounted:
        text = f"{counted(len(uncounted), 'test')} skipped or expected to fail: they count for nobody"
        yield Finding("uncounted", "ok", text, {test: facts.baseline.outcomes[test] for test in sorted(uncounted)})


def _untouched(facts: Facts) -> Iterator[Finding]:
    baseline = facts.baseline
    if baseline.killed:
        text = f"its run was ended ({baseline.killed}): make the tests end by themselves"
        yield Finding("untouched", "failed", text, baseline.failures)
    elif baseline.all_passed:
        text = "every test passes before anything is written: add tests of what the TODOs ask for"
        yield Finding("untouched", "failed", text)
    else:
        text = f"{baseline.total - baseline.passed:,} of {counted(baseline.total, 'test')} fail, as they should"
        yield Finding("untouched", "ok", text)


def _by_target(project: Project, facts: Facts) -> Iterator[Finding]:
    state = facts.reference or facts.untouched
    if not state.reached:
        return  # nobody watched: there is no sandbox
    counts = {target.id: len(reaching(state, target)) for target in project.targets}
    unseen = sum(EVERYTHING in found for found in state.reached.values())
    text = f"each target is reached by {min(counts.values()):,} to {max(counts.values()):,} tests"
    if unseen:
        text += f" ({unseen:,} of them could not be watched, and count for all)"
    lonely = [target for target, count in counts.items() if not count]
    if lonely:
        text = f"no test reaches {some(lonely)}: add tests, or it cannot be learnt"
    yield Finding("reached", "note" if lonely else "ok", text, counts)


def _steady(facts: Facts) -> Iterator[Finding]:
    if facts.flaky:
        text = f"{some(sorted(facts.flaky))}: not always the same on the same code; correct or remove them"
        yield Finding("flaky", "failed", text, dict.fromkeys(sorted(facts.flaky), "flaky"))
    elif facts.ordered and not facts.baseline.killed:
        text = "tests depend on one another or on their order: all of them are run for each edit, in one order"
        yield Finding("order", "note", text)
    elif not facts.baseline.killed:
        yield Finding("deterministic", "ok", "another order says the same")


def _reference(state: State, facts: Facts) -> Finding:
    wrong = {test: outcome for test, outcome in state.outcomes.items() if outcome not in ("passed", "skipped")}
    wrong = {test: outcome for test, outcome in wrong.items() if test not in facts.baseline.uncounted | facts.flaky}
    passed = sum(outcome == "passed" for outcome in state.outcomes.values())
    if wrong:
        text = f"it fails {len(wrong):,} of {counted(len(state.outcomes), 'test')}: {some(wrong)}"
        return Finding("solution", "failed", text, wrong)
    return Finding("solution", "ok", f"passes {counted(passed, 'test')}" + (", all of them" if passed else ""))
