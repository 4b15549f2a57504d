"""Impossible twins: each test once more, under a random name, with its expectation made wrong.

Where tests and candidate share a process, the candidate can reach into pytest. What makes every test pass makes the
twins pass, too: then nothing counts. Code that reads the tests' own code objects can still tell them apart; that is why
a project is split wherever its tests allow it.
"""

from __future__ import annotations

import ast
import re
import secrets
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

_EQUAL = frozenset({"assertEqual", "assertEquals", "assertAlmostEqual", "assert_equal"})
_RAISES = frozenset({"raises", "warns", "deprecated_call", "assertRaises", "assertRaisesRegex", "assertWarns"})


class Name(NamedTuple):
    """What a random name stands for.

    Attributes:
        name: The project's name of the test function or class.
        is_twin: Whether it is the twin, not the test itself.
    """

    name: str
    is_twin: bool


def make_twins(tests: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Name]]:
    """Test files with twins beside their tests, all under random names of one form.

    Args:
        tests: Path to source of the test files.

    Returns:
        The files, and what each name stands for.
    """
    files: dict[str, str] = {}
    names: dict[str, Name] = {}
    for path, text in tests.items():
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            files[path] = text
            continue
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        lines = text.splitlines(keepends=True)
        added: list[ast.stmt] = []
        impossible = _Impossible()
        for node in tree.body:
            twin = _twin(node, impossible)
            if twin is None or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if node.name not in used and _rename(lines, node, alias := _random_name(node)):
                names[alias] = Name(node.name, False)
            twin.name = _random_name(node)  # type: ignore[attr-defined]
            names[twin.name] = Name(node.name, True)  # type: ignore[attr-defined]
            added.append(twin)
        files[path] = _with("".join(lines), added, impossible)
    return files, names


