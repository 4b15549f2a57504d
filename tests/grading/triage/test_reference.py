"""What a reference makes trusted, and what it does not."""

from __future__ import annotations

import pytest

from blampert_env.grading.triage import Triage
from blampert_env.grading.triage.learnt import LearningTriage

STUB = "def one(x):\n    raise NotImplementedError\n\n\ndef two(x):\n    raise NotImplementedError\n"
ONE = "def one(x):\n    return os.environ[x]\n"
TWO = "def two(x):\n    return x\n"
REFERENCE = f"import os\n\n\nclass Liar:\n    def __eq__(self, other):\n        return True\n\n\n{ONE}\n\n{TWO}"


def triage() -> Triage:
    return Triage({"mod.py": STUB}, reference={"mod.py": REFERENCE}, tests={}, modules={"mod": "mod.py"})


def test_the_reference_is_plain_whatever_it_does() -> None:
    assert triage().reasons({"mod.py": REFERENCE}) == ()


def test_functions_of_the_reference_are_trusted_one_by_one() -> None:
    assert triage().reasons({"mod.py": f"import os\n\n\n{ONE}\n\ndef two(x):\n    return [x]\n"}) == ()


def test_a_reference_gives_no_tool_to_others() -> None:
    for two in ("return os.environ", "return Liar()", "return os.getcwd()"):
        mixed = REFERENCE.replace(TWO, f"def two(x):\n    {two}\n")
        assert triage().reasons({"mod.py": mixed})
    assert triage().reasons({"mod.py": REFERENCE.replace(TWO, "def two(x):\n    return one(x)\n")})


def test_a_function_of_the_reference_under_another_name_is_not_trusted() -> None:
    assert triage().reasons(
        {"mod.py": "import os\n\n\n" + TWO.replace("two", "one") + "\n\n" + ONE.replace("one", "two")}
    )


TOOL = "def get(name):\n    return __import__(name)\n"
USER = "from tool import get\n\n\ndef use(name):\n    return get(name.lower() + name)\n"


def learning() -> LearningTriage:
    """A triage that knows how the author calls a function that imports by name."""
    return LearningTriage(
        {"tool.py": TOOL, "user.py": USER.replace("return get(name.lower() + name)", "raise NotImplementedError")},
        reference={"user.py": USER},
        tests={},
        modules={"tool": "tool.py", "user": "user.py"},
    )


def of_use(body: str) -> tuple[str, ...]:
    return learning().reasons({"tool.py": TOOL, "user.py": f"from tool import get\n\n\ndef use(name):\n    {body}\n"})


def test_a_tool_may_be_called_as_the_author_calls_it() -> None:
    assert of_use("found = get(name.lower() + name)\n    return found") == ()


@pytest.mark.parametrize(
    "body",
    [
        "return get('test_mod').EXPECTED",
        "return get('gc').get_objects()",
        "return get(name.upper() + name)",
        "name = 'gc'\n    return get(name.lower() + name)",
        "for name in ['gc']:\n        return get(name.lower() + name)",
        "return [get(name.lower() + name) for name in ['gc']]",
        "return (lambda name: get(name.lower() + name))('gc')",
        "def inner(name):\n        return get(name.lower() + name)\n    return inner('gc')",
        "if name != 'gc':\n        return use('gc')\n    return get(name.lower() + name)",
        "return [get][0](name.lower() + name)",
        "get2 = get\n    return get2(name.lower() + name)",
    ],
)
def test_a_tool_may_not_be_called_in_another_way(body: str) -> None:
    assert of_use(body)
