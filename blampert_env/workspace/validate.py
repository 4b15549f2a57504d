"""Whether stubs can be trained on: the originals pass, and each stub makes a test fail that they pass."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from blampert_env.grading import Grader, make_grader
from blampert_env.grading.facts import Facts, State
from blampert_env.grading.jail.stages.tracing import EVERYTHING
from blampert_env.projects import Project
from blampert_env.projects.importers.repository import Validation
from blampert_env.projects.syntax import functions, split_lines
from blampert_env.projects.target import Target
from blampert_env.workspace.checks.known import code_name, reaching


def validate_stubs(
    project: Project,
    originals: Mapping[str, str],
    *,
    python: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Validation:
    """Open the project with the originals as its solution, and look at what its tests reach and say.

    A test that passes on the originals, fails on the stubs and reached no other stub on its way fails for this stub
    alone: it would run the same way with the others put back. A stub that no passing test reaches fails none. Only
    stubs of which neither is seen are graded one by one.

    Args:
        project: The project with its stubs.
        originals: The reference solution, path to text.
        python: The interpreter that runs the tests; this one by default.
        say: Called with a line before something that takes time.

    Raises:
        ProjectError: The tests cannot be collected.
        GraderError: The grader itself failed.
    """
    refused: dict[str, str] = {}
    with _written(project, originals) as opened, make_grader(opened, python=python) as grader:
        say(f"running the tests on the original code of {len(project.targets)} functions, and on the stubs")
        facts = grader.facts
        right = facts.reference.outcomes if facts.reference else grader.grade(dict(originals)).outcomes
        passing = {test for test, outcome in right.items() if outcome == "passed"} - facts.flaky
        if not passing:
            reason = "is not graded: the original code passes no test"
            return Validation({target.id: reason for target in project.targets})
        for number, target in enumerate(opened.targets, 1):
            if facts.reference and not set(reaching(facts.reference, target)) & passing:
                refused[target.id] = _out_of_reach(facts.reference, target)
            elif not _fails_alone(facts, opened, target, passing):
                say(f"stub {number} of {len(opened.targets)}: {target.id}")
                if not _fails(grader, originals, target, passing):
                    refused[target.id] = "makes no test fail as it is"
    return Validation(refused)


@contextmanager
def _written(project: Project, originals: Mapping[str, str]) -> Iterator[Project]:
    """The project in a folder, with the originals below ``solution/``, where the grader looks for them."""
    with tempfile.TemporaryDirectory(prefix="blampert-import-") as scratch:
        root = Path(scratch, project.name)
        files: dict[str, str | bytes] = {**project.sources, **project.tests, **project.support, **project.held_out}
        files |= {f"solution/{path}": text for path, text in originals.items()}
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content.encode() if isinstance(content, str) else content)
        yield Project.load(root, name=project.name)


def _out_of_reach(state: State, target: Target) -> str:
    """Why no test says anything of a target."""
    theirs = reaching(state, target)
    if not theirs:
        return "is reached by no test"
    return f"is reached only by tests that do not pass on the original code, such as {min(theirs)}"


def _fails_alone(facts: Facts, project: Project, target: Target, passing: set[str]) -> bool:
    """Whether a trusted run showed that a test fails for this stub and for no other."""
    stubs = {code_name(one) for one in project.targets}
    if facts.ordered or facts.at_import & stubs:
        return False  # another test, or what another stub did at import, may be the reason
    return any(
        facts.untouched.outcomes[test] in ("failed", "error")
        and reached & stubs == {code_name(target)}
        and EVERYTHING not in reached
        for test, reached in facts.untouched.reached.items()
        if test in passing
    )


def _fails(grader: Grader, originals: Mapping[str, str], target: Target, passing: set[str]) -> bool:
    """Whether a test fails when this function alone is a stub."""
    text = with_stub(originals[target.path], target)
    outcomes = grader.grade({**originals, target.path: text}).outcomes
    return any(outcomes.get(test) != "passed" for test in passing)


def with_stub(original: str, target: Target) -> str:
    """The original file with one of its functions as the project has it."""
    function = next(function for function in functions(original) if function.qualname == target.qualname)
    lines = list(split_lines(original))
    first = lines[function.first - 1]
    indent = first[: len(first) - len(first.lstrip(" \t"))]
    stub = [indent + line if line.strip() else line for line in target.source.splitlines(keepends=True)]
    lines[function.first - 1 : function.last] = stub
    return "".join(lines)
