"""Which edits are refused, and with what words."""

import pickle
import re
import time

import pytest

from blampert_env.editing import REASONS, Edit, apply_edit, edit
from blampert_env.errors import EditRejected
from blampert_env.projects import Project

FACT = "calc.py::fact"
MAKE = "calc.py::Calculator.make"


def reason(project: Project, target: str, source: object, **options: int) -> str:
    with pytest.raises(EditRejected) as caught:
        apply_edit(project, project.sources, Edit(target, source), **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert caught.value.reason in REASONS
    assert message
    assert "\n" not in message
    assert len(message) < 700
    return caught.value.reason


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", "empty"),
        (" \n\t\n", "empty"),
        ("# only a comment\n", "empty"),
        ("    # only a comment\n", "empty"),
        ("def fact(n):\n    return '\0'\n", "binary"),
        ("def fact(n):\n    return '\ud800'\n", "binary"),
        (b"def fact(n): return 1", "binary"),
        (None, "binary"),
        ("def fact(n):\n", "syntax_error"),
        ("def fact(n)\n    return 1", "syntax_error"),
        ("def fact(n):\n\treturn 1\n        return 2\n", "syntax_error"),
        ("```python\ndef fact(n): return 1\n```", "syntax_error"),
        ("def fact(n): return '''", "syntax_error"),
        ("def fact(n):\n    return 1 \\", "syntax_error"),
        ("def fact(n):\n    break\n", "syntax_error"),
        ("def fact(n):\n    await n\n", "syntax_error"),
        ("def fact(n):\n    nonlocal x\n", "syntax_error"),
        ("def fact(n):\n    n = 1\n    global n\n", "syntax_error"),
        ("def fact(n):\n    def g(x, x): ...\n", "syntax_error"),
        ("return 1\ndef fact(n): return 1\n    x", "syntax_error"),
        ("def fact(n):\n    return " + "9" * 5_000, "syntax_error"),
        ("def fact(n):\n    return 0x" + "f" * 5_000, None),
        ("def fact(n=0x" + "f" * 5_000 + "):\n    return 1", "syntax_error"),
        ("Here is the code:\n\ndef fact(n):\n    return 1", "syntax_error"),
        ("x = 1\n", "wrong_name"),
        ("return 1\n", "wrong_name"),
        ("def factorial(n):\n    return 1\n", "wrong_name"),
        ("fact = lambda n: 1\n", "wrong_name"),
        ("class Solution:\n    def fact(self, n):\n        return 1\n", "wrong_name"),
        ("def outer():\n    def fact(n): return 1\n", "wrong_name"),
        ("if __name__ == '__main__':\n    def fact(n): return 1\n", "wrong_name"),
        ("def fact():\n    return 1\n", "signature_changed"),
        ("def fact(m):\n    return 1\n", "signature_changed"),
        ("def fact(n, acc=1):\n    return 1\n", "signature_changed"),
        ("def fact(n=1):\n    return 1\n", "signature_changed"),
        ("def fact(*n):\n    return 1\n", "signature_changed"),
        ("def fact(*, n):\n    return 1\n", "signature_changed"),
        ("def fact(n, /):\n    return 1\n", "signature_changed"),
        ("def fact(n, **k):\n    return 1\n", "signature_changed"),
        ("async def fact(n):\n    return 1\n", "signature_changed"),
        ("def fact(n: 'int') -> None:\n    yield 1\n", None),
        ("def fact(n):\n    def g(x):\n        return '\\d' is x\n    return g\n", None),
    ],
)
def test_reasons(project: Project, source: object, expected: str | None) -> None:
    if expected:
        assert reason(project, FACT, source) == expected
    else:
        assert apply_edit(project, {}, Edit(FACT, str(source))) != project.sources


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("calc.py::nothing", "unknown_target"),
        ("calc.py::helper", "unknown_target"),
        ("calc.py", "unknown_target"),
        ("fact", "unknown_target"),
        ("", "unknown_target"),
        ("other.py::fact", "unknown_target"),
        ("calc.py::" + "x\n" * 1_000, "unknown_target"),
        ("test_calc.py::test_fact", "outside_project"),
        ("setup.cfg::x", "outside_project"),
        ("held_out/test_x.py::test_x", "outside_project"),
        ("../calc.py::fact", "outside_project"),
        ("a/../../calc.py::fact", "outside_project"),
        ("/etc/passwd::x", "outside_project"),
        ("..\\calc.py::fact", "outside_project"),
        ("~/calc.py::fact", "outside_project"),
    ],
)
def test_places_that_may_not_be_edited(project: Project, target: str, expected: str) -> None:
    assert reason(project, target, "def fact(n): return 1") == expected


