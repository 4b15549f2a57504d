"""One project whose file has everything that an edit must not touch."""

import pytest

from blampert_env.projects import Project

CALC = '''#!/usr/bin/env python
# A calculator.

"""Doc."""
from __future__ import annotations

import os
from typing import Any, Optional  # trailing

NAMES = {"add":   1}   # odd spacing   \t

class Calculator:
    """A class."""

    LIMIT = 10

    def __init__(self) -> None:
        self.history: list[str] = []

    def add(self, a: float, b: float = 0.0, *, exact: bool = False) -> float:
        """
        Add two numbers.
        """
        # TODO: Implement addition
        result = 0
        return result
        # trailing comment of the body

    # a comment of the next one
    @staticmethod
    def make(
        size: int,  # how many
    ) -> Calculator:  # noqa: D102
        raise NotImplementedError

    @property
    def size(self) -> int: ...

    @size.setter
    def size(self, value: int) -> None: pass

    async def wait(self): pass

    class Inner:
            def deep(self, x, /):
                    """Deep."""
                    pass

    def done(self):
        return """
  text"""

# about fact

def helper(n): return n


# about fact
def fact(n: int) -> int:
    """Factorial."""
    raise NotImplementedError  # later

def last(*args, **kwargs):
    """Last."""
    # TODO'''

TEST = """from calc import Calculator, fact

def test_fact():
    assert fact(3) == 6

async def test_calculator():
    made = Calculator.make(1)
    made.size = made.size + 1
    assert await made.wait() == made.Inner().deep(1)
"""


@pytest.fixture
def project() -> Project:
    return Project.from_files("calc", {"calc.py": CALC, "test_calc.py": TEST, "setup.cfg": ""})