def _random_name(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return f"{'Test' if isinstance(node, ast.ClassDef) else 'test_'}{secrets.token_hex(8)}"


def _rename(lines: list[str], node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
    """Rename where it is defined; whether that went well."""
    line = lines[node.lineno - 1]
    changed = re.sub(rf"\b((?:def|class)\s+){re.escape(node.name)}\b", rf"\g<1>{name}", line, count=1)
    lines[node.lineno - 1] = changed
    return changed != line


class _Impossible:
    """Names of the two globals that twins use, drawn anew for each file."""

    def __init__(self) -> None:
        self.value, self.error = (f"_{secrets.token_hex(8)}" for _ in range(2))


def _with(text: str, added: list[ast.stmt], impossible: _Impossible) -> str:
    """The source, and the twins below it."""
    if not added:
        return text
    module = ast.Module(body=added, type_ignores=[])
    ast.fix_missing_locations(module)
    error = f'type("{impossible.error}", (BaseException,), {{}})'
    head = f"{impossible.value} = object()\n{impossible.error} = {error}"
    return f"{text.rstrip()}\n\n\n{head}\n{ast.unparse(module)}\n"


def _twin(node: ast.stmt, impossible: _Impossible) -> ast.stmt | None:
    """A copy that must fail; None for what is no test, or expects nothing that could be made wrong."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
        return _spoil(node, impossible)
    if isinstance(node, ast.ClassDef) and (node.name.startswith("Test") or _is_unittest(node)):
        copy = ast.parse(ast.unparse(node)).body[0]
        assert isinstance(copy, ast.ClassDef)
        body: list[ast.stmt] = []
        spoiled = 0
        for part in copy.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name.startswith("test"):
                changed = _spoil(part, impossible)
                if changed is None:
                    continue
                part, spoiled = changed, spoiled + 1
            body.append(part)
        copy.body = body
        return copy if spoiled else None
    return None


def _is_unittest(node: ast.ClassDef) -> bool:
    return any("TestCase" in ast.unparse(base) for base in node.bases)


def _spoil(
    node: ast.FunctionDef | ast.AsyncFunctionDef, impossible: _Impossible
) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    copy = ast.parse(ast.unparse(node)).body[0]
    assert isinstance(copy, ast.FunctionDef | ast.AsyncFunctionDef)
    # an expectation in a loop or a branch may never be reached by honest code: one at the top must be there
    certain = any(_expects(part) for part in copy.body)
    _Spoiler(impossible).generic_visit(copy)
    return copy if certain else None


def _expects(node: ast.stmt) -> bool:
    """Whether a statement is, or a ``with`` block holds, an expectation that is reached whenever the test is run."""
    if isinstance(node, ast.With):
        return any(_called(item.context_expr) in _RAISES for item in node.items) or any(map(_expects, node.body))
    return isinstance(node, ast.Assert) or (isinstance(node, ast.Expr) and _called(node.value).startswith("assert"))


class _Spoiler(ast.NodeTransformer):
    """Makes every expectation one that nothing honest can meet."""

    def __init__(self, impossible: _Impossible) -> None:
        self.value = ast.Name(impossible.value, ast.Load())
        self.error = ast.Name(impossible.error, ast.Load())

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        """``a == b`` must equal something else, of b's type where that is known; any other condition is not enough."""
        test = node.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq | ast.Is | ast.In):
            if isinstance(test.ops[0], ast.In):
                return ast.Assert(ast.Compare(self.value, test.ops, test.comparators), None)
            return ast.Assert(ast.Compare(test.left, test.ops, [self._other(test.comparators[0])]), None)
        return ast.Assert(ast.Compare(test, [ast.Is()], [self.value]), None)

    def _other(self, expected: ast.expr) -> ast.expr:
        value = expected.value if isinstance(expected, ast.Constant) else None
        if type(value) in (int, float):
            return ast.Constant(value + secrets.randbelow(10**6) + 1000)  # type: ignore[operator]
        if type(value) is str:
            return ast.Constant(secrets.token_hex(4 + secrets.randbelow(4)))
        return self.value

    def visit_With(self, node: ast.With) -> ast.With:
        """``with raises(E)`` must be left by an exception that nobody expects, whatever its block does."""
        self.generic_visit(node)
        if any(_called(item.context_expr) in _RAISES for item in node.items):
            tried: ast.stmt = ast.With([ast.withitem(_suppress(), None)], node.body)
            node.body = [tried, ast.Raise(ast.Call(self.error, [], []), None)]
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        """``self.assertX(...)`` is followed by a failure; ``assertEqual`` compares with the impossible."""
        name = _called(node.value)
        if not name.startswith("assert") or not isinstance(node.value, ast.Call):
            return node
        if name in _EQUAL and len(node.value.args) > 1:
            node.value.args[1] = self._other(node.value.args[1])
            return node
        fail = ast.parse(f"raise AssertionError({name!r})").body[0]
        return ast.If(ast.Constant(True), [node, fail], [])


def _called(node: ast.expr) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _suppress() -> ast.expr:
    return ast.parse("__import__('contextlib').suppress(Exception)", mode="eval").body


def is_twin(test: str, names: Mapping[str, Name]) -> bool:
    """Whether a test id is that of a twin."""
    return any(part in names and names[part].is_twin for part in test.split("[", 1)[0].split("::")[1:])


def in_names_of_project(text: str, names: Mapping[str, Name]) -> str:
    """A test id, or what a test said, with the project's own names in it."""
    return re.sub(r"(?:Test|test_)[0-9a-f]{16}", lambda found: getattr(names.get(found[0]), "name", found[0]), text)


def test_texts(files: Mapping[str, bytes], tests: list[str]) -> dict[str, str]:
    """Source of the test files."""
    return {path: files[path].decode("utf-8", "replace") for path in tests if PurePosixPath(path).suffix == ".py"}


__all__ = ["Name", "in_names_of_project", "is_twin", "make_twins", "test_texts"]
