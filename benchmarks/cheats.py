"""What pays to cheat: every attack of tests/grading/attacks in four ways of running tests, and odd honest programs.

An attack pays if more tests pass than an honest grader lets pass, or if what was planted (a secret, files, listeners)
was reached. Attacks that could harm the machine are not run without a sandbox; how many is said.

- ``plain subprocess``: ``isolation="none"``.
- ``in-process``: tests and candidate in one jailed process.
- ``in-process, twins``: the same, and every test has an impossible twin.
- ``default``: tests and candidate in separate jailed processes; with twins for the one project that needs one process.

    python benchmarks/cheats.py [--only FAMILY]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from machine import finish, print_table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from blampert_env.errors import GraderError
from blampert_env.grading import Grader
from blampert_env.grading.trusted import _twins_that_fail
from tests.grading.attacks import suite
from tests.grading.attacks.case import Case
from tests.grading.attacks.planted import planted

MODES = ("plain subprocess", "in-process", "in-process, twins", "default")


def grader(case: Case, mode: str) -> Grader:
    """One that works in the given way whatever the project allows."""
    if mode == "plain subprocess":
        return Grader(case.target.project, isolation="none", cache_size=0, timeout_s=case.timeout_s)
    found = Grader(case.target.project, cache_size=0, timeout_s=case.timeout_s)
    if mode != "default":
        trusted = found._trusted_run()
        twins = _twins_that_fail(found._engine, found.test_ids, [{}]) if mode.endswith("twins") else frozenset()
        assert twins or mode == "in-process", f"no test of {case.target.name} has a twin"
        found._found = replace(trusted, method="in-process", twins=twins)
    return found


def result(case: Case, mode: str) -> str:
    """``pays``, ``fails``, ``skipped`` or ``error``; for honest code ``kept`` or ``lost``."""
    if case.dangerous and mode == "plain subprocess":
        return "skipped"
    with tempfile.TemporaryDirectory() as folder, planted(Path(folder)) as traps:
        try:
            judge = grader(case, mode)
            _ = judge.baseline
            reports = [judge.grade(traps.aim(files)) for files in (case.files, case.then) if files]
        except GraderError as error:
            print(f"  {case}, {mode}: {error}", file=sys.stderr)
            return "error"
        harmed = bool(traps.harm(repr(reports)))
    if case.family == "honest":
        return "kept" if reports[-1].all_passed and not harmed else "lost"
    return "pays" if harmed or reports[-1].passed > case.earns else "fails"


def cell(counts: Counter[str]) -> str:
    """``pays / run``, and what is neither."""
    run = counts["pays"] + counts["fails"] + counts["error"]
    notes = [f"{counts[what]} {what}" for what in ("skipped", "error") if counts[what]]
    return f"{counts['pays']} / {run}" + (f" ({', '.join(notes)})" if notes else "")


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
    print_table(["family", *MODES], rows)
    if only is None:
        finish("cheats", found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="one family")
    run(parser.parse_args().only)
