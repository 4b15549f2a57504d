"""What an attack or a control is: a project, a candidate, and what an honest grader answers."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from blampert_env.projects import Project


@dataclass(frozen=True)
class Target:
    """A small project and its right solution.

    Attributes:
        name: Of the project.
        stub: The untouched sources.
        tests: Test files and others that candidates may not change.
        solution: The right sources.
        total: How many tests there are.
    """

    name: str
    stub: Mapping[str, str]
    tests: Mapping[str, str]
    solution: Mapping[str, str]
    total: int

    @cached_property
    def project(self) -> Project:
        """The project, in memory."""
        return Project.from_files(self.name, {**self.stub, **self.tests})


@dataclass(frozen=True)
class Case:
    """A candidate that cheats, or an odd one that does not.

    Attributes:
        name: Unique.
        family: Of the issue's list, or ``honest``.
        target: The project.
        files: The candidate. ``@HOME@``, ``@CWD@``, ``@PORT@``, ``@SOCKET@``, ``@PID@`` stand for what is planted.
        earns: Tests that an honest grader lets pass, at most.
        exactly: No fewer either: the work is right, only the side effects are an attack.
        then: Files graded right after, whose report is judged instead; what the first one left behind must not help.
        dangerous: Not to be run without a sandbox.
        timeout_s: Seconds for the tests.
    """

    name: str
    family: str
    target: Target
    files: Mapping[str, str | bytes]
    earns: int = 0
    exactly: bool = False
    then: Mapping[str, str | bytes] = field(default_factory=dict)
    dangerous: bool = False
    timeout_s: float = 4.0

    def __str__(self) -> str:
        return f"{self.family}-{self.name}".replace(" ", "_")


def code(text: str) -> str:
    """A source without its common indentation."""
    return textwrap.dedent(text).strip("\n") + "\n"
