"""Each strategy's pass@1 and tokens per call, with a real LM, on the bundled projects and on HumanEval.

One LM call a problem and strategy. A HumanEval problem is passed by its official check (which no prompt shows); a
bundled target by the visible tests that mention no other target. Strategies that repair are asked where the first
strategy's answer failed; strategies that show examples see the first target's verified solution. Answers come from
the sample pool where they were drawn before: run twice, same table.

    python benchmarks/bench_strategies.py [--problems 40] [--model embedded] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass

from machine import finish, print_table, wilson

from blampert_env.coding import Coder, CodingContext, Strategy, load_strategies
from blampert_env.editing import apply_edit
from blampert_env.errors import EditRejected
from blampert_env.grading import TestReport, make_grader
from blampert_env.lm import resolve
from blampert_env.projects import Project, Target, bundled_projects, humaneval_problems

SAMPLE_SEED = 0
TARGET_PASS, TARGET_TOKENS = 0.55, 150


@dataclass(frozen=True)
class Problem:
    """One target to write, and the tests that decide."""

    suite: str
    project: Project
    target: Target
    tests: tuple[str, ...] | None  # None: all of the held-out ones


@dataclass
class Answer:
    """What one call gave."""

    passed: bool
    tokens: int
    prompt_tokens: int
    source: str
    failing: str


def bundled() -> Iterator[Problem]:
    """The twelve targets of the bundled projects."""
    for path in bundled_projects().values():
        project = Project.load(path)
        for target in project.targets:
            own = [test for test, targets in project.test_targets.items() if targets == {target.id}]
            assert own, f"{target.id} has no test of its own"
            yield Problem("bundled", project, target, tuple(own))


def humaneval(count: int) -> Iterator[Problem]:
    """A fixed sample of HumanEval."""
    problems = humaneval_problems()
    for project in random.Random(SAMPLE_SEED).sample(problems, min(count, len(problems))):
        yield Problem("HumanEval", project, project.targets[0], None)


def grade(problem: Problem, files: dict[str, str]) -> tuple[bool, str]:
    """Whether the deciding tests pass, and what the visible ones say."""
    visible = None
    if problem.project.tests:
        with make_grader(problem.project) as grader:
            visible = grader.grade(files)
    failing = "\n\n".join(list(visible.failures.values())[:3]) if visible else ""
    if problem.tests is None:
        with make_grader(problem.project, tests="held_out") as grader:
            return grader.grade(files).all_passed, failing
    assert visible is not None
    return all(passed(visible, test) for test in problem.tests), failing


def passed(report: TestReport, test: str) -> bool:
    """Whether a test function passes, in all of its parametrisations."""
    outcomes = [outcome for name, outcome in report.outcomes.items() if name.split("[", 1)[0] == test]
    return bool(outcomes) and all(outcome == "passed" for outcome in outcomes)


def ask(coder: Coder, problem: Problem, strategy: Strategy, context: CodingContext, draw: int) -> Answer:
    """One call, applied and graded."""
    proposal = coder.propose(context, strategy, draw)
    completion = proposal.completion
    ok, failing = False, "the reply held no code"
    if proposal.edit is not None:
        try:
            ok, failing = grade(problem, apply_edit(problem.project, problem.project.sources, proposal.edit))
        except EditRejected as refusal:
            failing = str(refusal)
    source = proposal.edit.source if proposal.edit else ""
    return Answer(ok, completion.completion_tokens, completion.prompt_tokens, source, failing)


def contexts(
    problem: Problem, strategy: Strategy, first: Answer | None, example: tuple[str, str] | None
) -> CodingContext | None:
    """The context a strategy needs; None where this problem cannot give it."""
    needs_previous = "previous" in strategy.show
    if needs_previous and (first is None or first.passed or not first.source):
        return None
    if "examples" in strategy.show and example is None:
        return None
    return CodingContext(
        target=problem.target,
        files=problem.project.sources,
        tests=problem.project.tests_for(problem.target),
        failing=first.failing if needs_previous and first else "",
        previous=first.source if needs_previous and first else "",
        examples=(example,) if example else (),
    )


def run(arguments: argparse.Namespace) -> None:
    """Ask, grade, print."""
    coder = Coder(resolve(arguments.model))
    strategies = load_strategies(names=arguments.only)
    suites = {"HumanEval": list(humaneval(arguments.problems)), "bundled": list(bundled())}
    figures = []
    for suite, problems in suites.items():
        first: dict[str, Answer] = {}
        verified: dict[str, tuple[str, str]] = {}
        for strategy in strategies:
            answers = []
            for problem in problems:
                key = f"{problem.project.name}:{problem.target.id}"
                example = next((pair for name, pair in verified.items() if name != key), None)
                context = contexts(problem, strategy, first.get(key), example if suite == "bundled" else None)
                if context is None:
                    continue
                answer = ask(coder, problem, strategy, context, draw=0)
                answers.append(answer)
                first.setdefault(key, answer)
                if answer.passed:
                    verified.setdefault(key, (problem.target.source, answer.source))
            figures.append(summary(suite, strategy, answers))
            print(f"... {suite} {strategy.name}: {figures[-1]['passed']}/{figures[-1]['asked']}", flush=True)
    report(figures, coder.lm.name)


def summary(suite: str, strategy: Strategy, answers: list[Answer]) -> dict[str, float | str | int]:
    """One row."""
    count = len(answers)
    low, high = wilson(sum(answer.passed for answer in answers), count)
    return {
        "suite": suite,
        "strategy": strategy.name,
        "repairs": strategy.ask == "repair",
        "asked": count,
        "passed": sum(answer.passed for answer in answers),
        "low": low,
        "high": high,
        "tokens": sum(answer.tokens for answer in answers) / max(1, count),
        "prompt_tokens": sum(answer.prompt_tokens for answer in answers) / max(1, count),
    }


def report(figures: list[dict[str, float | str | int]], model: str) -> None:
    """Print the table and whether the target is met."""
    rows = []
    for row in figures:
        asked = int(row["asked"])
        share = f"{int(row['passed']) / asked:.0%} ({row['low']:.0%}-{row['high']:.0%})" if asked else "-"
        # a repair is asked only where the first strategy failed: its share is no pass@1 of the whole suite
        label = f"{row['strategy']} (of {figures[0]['strategy']}'s failures)" if row["repairs"] else row["strategy"]
        rows.append(
            [
                row["suite"],
                label,
                asked,
                row["passed"],
                share,
                f"{row['tokens']:.0f}",
                f"{row['prompt_tokens']:.0f}",
            ]
        )
    print(f"\nmodel {model}; one sample each (pool draw 0), HumanEval sample of seed {SAMPLE_SEED}\n")
    print_table(
        ["suite", "strategy", "asked", "passed", "passed of asked (95 % CI)", "completion tokens", "prompt tokens"],
        rows,
    )
    whole = [row for row in figures if row["suite"] == "HumanEval" and not row["repairs"] and row["asked"]]
    if whole:
        best = max(whole, key=lambda row: int(row["passed"]))
        share = int(best["passed"]) / int(best["asked"])
        met = "met" if share >= TARGET_PASS and float(best["tokens"]) <= TARGET_TOKENS else "NOT met"
        print(
            f"\nbest single strategy on HumanEval: {best['strategy']}, {share:.0%} at {best['tokens']:.0f} completion "
            f"tokens a call; to reach: {TARGET_PASS:.0%} at no more than {TARGET_TOKENS}: {met}"
        )
    finish("strategies", figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=40)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--only", nargs="+")
    run(parser.parse_args())
