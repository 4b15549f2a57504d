"""MBPP's problems as projects: half of a problem's asserts are the visible tests, the others are held out.

Mostly Basic Python Problems (Austin et al. 2021, arXiv 2108.07732) come as JSON lines (``mbpp.jsonl``: ``text``,
``code``, ``test_list``, ``test_setup_code``, ``challenge_test_list``) or as one JSON list (``sanitized-mbpp.json``:
``prompt``, ``code``, ``test_list``, ``test_imports``). Which asserts are held out is decided by their hashes.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blampert_env.parsing import parse
from blampert_env.projects.importers.problems import (
    STUB,
    Format,
    Problem,
    Problems,
    Refused,
    halves,
    read_problems,
    texts,
)
from blampert_env.projects.syntax import functions

_FORMAT = Format("MBPP", ("code", "test_list"), "mbpp.jsonl or sanitized-mbpp.json")


def mbpp_problems(path: Path, limit: int | None = None) -> Problems:
    """The problems in a file; what is wrong in it is counted by reason, and the rest taken.

    Args:
        path: ``mbpp.jsonl``, ``sanitized-mbpp.json``, or a file in one of their formats.
        limit: The first so many only.

    Raises:
        ProjectError: The file cannot be read, or is in neither format.
    """
    return read_problems(path, _FORMAT, _problem, limit)


def _problem(entry: Mapping[str, Any]) -> Problem:
    """An entry as a problem.

    Raises:
        Refused: It is none.
    """
    number, code, asked = entry.get("task_id"), entry.get("code"), entry.get("text", entry.get("prompt"))
    if not (isinstance(number, int) and isinstance(code, str) and isinstance(asked, str)):
        raise Refused("lacks a task_id, a code or a text")
    tests, hidden = texts(entry.get("test_list")), texts(entry.get("challenge_test_list"))
    setup = entry.get("test_setup_code") or "\n".join(texts(entry.get("test_imports")))
    code = code.replace("\r\n", "\n").replace("\t", "    ").strip() + "\n"
    target = _target(code, tests)
    if len(tests) < 2:
        raise Refused("has fewer than two tests")
    shown, held = halves(tests)
    head = f"{str(setup).strip()}\n\n" if str(setup).strip() else ""
    stub, solution = _stub(code, target, asked.strip())
    more = _test_file(head, target, [*held, *hidden])
    return Problem.of(f"mbpp_{number}", stub, solution, shown=_test_file(head, target, shown), held_out=more)


def _target(code: str, tests: Sequence[str]) -> str:
    """The function that the asserts call."""
    try:
        defined = [one.qualname for one in functions(code) if "." not in one.qualname]
        trees = [parse(test) for test in tests]
    except (SyntaxError, ValueError, RecursionError):
        raise Refused("does not parse") from None
    if not all(len(tree.body) == 1 and isinstance(tree.body[0], ast.Assert) for tree in trees):
        raise Refused("has a test that is no single assert")
    named = [{node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & set(defined) for tree in trees]
    common = set.intersection(*named) if named else set()
    if len(common) != 1:
        raise Refused("has no single function that every test calls")
    return common.pop()


def _stub(code: str, target: str, asked: str) -> tuple[str, str]:
    """The file with the target's body taken out, its helpers too, and the same file with the author's code."""
    lines = code.split("\n")
    tree = parse(code)
    function = next(one for one in functions(code) if one.qualname == target)
    node = function.node
    if node.body[0].lineno == node.lineno:
        raise Refused("has its body on the line of its def")
    header = "\n".join(lines[node.lineno - 1 : node.body[0].lineno - 1]).rstrip()
    text = asked.replace("\\", "\\\\").replace('"""', "'''")
    indent = " " * node.body[0].col_offset
    doc = f'{indent}"""{text}"""\n' if not text.endswith('"') else f'{indent}"""{text} """\n'
    kept = [one for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)]
    imports = "".join(f"{ast.unparse(one)}\n" for one in kept)
    empty = "".join(f"{indent}{line}\n" for line in STUB)
    stub = f"{imports}\n\n{header}\n{doc}{empty}".lstrip("\n")
    body = "\n".join(lines[: node.body[0].lineno - 1]).rstrip() + "\n"
    return stub, body + doc + "\n".join(lines[node.body[0].lineno - 1 :])


def _test_file(head: str, target: str, asserts: Sequence[str]) -> str:
    tests = [f"def test_{number}():\n    {line}\n" for number, line in enumerate(asserts)]
    return f"{head}from solution import {target}\n\n\n" + "\n\n".join(tests)
