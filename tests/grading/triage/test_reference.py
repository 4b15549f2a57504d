"""What a reference makes trusted, and what it does not."""

from __future__ import annotations

from blampert_env.grading.triage import Triage

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
