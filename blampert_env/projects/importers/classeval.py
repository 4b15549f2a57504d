"""ClassEval's classes as projects: every method that is left to write is a target of one project.

ClassEval (Du et al. 2023, arXiv 2308.01861) comes as one JSON list, ``ClassEval_data.json``: ``skeleton`` is the class
with its constructor and with methods that have a docstring only, ``solution_code`` the author's, ``test`` its unittest
classes, which share a namespace with the class. Half of each test class's tests are held out, by their hashes.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from blampert_env.projects.importers.problems import (
    SOURCE,
    STUB,
    Format,
    Problem,
    Problems,
    Refused,
    halves,
    read_problems,
)
from blampert_env.projects.syntax import (
    Function,
    docstring_node,
    first_line,
    functions,
    indent_of,
    parse,
    split_lines,
    unix,
)
from blampert_env.projects.target import empty_kind

_FORMAT = Format("ClassEval", ("skeleton", "solution_code", "test", "class_name"), "ClassEval_data.json")


def classeval_problems(path: Path, limit: int | None = None) -> Problems:
    """The classes in a file; what is wrong in it is counted by reason, and the rest taken.

    Args:
        path: ``ClassEval_data.json``, or a file in its format, JSON lines too.
        limit: The first so many only.

    Raises:
        ProjectError: The file cannot be read, or is in another format.
    """
    return read_problems(path, _FORMAT, _problem, limit)


def _problem(entry: Mapping[str, Any]) -> Problem:
    """An entry as a problem.

    Raises:
        Refused: It is none.
    """
    wanted = [entry.get(key) for key in ("task_id", *_FORMAT.keys)]
    if not all(isinstance(one, str) and one.strip() for one in wanted):
        raise Refused(f"lacks a task_id or one of {', '.join(_FORMAT.keys)}")
    task, skeleton, written, test, name = (unix(str(one)).strip() + "\n" for one in wanted)
    for part, text in (("a skeleton", skeleton), ("author's code", written), ("a test", test)):
        try:
            parse(text)
        except SyntaxError:
            raise Refused(f"has {part} that does not parse") from None
    if not any(isinstance(node, ast.ClassDef) and node.name == name.strip() for node in parse(skeleton).body):
        raise Refused("has no class of its name in its skeleton")
    stub, solution = _stub(skeleton, written)
    shown, held = _divided(test)
    names = f"from {SOURCE.removesuffix('.py')} import {', '.join(_names(skeleton))}"
    head = "\n".join([*_imports(solution), names, "", "", ""])
    called = task.strip().replace("ClassEval", "classeval")
    return Problem.of(called, stub, solution, shown=head + shown, held_out=head + held if held else "")


def _names(skeleton: str) -> list[str]:
    """What a skeleton defines at its top."""
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return list(dict.fromkeys(node.name for node in parse(skeleton).body if isinstance(node, kinds)))


def _imports(code: str) -> list[str]:
    """What a file imports at its top, a line each."""
    nodes = [node for node in parse(code).body if isinstance(node, ast.Import | ast.ImportFrom)]
    return list(dict.fromkeys(ast.unparse(node) for node in nodes))


def _stub(skeleton: str, written: str) -> tuple[str, str]:
    """The skeleton with stubs, and with the author's bodies in their place, below what only the author imports.

    Raises:
        Refused: The two do not fit together, or there is nothing to write.
    """
    authors = {one.qualname: one for one in functions(written)}
    lines, theirs = split_lines(skeleton), split_lines(written)
    stub, solution = list(lines), list(lines)
    for function in reversed(functions(skeleton)):
        if not _is_empty(function):
            continue
        author = authors.get(function.qualname)
        if author is None:
            raise Refused("has a method in its skeleton that its author did not write")
        if _is_empty(author):
            continue  # on purpose
        node, (documented, body) = function.node, _own(author)
        indent = indent_of(lines[node.body[0].lineno - 1])
        if node.body[0].lineno == node.lineno or body.lineno in (author.node.lineno, documented):
            raise Refused("has a method with its body on the line of its def or docstring")
        if indent_of(theirs[body.lineno - 1]) != indent:
            raise Refused("has a method that is indented unlike its author's")
        end, statement = _own(function)
        place = slice(end or (statement.lineno - 1), function.last)
        stub[place] = [f"{indent}{line}\n" for line in STUB]
        first = documented or body.lineno - 1
        while not documented and theirs[first - 1].lstrip().startswith("#"):
            first -= 1
        solution[place] = theirs[first : author.last]
    if stub == solution:
        raise Refused("has no method to write in its skeleton")
    more = "".join(f"{line}\n" for line in _imports(written) if line not in _imports(skeleton))
    return more + "".join(stub), more + "".join(solution)


def _is_empty(function: Function) -> bool:
    """Whether a body is a docstring only, or one statement that does nothing."""
    return bool(empty_kind(function.node)) or (
        docstring_node(function.node) is not None and len(function.node.body) < 2
    )


def _own(function: Function) -> tuple[int, ast.stmt]:
    """The line that the docstring ends on, 0 without one, and the first statement behind it (or itself)."""
    docstring = docstring_node(function.node)
    if docstring is None:
        return 0, function.node.body[0]
    return docstring.end_lineno or 0, function.node.body[min(1, len(function.node.body) - 1)]


def _divided(test: str) -> tuple[str, str]:
    """The tests that are shown and those that are held out, of each class half; the latter empty if there is none.

    Raises:
        Refused: There are no tests.
    """
    lines = split_lines(test)
    groups: dict[str, dict[str, str]] = {}
    for one in functions(test):
        if one.node.name.startswith("test"):  # the last of its name is the one that is run
            text = "".join([f"{one.qualname}\n", *lines[one.first - 1 : one.last]])
            groups.setdefault(one.qualname.rpartition(".")[0], {})[one.node.name] = text
    if not groups:
        raise Refused("has no tests")
    sides = [halves(list(group.values())) for group in groups.values()]
    shown, held = ({text.partition("\n")[0] for side in sides for text in side[number]} for number in (0, 1))
    return _only(test, shown), _only(test, held) if held else ""


def _only(test: str, kept: Collection[str]) -> str:
    """A test file with these tests only; a class that has none of them goes."""
    lines, found = list(split_lines(test)), [one for one in functions(test) if one.node.name.startswith("test")]
    for statement in reversed(parse(test).body):
        mine = [one for one in found if one.top.lineno == statement.lineno]
        if mine and not any(one.qualname in kept for one in mine):
            del lines[first_line(statement, lines) - 1 : statement.end_lineno]
            continue
        for one in reversed(mine):
            if one.qualname not in kept:
                del lines[one.first - 1 : one.last]
    return "".join(lines).strip() + "\n"
