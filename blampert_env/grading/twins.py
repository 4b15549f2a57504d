"""Impossible twins: each test once more with its expectation made wrong.

Where tests and candidate share a process, the candidate can reach into pytest. What makes every test pass makes the
twins pass, too: then nothing counts. There are two runs, and a random half of the tests is made wrong in each, so that
no run is one of twins only, and tests and twins share no state. Code that understands the tests' own code can still
tell them apart; that is why a project is split wherever its tests allow it.
"""

from __future__ import annotations

import ast
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from blampert_env.parsing import parse, parse_expression

_EQUAL = frozenset({"assertEqual", "assertEquals", "assertAlmostEqual", "assert_equal"})
_RAISES = frozenset({"raises", "warns", "deprecated_call", "assertRaises", "assertRaisesRegex", "assertWarns"})


@dataclass(frozen=True)
class Half:
    """One of the two runs.

    Attributes:
        files: Test files in which some tests are made wrong.
        wrong: Those tests: ``path::name`` of a function or class at the top of a file.
    """

    files: Mapping[str, str]
    wrong: frozenset[str]

    def has_twin_of(self, test: str) -> bool:
        """Whether a test id is of a test that is made wrong here."""
        return "::".join(test.split("[", 1)[0].split("::")[:2]) in self.wrong


def make_halves(tests: Mapping[str, str]) -> tuple[Half, Half]:
    """Both runs: every test that can be made wrong is so in exactly one of them.

    Args:
        tests: Path to source of the test files.
    """
    files: tuple[dict[str, str], dict[str, str]] = ({}, {})
    wrong: tuple[set[str], set[str]] = (set(), set())
    for path, text in tests.items():
        try:
            body = parse(text).body
        except (SyntaxError, ValueError, RecursionError):
            body = []
        impossible = _Impossible()
        found = [(node, twin) for node in body if (twin := _twin(node, impossible)) is not None]
        secrets.SystemRandom().shuffle(found)
        for number in (0, 1):
            chosen = found[number::2]
            files[number][path] = _with(text, chosen, impossible)
            wrong[number].update(f"{path}::{node.name}" for node, _ in chosen)  # type: ignore[attr-defined]
    return Half(files[0], frozenset(wrong[0])), Half(files[1], frozenset(wrong[1]))


class _Impossible:
    """Names of the two globals that twins use, drawn anew for each file."""

    def __init__(self) -> None:
        self.value, self.error = (f"_{secrets.token_hex(8)}" for _ in range(2))


def _with(text: str, chosen: Sequence[tuple[ast.stmt, ast.stmt]], impossible: _Impossible) -> str:
    """The source with twins in the place of their tests; the other lines keep their numbers."""
    lines = text.split("\n")
    for node, _ in chosen:
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        lines[first - 1 : node.end_lineno] = [""] * ((node.end_lineno or first) - first + 1)
    module = ast.Module(body=[twin for _, twin in chosen], type_ignores=[])
    ast.fix_missing_locations(module)
    error = f'type("{impossible.error}", (BaseException,), {{}})'
    head = f"{impossible.value} = object()\n{impossible.error} = {error}"
    return "\n".join([*lines, "", head, ast.unparse(module), ""])


def _twin(node: ast.stmt, impossible: _Impossible) -> ast.stmt | None:
    """A copy that must fail; None for what is no test, or expects nothing that could be made wrong."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
        return _spoil(node, impossible)
    if isinstance(node, ast.ClassDef) and (node.name.startswith("Test") or _is_unittest(node)):
        copy = parse(ast.unparse(node)).body[0]
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
    copy = parse(ast.unparse(node)).body[0]
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
        fail = parse(f"raise AssertionError({name!r})").body[0]
        return ast.If(ast.Constant(True), [node, fail], [])


def _called(node: ast.expr) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _suppress() -> ast.expr:
    return parse_expression("__import__('contextlib').suppress(Exception)").body


def test_texts(files: Mapping[str, bytes], tests: list[str]) -> dict[str, str]:
    """Source of the test files."""
    return {path: files[path].decode("utf-8", "replace") for path in tests if PurePosixPath(path).suffix == ".py"}


__all__ = ["Half", "make_halves", "test_texts"]
