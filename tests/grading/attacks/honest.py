"""Odd but honest programs: each scores in full, as it does in a plain process."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from .case import Case, Target, code
from .targets import TARGETS


def honest(name: str, tests: str, solution: str, total: int, files: Mapping[str, str] | None = None) -> Case:
    """A control: a project of one module, ``work``, whose stub has the names of the solution and does nothing."""
    stub = _stub(code(solution))
    test_files = {"test_work.py": "import pytest, work\n" + code(tests), **(files or {})}
    target = Target(name.replace(" ", "-"), {"work.py": stub}, test_files, {"work.py": code(solution)}, total)
    return Case(name, "honest", target, target.solution, total, exactly=True, timeout_s=20)


def _stub(solution: str) -> str:
    """The solution with every function at the top, and every method, doing nothing."""
    tree = ast.parse(solution)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = ast.parse("...").body
    return "# TODO: implement\n" + ast.unparse(ast.fix_missing_locations(tree)) + "\n"


SOLUTIONS = [
    Case(f"solution of {target.name}", "honest", target, target.solution, target.total, exactly=True, timeout_s=20)
    for target in TARGETS
]
