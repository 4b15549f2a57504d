import textwrap

import pytest

from blampert_env.coding.source import function_head, shown_stub, without_docstring

METHOD = '''    @staticmethod
    def add(a: int = (1), b: "dict[str, int]" = {"x": 1}) -> int:
        """Add.

        More: text.
        """
        # TODO: write it
        return 0
'''


def test_head_with_and_without_docstring() -> None:
    head = '@staticmethod\ndef add(a: int = (1), b: "dict[str, int]" = {"x": 1}) -> int:\n'
    assert function_head(METHOD, docstring=False) == head
    assert function_head(METHOD, docstring=True) == head + '    """Add.\n\n    More: text.\n    """\n'


@pytest.mark.parametrize(
    ("source", "head"),
    [
        ("def f(\n    a,\n    b=lambda: 1,\n):\n    return a\n", "def f(\n    a,\n    b=lambda: 1,\n):\n"),
        ("async def f(a: 'x:y') -> int:\n    ...\n", "async def f(a: 'x:y') -> int:\n"),
    ],
)
def test_head_of_odd_signatures(source: str, head: str) -> None:
    assert function_head(source, docstring=True) == head
    assert function_head(source, docstring=False) == head


def test_without_docstring_keeps_the_rest() -> None:
    assert '"""' not in without_docstring(METHOD)
    assert without_docstring(METHOD).endswith("    # TODO: write it\n    return 0\n")
    assert without_docstring("def f():\n    return 1\n") == "def f():\n    return 1\n"
    assert without_docstring('def f():\n    """Only this."""\n') == "def f():\n    ...\n"


@pytest.mark.parametrize("placeholder", ["raise NotImplementedError", "raise NotImplementedError('x')", "pass", "..."])
def test_a_placeholder_is_not_shown(placeholder: str) -> None:
    head = 'def f(a):\n    """Doc."""\n'
    assert shown_stub(f"{head}    # TODO: implement\n    {placeholder}\n") == head


@pytest.mark.parametrize(
    "source", [textwrap.dedent(METHOD), "def f(a):\n    pass\n", 'def f():\n    """Doc."""\n    raise ValueError\n']
)
def test_other_bodies_are_shown(source: str) -> None:
    assert shown_stub(source) == source
