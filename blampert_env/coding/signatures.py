"""The DSPy signatures: what goes into a prompt and what comes out.

Input fields that are empty strings are left out of the prompt (see :mod:`blampert_env.coding.adapter`). A field's
``desc`` is the sentence that stands before its text. This module imports dspy: load it when it is used.
"""

from __future__ import annotations

import dspy


class WriteFunction(dspy.Signature):
    """Complete this Python function."""

    stub: str = dspy.InputField(desc="")
    siblings: str = dspy.InputField(desc="It can use this code of its project:")
    tests: str = dspy.InputField(desc="It must pass these tests:")
    code: str = dspy.OutputField(desc="Reply with the whole function in one ```python block and nothing else.")


class WriteFunctionMinimal(WriteFunction):
    """Complete this Python function."""

    code: str = dspy.OutputField(
        desc="Reply with one ```python block: the function without docstring and comments, as short as possible."
    )


class PlanFunction(WriteFunction):
    """Complete this Python function."""

    code: str = dspy.OutputField(
        desc="Reply with the whole function in one ```python block. Its body starts with the steps as a comment."
    )


class RepairFunction(dspy.Signature):
    """This Python function is wrong."""

    previous: str = dspy.InputField(desc="")
    docstring: str = dspy.InputField(desc="What it should do:")
    siblings: str = dspy.InputField(desc="It can use this code of its project:")
    tests: str = dspy.InputField(desc="It must pass these tests:")
    failing: str = dspy.InputField(desc="The tests say:")
    facts: str = dspy.InputField(desc="It was run, and this was seen:")
    code: str = dspy.OutputField(
        desc="Reply with the corrected whole function in one ```python block and nothing else."
    )
