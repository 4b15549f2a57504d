"""What pays to cheat: every attack of tests/grading/attacks in five ways of running tests, and odd honest programs.

An attack pays if more tests pass than an honest grader lets pass, or if what was planted (a secret, files, listeners)
was reached. Attacks that could harm the machine are not run without a sandbox; how many is said. The family ``channel``
forges messages between tests and candidate: where both share a process there is no such channel, and its zeros say
nothing.

- ``plain subprocess``: ``isolation="none"``.
- ``one process``: tests and candidate in one jailed process, whoever the candidate is.
- ``one process, twins``: the same, and every test has an impossible twin.
- ``apart``: ``isolation="strict"``, which refuses the one project whose tests need the candidate's process.
- ``default``: triage decides; what it calls plain is confirmed with twins, as before anything is kept.

The last column counts what triage calls plain, and how many of those pay in one process.

    python benchmarks/cheats.py [--only FAMILY]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from machine import finish, print_table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from blampert_env.errors import GraderError
from blampert_env.grading import Grader, TestReport, judge
from blampert_env.grading.confirming import Touched
from blampert_env.grading.edits import Edits
from blampert_env.grading.files import as_text, candidate_sources
from blampert_env.grading.jailed import Options
from blampert_env.grading.running import Wish
from tests.grading.attacks import suite
from tests.grading.attacks.case import Case
from tests.grading.attacks.planted import planted

MODES = ("plain subprocess", "one process", "one process, twins", "apart", "default")
WISH = Wish(20.0)


def judged(case: Case, mode: str, files: dict[str, str | bytes]) -> TestReport:
    """The report on a candidate that goes one way, whatever the project allows."""
    isolation = {"plain subprocess": "none", "apart": "strict"}.get(mode, "default")
    grader = Grader(case.target.project, isolation=isolation, cache_size=0, timeout_s=case.timeout_s)  # type: ignore[arg-type]
    if mode == "default":
        return grader.confirm(files)
    if not mode.startswith("one process"):
        return grader.grade(files)
    doors, sources = grader._doors(), candidate_sources(case.target.project, files)
    if sources is None:
        return grader.grade(files)
    wish = replace(WISH, limit_s=case.timeout_s)
    if mode.endswith("twins"):
        try:
            return doors.twins.halves(as_text(sources), wish, Edits(rest="not plain"), set(doors.facts.ids))
        except Touched:  # by default, such a candidate is judged apart or not at all
            return judge.tampered(doors.facts.ids, "twins")
    run = doors.runner.run("fresh", as_text(sources), Options(case.timeout_s))
    return judge.report(run, grader.test_ids)


def is_plain(case: Case) -> bool:
    """Whether triage takes it for plain."""
    sources = candidate_sources(case.target.project, case.files)
    doors = Grader(case.target.project, cache_size=0)._doors()
    return sources is not None and not doors.triage.reasons(as_text(sources))


def result(case: Case, mode: str) -> str:
    """``pays``, ``fails``, ``skipped``, ``refused`` or ``error``; for honest code ``kept`` or ``lost``."""
    if case.dangerous and mode == "plain subprocess":
        return "skipped"
    with tempfile.TemporaryDirectory() as folder, planted(Path(folder)) as traps:
        try:
            reports = [judged(case, mode, traps.aim(files)) for files in (case.files, case.then) if files]
        except GraderError as error:
            if mode == "apart" and "strict" in str(error):
                return "refused"
            print(f"  {case}, {mode}: {error}", file=sys.stderr)
            return "error"
        harmed = bool(traps.harm(repr(reports)))
    if case.family == "honest":
        return "kept" if reports[-1].all_passed and not harmed else "lost"
    return "pays" if harmed or reports[-1].passed > case.earns else "fails"


def cell(counts: Counter[str]) -> str:
    """``pays / run``, and what is neither."""
    run = counts["pays"] + counts["fails"] + counts["error"]
    notes = [f"{counts[what]} {what}" for what in ("skipped", "refused", "error") if counts[what]]
    return f"{counts['pays']} / {run}" + (f" ({', '.join(notes)})" if notes else "")


def triaged(cases: Sequence[Case], plain: Mapping[str, bool], together: Mapping[str, str], family: str | None) -> str:
    """How many of a family (None: all attacks) triage calls plain, and how many of those pay in one process."""
    mine = [str(case) for case in cases if case.family == family or (family is None and case.family != "honest")]
    called = [name for name in mine if plain[name]]
    return f"{len(called)}; {sum(together[name] == 'pays' for name in called)}"


def run(only: str | None) -> None:
    """Run everything and print."""
    cases = [case for case in (*suite.ATTACKS, *suite.HONEST) if only in (None, case.family)]
    found = {mode: {str(case): result(case, mode) for case in cases} for mode in MODES}
    families = list(dict.fromkeys(case.family for case in cases if case.family != "honest"))
    counts = {
        (family, mode): Counter(found[mode][str(case)] for case in cases if case.family == family)
        for family in [*families, "honest"]
        for mode in MODES
    }
    rows = [[family, *(cell(counts[family, mode]) for mode in MODES)] for family in families]
    totals = [sum((counts[family, mode] for family in families), Counter()) for mode in MODES]
    rows.append(["all attacks that pay", *map(cell, totals)])
    kept = [counts["honest", mode] for mode in MODES]
    rows.append(["honest programs kept whole", *(f"{count['kept']} / {count.total()}" for count in kept)])
    plain = {str(case): is_plain(case) for case in cases}
    for row, kind in zip(rows, [*families, None, "honest"], strict=True):
        row.append(triaged(cases, plain, found["one process"], kind))
    print_table(["family", *MODES, "called plain; of those pay in one process"], rows)
    if only is None:
        finish("cheats", {**found, "plain": plain})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="one family")
    run(parser.parse_args().only)
