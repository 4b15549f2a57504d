"""How an attempt failed, from what real pytest says of it."""

from __future__ import annotations

import pytest

from blampert_env.envs import CodeEditEnv
from blampert_env.envs.failures import failure_kind
from blampert_env.envs.progress import what_failed
from blampert_env.projects import Project

SOURCE = 'def first(x):\n    """The first of x."""\n    # TODO: implement\n'
TESTS = """import pytest
from m import first

def test_list():
    assert first([1, 2]) == 1

def test_empty():
    with pytest.raises(ValueError):
        first([])
"""


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("return x[0] if x else nothing", "name"),
        ("return x.head()", "name"),
        ("import no_such_module", "name"),
        ("return first()", "type"),
        ("return len(x) + 'a'", "type"),
        ("return x[-1] if x else None", "assertion"),
        ("return None", "assertion"),
        ("return x[5]", "other"),
        ("return first(x)", "time"),
        ("while True: pass", "time"),
        ("return (", "syntax"),
        ("if x: return x[0]\n    raise ValueError", ""),
    ],
)
def test_kinds(body: str, kind: str) -> None:
    with CodeEditEnv(Project.from_files("m", {"m.py": SOURCE, "test_m.py": TESTS}), timeout_s=1.0) as env:
        env.reset(seed=0)
        env.step(f"# target: m.py::first\ndef first(x):\n    {body}\n")
        attempt = env.session.attempts[-1]
    failing = what_failed(attempt.report, list(attempt.report.outcomes)) if attempt.report else ""
    assert failure_kind(attempt.outcome, attempt.report, failing) == kind


def test_a_chain_of_exceptions_is_one_failure_and_its_last_counts() -> None:
    body = "try:\n        return {}[x[0]]\n    except KeyError:\n        return x + 'a'"
    with CodeEditEnv(Project.from_files("m", {"m.py": SOURCE, "test_m.py": TESTS})) as env:
        env.reset(seed=0)
        env.step(f"# target: m.py::first\ndef first(x):\n    {body}\n")
        attempt = env.session.attempts[-1]
    assert attempt.report is not None
    failing = what_failed(attempt.report, ["test_m.py::test_list"])
    assert "During handling" in failing
    assert failure_kind(attempt.outcome, attempt.report, failing) == "type"


def test_a_crash_that_says_nothing_is_a_failure() -> None:
    with CodeEditEnv(Project.from_files("m", {"m.py": SOURCE, "test_m.py": TESTS})) as env:
        env.reset(seed=0)
        env.step("# target: m.py::first\ndef first(x):\n    import os\n    os.abort()\n")
        attempt = env.session.attempts[-1]
    assert attempt.report is not None
    assert failure_kind(attempt.outcome, attempt.report, "") == "other"


def test_what_holds_no_code_is_no_syntax() -> None:
    with CodeEditEnv(Project.from_files("m", {"m.py": SOURCE, "test_m.py": TESTS})) as env:
        env.reset(seed=0)
        env.step("I cannot do that.")
        assert failure_kind(env.session.attempts[-1].outcome, None, "") == "syntax"
