"""Imported problems are run before they are taken."""

from __future__ import annotations

import pytest

from blampert_env.errors import ProjectError
from blampert_env.projects import Project
from blampert_env.projects.importers.problems import Problem, Refused
from blampert_env.workspace.problems import checked, outcomes_now

STUB = "def {}(x):\n    # TODO: implement\n    raise NotImplementedError\n\n\n"
ONE = "from solution import f\n\n\ndef test_f():\n    assert f(1) == 2\n"
NETWORK = "import socket\n\n\ndef f(x):\n    socket.create_connection(('192.0.2.1', 80))\n    return 2\n"
NAMES = "import urllib.request\n\n\ndef f(x):\n    return urllib.request.urlopen('http://example.org')\n"
PACKAGE = "import not_installed_anywhere\n\n\ndef f(x):\n    return 2\n"


def problem(solution: str, tests: str = ONE, stubs: str = STUB.format("f"), held: str = "") -> Problem:
    held_out = {"test_more.py": held} if held else None
    files = {"solution.py": stubs, "test_solution.py": tests}
    project = Project.from_files("one", files, held_out=held_out, solution={"solution.py": solution})
    return Problem(project, {"solution.py": solution})


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (problem("def f(x):\n    return x\n"), "its own code fails its tests"),
        (problem("def f(x):\n    return 2\n", held=ONE.replace("== 2", "== 3")), "its own code fails its tests"),
        (problem("def f(x):\n    return 2\n", tests=ONE.replace("f(1) == 2", "f")), "its tests pass without any code"),
        (problem(NETWORK), "its tests need the network, and there is none where tests are run"),
        (problem(NAMES), "its tests need the network, and there is none where tests are run"),
        (problem(PACKAGE), "needs a package that is not installed: not_installed_anywhere"),
        (
            problem(PACKAGE, stubs="import not_installed_anywhere\n\n\n" + STUB.format("f")),
            "needs a package that is not installed: not_installed_anywhere",
        ),
    ],
    ids=["wrong", "held-out", "idle", "connects", "resolves", "imports", "cannot-be-collected"],
)
def test_what_cannot_be_trained_on_has_a_reason(given: Problem, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        checked(given)
    assert str(refusal.value) == reason


def test_functions_that_no_test_misses_keep_their_authors_code() -> None:
    written = "def f(x):\n    return x + 1\n\n\ndef g(x):\n    # twice\n    return 2 * x\n"
    given = problem(written, tests=ONE.replace("import f", "import f, g"), stubs=STUB.format("f") + STUB.format("g"))
    assert len(given.project.targets) == 2
    made, kept = checked(given)
    assert kept == {"solution.py::g": "is reached by no test"}
    assert [target.id for target in made.project.targets] == ["solution.py::f"]
    assert "# twice" in made.project.sources["solution.py"]


def test_outcomes_of_the_code_as_it_is() -> None:
    given = problem("def f(x):\n    return 2\n")
    assert outcomes_now(given.project) == {"test_solution.py::test_f": "failed"}
    broken = Project.from_files("one", {"solution.py": STUB.format("f"), "test_a.py": "import not_there_at_all\n"})
    with pytest.raises(ProjectError, match="not_there_at_all"):
        outcomes_now(broken)
