"""MBPP's problems as projects: half of a problem's asserts are the visible tests, the others are held out.

Mostly Basic Python Problems (Austin et al. 2021, arXiv 2108.07732) come as JSON lines (``mbpp.jsonl``: ``text``,
``code``, ``test_list``, ``test_setup_code``, ``challenge_test_list``) or as one JSON list (``sanitized-mbpp.json``:
``prompt``, ``code``, ``test_list``, ``test_imports``). Which asserts are held out is decided by their hashes.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blampert_env.errors import ProjectError
from blampert_env.parsing import parse
from blampert_env.projects.project import Project
from blampert_env.projects.syntax import functions

_MAX_BYTES = 64 * 2**20
_SOURCE, _TEST = "solution.py", "test_solution.py"


@dataclass(frozen=True)
class Problem:
    """A problem as a project, and its author's code, path to text."""

    project: Project
    solution: Mapping[str, str]


@dataclass
class Problems:
    """What came of a file.

    Attributes:
        found: By name, in the file's order.
        refused: Why others are none, and how many of them.
    """

    found: dict[str, Problem] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)


class _Refused(Exception):
    """A problem cannot be used; the message says why, without saying which."""


def mbpp_problems(path: Path, limit: int | None = None) -> Problems:
    """The problems in a file; what is wrong in it is counted by reason, and the rest taken.

    Args:
        path: ``mbpp.jsonl``, ``sanitized-mbpp.json``, or a file in one of their formats.
        limit: The first so many only.

    Raises:
        ProjectError: The file cannot be read, or is in neither format.
    """
    problems, seen = Problems(), set[str]()
    for entry in _entries(path, problems.refused):
        if limit is not None and len(problems.found) >= limit:
            break
        try:
            problem = _problem(entry)
        except _Refused as why:
            problems.refused[str(why)] += 1
            continue
        name, content = problem.project.name, problem.project.fingerprint
        if content in seen or name in problems.found:
            problems.refused["is there twice"] += 1
            continue
        seen.add(content)
        problems.found[name] = problem
    return problems


def _entries(path: Path, refused: Counter[str]) -> Iterator[Mapping[str, Any]]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ProjectError(f"{path} has more than {_MAX_BYTES // 2**20} MB: give a file of MBPP's")
        text = path.read_text("utf-8")
    except OSError as error:
        raise ProjectError(f"cannot read {path} ({error.strerror or error}): give mbpp.jsonl or one like it") from None
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8: give mbpp.jsonl or sanitized-mbpp.json") from None
    try:
        whole = json.loads(text)
        rows = whole if isinstance(whole, list) else [whole]
    except ValueError:
        rows = [_line(line) for line in text.splitlines() if line.strip()]
    if not any(isinstance(row, dict) and {"code", "test_list"} <= row.keys() for row in rows):
        raise ProjectError(f"{path} holds no MBPP problem (code, test_list): give mbpp.jsonl or sanitized-mbpp.json")
    for row in rows:
        if isinstance(row, dict):
            yield row
        else:
            refused["is no JSON object"] += 1


def _line(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _problem(entry: Mapping[str, Any]) -> Problem:
    """An entry as a problem.

    Raises:
        _Refused: It is none.
    """
    number, code, asked = entry.get("task_id"), entry.get("code"), entry.get("text", entry.get("prompt"))
    if not (isinstance(number, int) and isinstance(code, str) and isinstance(asked, str)):
        raise _Refused("lacks a task_id, a code or a text")
    tests, hidden = _texts(entry.get("test_list")), _texts(entry.get("challenge_test_list"))
    setup = entry.get("test_setup_code") or "\n".join(_texts(entry.get("test_imports")))
    code = code.replace("\r\n", "\n").replace("\t", "    ").strip() + "\n"
    target = _target(code, tests)
    if len(tests) < 2:
        raise _Refused("has fewer than two tests")
    shown, held = _halves(tests)
    head = f"{str(setup).strip()}\n\n" if str(setup).strip() else ""
    stub, solution = _stub(code, target, asked.strip())
    try:
        project = Project.from_files(
            f"mbpp_{number}",
            {_SOURCE: stub, _TEST: _test_file(head, target, shown)},
            held_out={f"held_out/{_TEST.replace('test_', 'test_more_')}": _test_file(head, target, [*held, *hidden])},
            solution={_SOURCE: solution},
        )
    except ProjectError as error:
        raise _Refused(f"is no project: {str(error).rpartition(': ')[2]}") from None
    return Problem(project, {_SOURCE: solution})


def _texts(value: Any) -> list[str]:
    return [one.strip() for one in value if isinstance(one, str) and one.strip()] if isinstance(value, list) else []


def _target(code: str, tests: Sequence[str]) -> str:
    """The function that the asserts call."""
    try:
        defined = [one.qualname for one in functions(code) if "." not in one.qualname]
        trees = [parse(test) for test in tests]
    except (SyntaxError, ValueError, RecursionError):
        raise _Refused("does not parse") from None
    if not all(len(tree.body) == 1 and isinstance(tree.body[0], ast.Assert) for tree in trees):
        raise _Refused("has a test that is no single assert")
    named = [{node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & set(defined) for tree in trees]
    common = set.intersection(*named) if named else set()
    if len(common) != 1:
        raise _Refused("has no single function that every test calls")
    return common.pop()


def _halves(tests: Sequence[str]) -> tuple[list[str], list[str]]:
    """Shown and held out: half of them by their hashes, in the order of the file; an odd one is shown."""
    ranked = sorted(tests, key=lambda test: hashlib.sha256(test.encode()).digest())
    held = set(ranked[: len(tests) // 2])
    return [test for test in tests if test not in held], [test for test in tests if test in held]


def _stub(code: str, target: str, asked: str) -> tuple[str, str]:
    """The file with the target's body taken out, its helpers too, and the same file with the author's code."""
    lines = code.split("\n")
    tree = parse(code)
    function = next(one for one in functions(code) if one.qualname == target)
    node = function.node
    if node.body[0].lineno == node.lineno:
        raise _Refused("has its body on the line of its def")
    header = "\n".join(lines[node.lineno - 1 : node.body[0].lineno - 1]).rstrip()
    text = asked.replace("\\", "\\\\").replace('"""', "'''")
    indent = " " * node.body[0].col_offset
    doc = f'{indent}"""{text}"""\n' if not text.endswith('"') else f'{indent}"""{text} """\n'
    kept = [one for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)]
    imports = "".join(f"{ast.unparse(one)}\n" for one in kept)
    stub = f"{imports}\n\n{header}\n{doc}{indent}# TODO: implement\n{indent}raise NotImplementedError\n".lstrip("\n")
    body = "\n".join(lines[: node.body[0].lineno - 1]).rstrip() + "\n"
    return stub, body + doc + "\n".join(lines[node.body[0].lineno - 1 :])


def _test_file(head: str, target: str, asserts: Sequence[str]) -> str:
    tests = [f"def test_{number}():\n    {line}\n" for number, line in enumerate(asserts)]
    return f"{head}from solution import {target}\n\n\n" + "\n\n".join(tests)
