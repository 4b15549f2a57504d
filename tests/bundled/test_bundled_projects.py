"""The projects that ship with Blampert: their TODOs, their tests, and what those tests are worth."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from blampert_env.editing import Edit, apply_edit
from blampert_env.grading import make_grader
from blampert_env.projects import Project, bundled_projects, find_targets, load_solution

TARGETS = {
    "calculator": ["add", "subtract", "multiply", "divide"],
    "math_operations": ["factorial", "fibonacci", "prime_check", "gcd"],
    "data_processor": ["load_csv", "clean_data", "calculate_statistics", "save_processed_data"],
}
LOOKUP = Path(__file__).parent / "lookup"


@pytest.fixture(scope="module", params=sorted(TARGETS))
def project(request: pytest.FixtureRequest) -> Project:
    return Project.load(bundled_projects()[request.param])


@pytest.fixture(scope="module")
def solution(project: Project) -> dict[str, str]:
    assert project.root is not None
    return load_solution(project.root)


@pytest.fixture(scope="module")
def graders(project: Project) -> Iterator[Mapping[str, object]]:
    """One open grader of the visible and one of the held-out tests."""
    with (
        make_grader(project, isolation="none", tests="visible") as visible,
        make_grader(project, isolation="none", tests="held_out") as held_out,
    ):
        yield {"visible": visible, "held_out": held_out}


def definitions(text: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}


def shown(project: Project) -> list[str]:
    """Every text of a project that a prompt or a policy could ever come to see."""
    support = [content.decode("utf-8", "replace") for content in project.support.values()]
    prompts = [project.tests_for(target) for target in project.targets]
    return [*project.sources.values(), *project.tests.values(), *support, *prompts]


def test_bundled_names() -> None:
    assert sorted(bundled_projects()) == sorted(TARGETS)


def test_four_targets_in_one_file(project: Project) -> None:
    assert [target.name for target in project.targets] == TARGETS[project.name]
    assert {target.kind for target in project.targets} == {"todo"}
    assert all(target.docstring for target in project.targets)
    assert list(project.sources) == [f"{project.name}.py"]
    assert list(project.tests) == [f"test_{project.name}.py"]
    assert list(project.held_out) == [f"held_out/test_{project.name}_held_out.py"]


def test_only_pytest_is_required(project: Project) -> None:
    assert [line.split(">")[0] for line in project.requirements] == ["pytest"]


def test_readme_names_every_target(project: Project) -> None:
    assert project.readme is not None
    assert all(f"`{name}`" in project.readme for name in TARGETS[project.name])


def test_every_test_mentions_a_target_and_most_only_one(project: Project) -> None:
    mentions = [len(targets) for targets in project.test_targets.values()]
    assert min(mentions) >= 1
    assert sum(count == 1 for count in mentions) >= 0.7 * len(mentions)


def test_solution_differs_from_the_project_in_function_bodies_only(project: Project, solution: dict[str, str]) -> None:
    assert list(solution) == list(project.sources)
    for path, text in solution.items():
        assert not find_targets(path, text)
        ours, theirs = definitions(text), definitions(project.sources[path])
        assert list(ours) == list(theirs)
        for name, function in ours.items():
            assert ast.dump(function.args) == ast.dump(theirs[name].args)
            assert ast.get_docstring(function) == ast.get_docstring(theirs[name])


@pytest.mark.parametrize("kind", ["visible", "held_out"])
def test_untouched_project_passes_nothing(project: Project, graders: Mapping, kind: str) -> None:
    report = graders[kind].grade(project.sources)
    assert report.passed == 0, [test for test, outcome in report.outcomes.items() if outcome == "passed"]
    assert 12 <= report.total <= 24


@pytest.mark.parametrize("kind", ["visible", "held_out"])
def test_solution_passes_everything(solution: dict[str, str], graders: Mapping, kind: str) -> None:
    report = graders[kind].grade(solution)
    assert report.all_passed, report.failures


def test_each_target_alone_is_progress(project: Project, solution: dict[str, str], graders: Mapping) -> None:
    """Solving any one target earns between a tenth and a half of the tests; solving all earns all."""
    for target in project.targets:
        function = definitions(solution[target.path])[target.name]
        source = ast.get_source_segment(solution[target.path], function)
        assert source is not None
        files = apply_edit(project, project.sources, Edit(target.id, source))
        report = graders["visible"].grade(files)
        assert 0.1 <= report.pass_rate <= 0.5, target.id


def test_lookup_table_passes_the_visible_tests(project: Project, graders: Mapping) -> None:
    path = f"{project.name}.py"
    report = graders["visible"].grade({path: (LOOKUP / path).read_text(encoding="utf-8")})
    assert report.all_passed, report.failures


def test_lookup_table_fails_the_held_out_tests(project: Project, graders: Mapping) -> None:
    path = f"{project.name}.py"
    report = graders["held_out"].grade({path: (LOOKUP / path).read_text(encoding="utf-8")})
    assert report.verdict == "ok"
    assert report.passed == 0, [test for test, outcome in report.outcomes.items() if outcome == "passed"]


@pytest.mark.parametrize(
    "body", ["return None", "return 0", "return 1", "return True", "return False", "return []", "raise ValueError"]
)
def test_constant_answers_earn_nothing(project: Project, graders: Mapping, body: str) -> None:
    files = dict(project.sources)
    for target in project.targets:
        files = apply_edit(project, files, Edit(target.id, f"{target.signature}:\n    {body}\n"))
    assert graders["visible"].grade(files).passed == 0


def test_neither_held_out_tests_nor_solution_are_shown(project: Project, solution: dict[str, str]) -> None:
    paths = [*project.sources, *project.tests, *project.support]
    assert not [path for path in paths if path.startswith(("held_out", "solution"))]
    texts = shown(project)
    for content in project.held_out.values():
        for name in definitions(content.decode()):
            if name.startswith("test_"):
                assert not [text for text in texts if f"def {name}(" in text], name
    for path, text in solution.items():
        before = {line.strip() for line in project.sources[path].splitlines()}
        written = [line.strip() for line in text.splitlines() if line.startswith("    ")]
        secret = [line for line in written if line not in before and len(line) > 16]
        assert secret
        assert not [line for line in secret if any(line in other for other in texts)]
