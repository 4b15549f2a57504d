import pytest
from dspy.utils.exceptions import AdapterParseError

from blampert_env.coding.adapter import FencedCodeAdapter, last_fenced_block
from blampert_env.coding.signatures import WriteFunction

CODE = "def f(a):\n    return a\n"


@pytest.mark.parametrize(
    ("text", "block"),
    [
        (f"```python\n{CODE}```", CODE),
        (f"Sure!\n\n```python\n{CODE}```\nIt returns a.", CODE),
        (f"```python\n{CODE}", CODE),  # cut by the stop string
        (f"```\n{CODE}\n```\n", CODE),
        (f"```python\nold\n```\nBetter:\n```py\n{CODE}```", CODE),
        (f"```python\n{CODE}```\n```\n\n```", CODE),  # an empty last block does not count
        (f"```python\r\n{CODE}```", CODE),
        ("no code here", None),
        ("", None),
        ("```python\n\n```", None),
    ],
)
def test_last_fenced_block(text: str, block: str | None) -> None:
    assert last_fenced_block(text) == block


def test_a_fence_inside_a_string_of_the_code_does_not_end_it() -> None:
    code = 'def f():\n    return "a ``` b"\n'
    assert last_fenced_block(f"```python\n{code}```") == code


def test_prompt_is_prose_without_markers_and_without_empty_parts() -> None:
    messages = FencedCodeAdapter().format(
        WriteFunction, [], {"stub": CODE, "siblings": "", "tests": "assert f(1) == 1"}
    )
    assert [message["role"] for message in messages] == ["user"]
    text = messages[0]["content"]
    assert text.startswith("Complete this Python function.\n\n```python\n" + CODE)
    assert "It must pass these tests:\n\n```python\nassert f(1) == 1\n```" in text
    assert "It lives in this file" not in text
    assert "[[" not in text


def test_demos_become_turns_and_prefill_an_open_one() -> None:
    demos = [{"stub": "def g(): ...", "code": "def g():\n    return 2\n"}]
    messages = FencedCodeAdapter("```python\ndef f(a):\n").format(WriteFunction, demos, {"stub": CODE})
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant"]
    assert messages[1]["content"] == "```python\ndef g():\n    return 2\n```"
    assert messages[-1]["content"] == "```python\ndef f(a):\n"
    assert "Reply with" not in messages[-2]["content"], "the answer is begun: its form is clear"


@pytest.mark.parametrize("answer", ["    return a\n", "```python\ndef f(a):\n    return a\n", CODE])
def test_prefilled_start_is_put_back_where_it_is_missing(answer: str) -> None:
    adapter = FencedCodeAdapter("```python\ndef f(a):\n")
    code = adapter.parse(WriteFunction, answer)["code"]
    namespace: dict[str, object] = {}
    exec(code, namespace)
    assert namespace["f"](3) == 3  # type: ignore[operator]


def test_bare_function_is_code_and_chatter_is_none() -> None:
    assert FencedCodeAdapter().parse(WriteFunction, f"\n{CODE}")["code"] == CODE
    with pytest.raises(AdapterParseError, match="no code block"):
        FencedCodeAdapter().parse(WriteFunction, "I cannot do that.")
