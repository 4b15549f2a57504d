"""Names, folders and environment ids of projects."""

import subprocess
import sys
from pathlib import Path

import pytest

from blampert_env.errors import ProjectError
from blampert_env.projects import Project, bundled_projects, env_id, find_project, load_solution
from blampert_env.projects.project import snake_case


@pytest.mark.parametrize(
    ("given", "snake", "identity"),
    [
        ("math_operations", "math_operations", "Blampert-MathOperations-v0"),
        ("MathOperations", "math_operations", "Blampert-MathOperations-v0"),
        ("math-operations 2", "math_operations_2", "Blampert-MathOperations2-v0"),
        ("humaneval_0", "humaneval_0", "Blampert-Humaneval0-v0"),
        ("HTTPServer", "http_server", "Blampert-HttpServer-v0"),
        ("_x_", "x", "Blampert-X-v0"),
        ("...", "project", "Blampert-Project-v0"),
    ],
)
def test_names(given: str, snake: str, identity: str) -> None:
    assert snake_case(given) == snake
    assert env_id(given) == identity


@pytest.mark.parametrize("name", sorted(bundled_projects()))
def test_bundled_projects_load(name: str) -> None:
    root = find_project(name)
    project = Project.load(root)
    assert project.name == name
    assert project.requirements is not None
    assert project.readme
    assert set(load_solution(root)) <= set(project.sources)
    mentioned = frozenset().union(*project.test_targets.values())
    assert mentioned == {target.id for target in project.targets}


def test_find_by_name_or_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    assert find_project(folder) == folder
    assert find_project(str(folder)) == folder
    assert find_project("my-own", {"my_own": folder}) == folder
    assert find_project("my_own", {"my_own": folder}) == folder


@pytest.mark.parametrize("name", ["my_ownn", "", "no/such/folder"])
def test_unknown_project(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="my_own") as caught:
        find_project(name, {"my_own": tmp_path})
    assert "\n" not in str(caught.value)


def test_file_instead_of_folder(tmp_path: Path) -> None:
    (tmp_path / "x.py").touch()
    with pytest.raises(ProjectError, match="is a file"):
        find_project(tmp_path / "x.py")


def test_rooms_need_the_standard_library_only() -> None:
    code = (
        "import sys, types; package = types.ModuleType('blampert_env'); package.__path__ = [sys.argv[1]];"
        "sys.modules['blampert_env'] = package;"
        "import blampert_env.projects, blampert_env.editing;"
        "print(*sorted(set(m.split('.')[0] for m in sys.modules) - set(sys.stdlib_module_names)))"
    )
    package = Path(__file__).parents[2] / "blampert_env"
    shown = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, package], capture_output=True, text=True, check=True
    )
    assert set(shown.stdout.split()) <= {"blampert_env", "__main__"}
