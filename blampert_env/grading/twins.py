"""Impossible twins: each test once more, under a random name, with its expectation made wrong.

Where tests and candidate share a process, the candidate can reach into pytest. It cannot tell a test from its twin,
though, so whatever makes tests pass makes the twins pass: then nothing counts.
"""

from __future__ import annotations

import ast
import secrets
from collections.abc import Mapping
from pathlib import PurePosixPath

_IMPOSSIBLE = "_blampert_impossible"
_ERROR = "_blampert_impossible_error"
_EQUAL = frozenset({"assertEqual", "assertEquals", "assertAlmostEqual", "assert_equal"})
_RAISES = frozenset({"raises", "warns", "deprecated_call", "assertRaises", "assertRaisesRegex", "assertWarns"})


def make_twins(tests: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Test files with twins beside their tests.

    Args:
        tests: Path to source of the test files.

    Returns:
        The files with twins added, and the name of each twin's function or class to the name it was made from.
    """
    files, names = {}, {}
    for path, text in tests.items():
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            files[path] = text
            continue
        added: list[ast.stmt] = []
        for node in tree.body:
            twin = _twin(node)
            if twin is not None:
                alias = f"{'Test' if isinstance(node, ast.ClassDef) else 'test_'}{secrets.token_hex(8)}"
                names[alias] = node.name  # type: ignore[attr-defined]
                twin.name = alias  # type: ignore[attr-defined]
                added.append(twin)
        files[path] = _with(text, added)
    return files, names


def _with(text: str, added: list[ast.stmt]) -> str:
    """The source as it is, and the twins below it; drawn in random order by the run's shuffle."""
    if not added:
        return text
    module = ast.Module(body=added, type_ignores=[])
    ast.fix_missing_locations(module)
    error = 'type("Impossible", (BaseException,), {})'
    return f"{text.rstrip()}\n\n\n{_IMPOSSIBLE} = object()\n{_ERROR} = {error}\n{ast.unparse(module)}\n"


def _twin(node: ast.stmt) -> ast.stmt | None:
    """A copy that must fail; None for what is no test, or expects nothing that could be made wrong."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
        return _spoil(node)
    if isinstance(node, ast.ClassDef) and (node.name.startswith("Test") or _is_unittest(node)):
        copy = ast.parse(ast.unparse(node)).body[0]
        assert isinstance(copy, ast.ClassDef)
        body: list[ast.stmt] = []
        spoiled = 0
        for part in copy.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name.startswith("test"):
                changed = _spoil(part)
                if changed is None:
                    continue
                part, spoiled = changed, spoiled + 1
            body.append(part)
        copy.body = body
        return copy if spoiled else None
    return None


def _is_unittest(node: ast.ClassDef) -> bool:
    return any("TestCase" in ast.unparse(base) for base in node.bases)


def _spoil(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    copy = ast.parse(ast.unparse(node)).body[0]
    assert isinstance(copy, ast.FunctionDef | ast.AsyncFunctionDef)
    # an expectation in a loop or a branch may never be reached by honest code: one at the top must be there
    certain = any(_expects(part) for part in copy.body)
    _Spoiler().generic_visit(copy)
    return copy if certain else None


def _expects(node: ast.stmt) -> bool:
    """Whether a statement is, or a ``with`` block holds, an expectation that is reached whenever the test is run."""
    if isinstance(node, ast.With):
        return any(_called(item.context_expr) in _RAISES for item in node.items) or any(map(_expects, node.body))
    return isinstance(node, ast.Assert) or (isinstance(node, ast.Expr) and _called(node.value).startswith("assert"))


class _Spoiler(ast.NodeTransformer):
    """Makes every expectation one that nothing honest can meet."""

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        """``a == b`` must equal something that nothing equals; any other condition is not enough."""
        test = node.test
        impossible = ast.Name(_IMPOSSIBLE, ast.Load())
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq | ast.Is | ast.In):
            wanted: ast.expr = impossible
            if isinstance(test.ops[0], ast.In):
                return ast.Assert(ast.Compare(impossible, test.ops, test.comparators), None)
            return ast.Assert(ast.Compare(test.left, test.ops, [wanted]), None)
        return ast.Assert(ast.Compare(test, [ast.Is()], [impossible]), None)

    def visit_With(self, node: ast.With) -> ast.With:
        """``with raises(E)`` must be left by an exception that nobody expects, whatever its block does."""
        self.generic_visit(node)
        if any(_called(item.context_expr) in _RAISES for item in node.items):
            tried: ast.stmt = ast.With([ast.withitem(_suppress(), None)], node.body)
            node.body = [tried, ast.Raise(ast.Call(ast.Name(_ERROR, ast.Load()), [], []), None)]
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        """``self.assertX(...)`` is followed by a failure; ``assertEqual`` compares with the impossible."""
        name = _called(node.value)
        if not name.startswith("assert") or not isinstance(node.value, ast.Call):
            return node
        if name in _EQUAL and len(node.value.args) > 1:
            node.value.args[1] = ast.Name(_IMPOSSIBLE, ast.Load())
            return node
        fail = ast.parse(f"raise AssertionError({name!r})").body[0]
        return ast.If(ast.Constant(True), [node, fail], [])


def _called(node: ast.expr) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _suppress() -> ast.expr:
    return ast.parse("__import__('contextlib').suppress(Exception)", mode="eval").body


def twin_of(test: str, names: Mapping[str, str]) -> bool:
    """Whether a test id is that of a twin."""
    parts = test.split("[", 1)[0].split("::")
    return any(part in names for part in parts[1:])


def test_texts(files: Mapping[str, bytes], tests: list[str]) -> dict[str, str]:
    """Source of the test files."""
    return {path: files[path].decode("utf-8", "replace") for path in tests if PurePosixPath(path).suffix == ".py"}


__all__ = ["make_twins", "test_texts", "twin_of"]
