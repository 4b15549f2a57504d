"""Known repositories as projects: whether Blampert judges as plain pytest does, test by test, and how fast.

Each is a pinned source package of the index (``data/repositories.json``), fetched as data into the cache, its SHA-256
checked. Plain pytest, the whole process, is the truth: on right code, on each of a few functions stubbed, on two random
mutants of each. Its time is the median of ``--runs``, in turn with evaluations of right code. Tests on which plain
pytest disagrees with itself are left out and counted. A repository that cannot be opened loses all its tests.

Mutants run unconfined under plain pytest: functions that name files or processes are stubbed, never mutated.

    python benchmarks/repositories.py [NAME ...] [--quick] [--runs 3] [--seed 0] [--python PYTHON]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from machine import finish, met, print_table
from repository import Figures, Options, measure
from sources import archives, pinned, pins

QUICK = ("inflection", "itsdangerous", "toolz")
HEADINGS = (
    "repository", "tests", "passed plain / Blampert", "judged right", "stubs alike", "mutants alike", "plain pytest",
    "opening first / again", "an edit", "of plain (median / worst)", "doors",
)  # fmt: skip


def row(found: Figures) -> list[str]:
    """One repository's row."""
    tests = f"{found.tests}" + (f" (+{found.unstable} unstable)" if found.unstable else "")
    if found.why:
        return [found.name, tests, f"{found.plain_passed} / 0", "0 %", *[""] * 6, found.why]
    total = sum(found.doors.values())
    doors = [f"{door} {100 * count / total:.0f} %" for door, count in sorted(found.doors.items())]
    return [
        found.name,
        tests,
        f"{found.plain_passed} / {found.passed}",
        f"{100 * found.right / found.tests:.2f} %",
        *(f"{sum(judged.values())}/{len(judged)}" for judged in found.judged.values()),
        f"{found.plain_s:.2f} s",
        f"{found.opening_first_s:.2f} / {found.opening_again_s:.2f} s",
        f"{1000 * median(found.evaluations_s):.0f} ms" + (f" ({found.ended} ended)" if found.ended else ""),
        f"{found.ratio:.2f} / {found.worst_ratio:.2f}",
        ", ".join(doors),
    ]


def totals(all_found: Sequence[Figures]) -> list[list[str]]:
    """What is claimed, what was found, whether it was reached."""
    opened = [found for found in all_found if not found.why]
    tests, right = sum(found.tests for found in all_found), sum(found.right for found in opened)
    share = right / tests if tests else 0.0
    alike = {
        kind: (
            sum(sum(found.judged[kind].values()) for found in opened),
            sum(len(found.judged[kind]) for found in opened),
        )
        for kind in ("stub", "mutant")
    }
    ratios = [found.ratio or 0.0 for found in opened]
    worst = max((found.worst_ratio or 0.0 for found in opened), default=float("inf"))
    middle = median(ratios) if ratios else float("inf")
    late = [found.name for found in opened if (found.opening_first_s or 0.0) > 3 * found.plain_s + 3]
    again = max((found.opening_again_s or 0.0 for found in opened), default=float("inf"))
    refused = [found.name for found in all_found if found.why]
    return [
        [
            "right code judged right",
            f"{right:,} of {tests:,} tests ({100 * share:.2f} %)",
            ">= 99.9 %",
            met(share >= 0.999),
        ],
        ["not opened", ", ".join(refused) or "none", "none", met(not refused)],
        *(
            [f"{kind}s judged alike, test by test", f"{good} of {count}", "all", met(good == count > 0)]
            for kind, (good, count) in alike.items()
        ),
        ["an edit against plain pytest, median", f"{middle:.2f}", "<= 0.20", met(middle <= 0.2)],
        ["an edit against plain pytest, worst", f"{worst:.2f}", "<= 1", met(worst <= 1)],
        [
            "opening slower than 3x plain pytest + 3 s",
            ", ".join(late) or "none",
            "none",
            met(not late and bool(opened)),
        ],
        ["opening from the cache, slowest", f"{again:.2f} s", "<= 1 s", met(again <= 1)],
    ]


def main(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    known = pins()
    chosen = arguments.names or [known[name] for name in (QUICK if arguments.quick else known)]
    options = Options(runs=arguments.runs, seed=arguments.seed, python=arguments.python)
    found = []
    for name, archive in archives(chosen).items():
        one = measure(known[name], archive, options) if isinstance(archive, Path) else Figures(name, why=str(archive))
        found.append(one)
        print(" | ".join(row(one)), file=sys.stderr, flush=True)
    print(f"right code, stubs and mutants of {len(found)} repositories, seed {options.seed}\n")
    print_table(HEADINGS, [row(one) for one in found])
    print()
    print_table(["what", "measured", "to reach", ""], totals(found))
    finish("repositories", {"seed": options.seed, "repositories": [one.json() for one in found]})
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", type=pinned, metavar="NAME", help="repositories; all that are pinned by default"
    )
    parser.add_argument("--quick", action="store_true", help=f"only {', '.join(QUICK)}")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--python", default=sys.executable, help="what the tests' environments are made with")
    sys.exit(main(parser.parse_args()))