@pytest.mark.parametrize(
    ("target", "source"),
    [
        (MAKE, "@classmethod\ndef make(size): return 1"),
        ("calc.py::Calculator.size", "@staticmethod\ndef size(self): return 1"),
        ("calc.py::Calculator.size@setter", "@property\ndef size(self, value): return 1"),
    ],
)
def test_decorators_must_stay(project: Project, target: str, source: str) -> None:
    assert reason(project, target, source) == "decorators_changed"


def test_decorators_must_stay_in_order() -> None:
    source = "import functools\nclass A:\n    @staticmethod\n    @functools.cache\n    def f(): pass\n"
    project = Project.from_files("calc", {"calc.py": source}, require_tests=False)
    swapped = "@functools.cache\n@staticmethod\ndef f(): return 1\n"
    assert reason(project, "calc.py::A.f", swapped) == "decorators_changed"


def test_length_counts(project: Project) -> None:
    source = "def fact(n): return 1"
    assert reason(project, FACT, source, max_chars=len(source) - 1) == "too_large"
    assert apply_edit(project, {}, Edit(FACT, source), max_chars=len(source))
    assert reason(project, FACT, "#" * 20_001) == "too_large"


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 150 + ")" * 150,
        "(" * 9_000,
        "[" * 9_000 + "]" * 9_000,
        "-" * 19_000 + "1",
        "not " * 4_500 + "1",
        "x" + ".x" * 9_000,
        "x" + "()" * 9_000,
        "1" + "+1" * 9_000,
        "1" + "if 1 else 1" * 1_500,
        "lambda: " * 2_000 + "1",
        "f'" + '{f"' * 500 + "'",
        "{" * 9_000,
        "a[" * 90 + "1" + "]" * 90,
        "\\\n" * 9_000,
    ],
)
def test_hostile_nesting_is_refused_quickly(project: Project, expression: str) -> None:
    start = time.perf_counter()
    source = f"def fact(n):\n    return {expression}\n"
    refusal = "none"
    try:
        apply_edit(project, {}, Edit(FACT, source))
    except EditRejected as error:
        refusal = error.reason
    assert refusal in ("none", "syntax_error")
    assert time.perf_counter() - start < 5


def test_elif_chain_and_deep_blocks(project: Project) -> None:
    chain = "def fact(n):\n    if n: pass\n" + "    elif n: pass\n" * 1_100
    blocks = "def fact(n):\n" + "".join(" " * (depth + 1) + "if n:\n" for depth in range(120)) + " " * 122 + "pass\n"
    for source in (chain, blocks):
        assert reason(project, FACT, source) == "syntax_error"


def test_current_file_that_lost_the_target(project: Project) -> None:
    for text in ("x = 1\n", "def fact(:\n"):
        with pytest.raises(EditRejected) as caught:
            apply_edit(project, {"calc.py": text}, Edit(FACT, "def fact(n): return 1"))
        assert caught.value.reason == "misplaced"


def test_files_are_not_changed_in_place(project: Project) -> None:
    files = dict(project.sources)
    apply_edit(project, files, Edit(FACT, "def fact(n): return 1"))
    assert files == project.sources


def test_every_reason_is_explained() -> None:
    rows = re.findall(r"^([a-z_]+)  +\S", edit.__doc__ or "", re.MULTILINE)
    assert set(rows) - {"reason"} == REASONS


def test_edit_is_a_picklable_value() -> None:
    made = Edit(FACT, "x")
    assert pickle.loads(pickle.dumps(made)) == made
    assert len({made, Edit(FACT, "x")}) == 1
