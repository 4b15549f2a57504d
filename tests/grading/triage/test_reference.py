"""What a reference makes trusted, and what it does not."""

from __future__ import annotations

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


HANDS_ON = "def one(x):\n    given = sys.argv\n    return two(given)\n"
READS = "def two(x):\n    return x[1:]\n"


def test_arguments_may_be_handed_on_where_the_author_does_so() -> None:
    learning = LearningTriage(
        {"mod.py": f"import sys\n\n\n{STUB}"},
        reference={"mod.py": f"import sys\n\n\n{HANDS_ON}\n\n{READS}"},
        tests={},
        modules={"mod": "mod.py"},
    )
    again = HANDS_ON.replace("given", "texts")
    assert learning.reasons({"mod.py": f"import sys\n\n\n{again}\n\n{READS}"}) == ()
    for elsewhere in ("    texts = sys.argv\n    return texts", "    return sys.modules"):
        assert learning.reasons({"mod.py": f"import sys\n\n\n{again}\n\ndef two(x):\n{elsewhere}\n"})


def test_what_the_author_uses_of_another_file_is_what_the_author_wrote_there() -> None:
    tool = "def get(name):\n    return __import__(name)\n"
    user = "from tool import get\n\n\ndef use(name):\n    return get(name.lower() + name)\n"
    learning = LearningTriage(
        {
            "tool.py": "def get(name):\n    raise NotImplementedError\n",
            "user.py": user.replace("get(name.lower() + name)", "0"),
        },
        reference={"tool.py": tool, "user.py": user},
        tests={},
        modules={"tool": "tool.py", "user": "user.py"},
    )
    rewritten = user.replace("return get(name.lower()", "found = name.lower()\n    return get(found")
    assert learning.reasons({"tool.py": tool, "user.py": rewritten}) == ()
