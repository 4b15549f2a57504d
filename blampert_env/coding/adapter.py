"""A DSPy adapter that prompts in prose and reads the last fenced block.

Small models echo the stub under DSPy's ChatAdapter and its ``[[ ## field ## ]]`` markers; asked in plain prose for
one fenced block they answer. The adapter is DSPy's seam for this (``dspy.Adapter.format`` and ``parse``).
"""

from __future__ import annotations

import re
from typing import Any

import dspy
from dspy.utils.exceptions import AdapterParseError

_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+-]*)[ \t]*\r?\n(.*?)(?:^[ \t]*```|\Z)", re.MULTILINE | re.DOTALL)
# a body goes on indented; text that starts a fence or a function in the first column is a whole answer
_STARTS_ANEW = re.compile(r"\s*```|\n*(?:async[ \t]+def|def|class)\b|\n*@")
_PROSE_FIELDS = frozenset({"docstring", "facts"})


def last_fenced_block(text: str) -> str | None:
    """The text of the last non-empty fenced block; an unclosed one (cut by a stop string) counts. None without one."""
    blocks = [match.group(2) for match in _FENCE.finditer(text)]
    blocks = [block for block in blocks if block.strip()]
    return blocks[-1].rstrip() + "\n" if blocks else None


class FencedCodeAdapter(dspy.Adapter):
    """Prose in, one fenced block out.

    Args:
        prefill: Start of the answer, given to the LM as an open assistant turn that it goes on from. The start is
            put back before parsing if the LM's reply leaves it out.
    """

    def __init__(self, prefill: str = "") -> None:
        super().__init__()
        self.prefill = prefill

    def format(self, signature: Any, demos: list[dict[str, Any]], inputs: dict[str, Any]) -> list[dict[str, Any]]:
        """One user message (and one user and assistant pair before it for each demo); empty inputs are left out."""
        messages: list[dict[str, Any]] = []
        for demo in demos:
            messages.append({"role": "user", "content": self._user_message(signature, demo)})
            messages.append({"role": "assistant", "content": f"```python\n{str(demo['code']).rstrip()}\n```"})
        messages.append({"role": "user", "content": self._user_message(signature, inputs)})
        if self.prefill:
            messages.append({"role": "assistant", "content": self.prefill})
        return messages

    def _user_message(self, signature: Any, inputs: dict[str, Any]) -> str:
        """Instructions, each non-empty input under its sentence, then what to reply with."""
        parts = [signature.instructions]
        for name, field in signature.input_fields.items():
            text = str(inputs.get(name) or "").strip("\n")
            if not text.strip():
                continue
            if heading := field.json_schema_extra["desc"]:
                parts.append(heading)
            parts.append(text if name in _PROSE_FIELDS else f"```python\n{text}\n```")
        if not self.prefill:  # an answer that is begun already needs no word on its form
            parts += [field.json_schema_extra["desc"] for field in signature.output_fields.values()]
        return "\n\n".join(parts)

    def parse(self, signature: Any, completion: str) -> dict[str, Any]:
        """Read ``code`` from the last fenced block.

        Raises:
            AdapterParseError: There is no fenced block and the text is not a function either.
        """
        text = self._whole_answer(completion)
        code = last_fenced_block(text)
        if code is None and re.search(r"^\s*(?:async\s+)?def\s+\w+", text, re.MULTILINE):
            code = text.strip("\n") + "\n"
        if code is None:
            raise AdapterParseError(
                adapter_name=type(self).__name__,
                signature=signature,
                lm_response=completion,
                message="the reply holds no code block and no function",
            )
        return {"code": code}

    def _whole_answer(self, completion: str) -> str:
        """The answer with its prefilled start, whether or not the LM repeats it."""
        if not self.prefill or _STARTS_ANEW.match(completion):
            return completion
        return self.prefill + completion
