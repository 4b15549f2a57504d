"""What is made ready before the first edit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blampert_env.grading import make_grader
from blampert_env.projects import Project

AT_IMPORT = 'def double(x):\n    """Twice x."""\n    # TODO: implement\n    return None\n\n\nTWO = double(1)\n'
LATER = AT_IMPORT.replace("TWO = double(1)", "TWO = 2")
TESTS = "from tiny import double\n\n\ndef test_double():\n    assert double(2) == 4\n"


@pytest.mark.parametrize(("source", "anew"), [(AT_IMPORT, True), (LATER, False)])
def test_a_session_that_imports_anew_is_ready_where_an_edit_needs_it(
    project_of: Callable[..., Project], source: str, anew: bool
) -> None:
    with make_grader(project_of(TESTS, source)) as grader:
        _ = grader.baseline
        assert grader._doors().runner.imports_anew is anew
        report = grader.grade({"tiny.py": source.replace("return None", "return 2 * x")})
    assert (report.passed, report.method) == (1, "plain")
