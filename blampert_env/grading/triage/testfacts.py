"""What the tests name, define and call."""

from __future__ import annotations

import ast
from functools import cached_property, lru_cache

from blampert_env.grading.triage import words
from blampert_env.grading.triage.facts import class_facts, tree_of
from blampert_env.grading.triage.flow import gather
from blampert_env.grading.triage.scopes import FunctionNode, here, root

_DANGEROUS = words.listed(
    """
    globals locals vars sys builtins __builtins__ inspect gc importlib pytest
    """
)
_UNITTEST = words.listed(
    """
    assertEqual assertTrue assertFalse assertIn assertIs failureException fail run debug id setUp tearDown
    subTest maxDiff longMessage addCleanup countTestCases defaultTestResult doCleanups shortDescription
    skipTest
    """
)


class TestFacts:
    """What is read from the tests' files. Files that do not parse say nothing."""

    __test__ = False

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._texts = texts

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        found: list[ast.AST] = []
        for text in self._texts:
            if (tree := tree_of(text)) is not None:
                found += ast.walk(tree)
        return found

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """Names, attributes, imported names, and the last part of texts that look like them."""
        found: set[str] = set()
        for node in self._nodes:
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.alias):
                found.update(node.name.split("."))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
                last = node.value.rpartition(".")[2]
                if last.isidentifier():
                    found.add(last)
        return frozenset(found)

    @cached_property
    def called(self) -> frozenset[str]:
        """Attributes that the tests call."""
        return frozenset(
            n.func.attr for n in self._nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
        )

    @cached_property
    def own(self) -> frozenset[str]:
        """What the tests' classes and modules have."""
        found = set(_UNITTEST)
        for node in self._nodes:
            if isinstance(node, ast.ClassDef):
                methods = [gather(item, "", node.name) for item in here(node.body) if isinstance(item, FunctionNode)]
                one = class_facts(node, "", methods)
                found.update(one.methods, one.level)
                if any("Test" in (getattr(b, "attr", "") or getattr(b, "id", "")) for b in node.bases):
                    found |= one.stored
            elif isinstance(node, FunctionNode) and node.name.startswith("test"):
                found.add(node.name)
        return frozenset(found)

    @cached_property
    def has_star(self) -> bool:
        """Whether a test imports everything from somewhere."""
        return any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in self._nodes)

    @cached_property
    def decorators(self) -> frozenset[str]:
        """What decorates functions that assert: it decides whether they run at all."""
        found: set[str] = set()
        for node in self._nodes:
            if (
                isinstance(node, FunctionNode)
                and node.decorator_list
                and (node.name.startswith("test") or any(isinstance(n, ast.Assert) for n in ast.walk(node)))
            ):
                for one in node.decorator_list:
                    func = one.func if isinstance(one, ast.Call) else one
                    found.add(func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", ""))
        return frozenset(found)

    @cached_property
    def handed_power(self) -> frozenset[str]:
        """Functions that tests hand a module table, the runner or themselves."""
        found: set[str] = set()
        for node in self._nodes:
            if isinstance(node, ast.Call):
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                if any(_is_power(argument) for argument in given):
                    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                    found.add(name)
        return frozenset(found)


@lru_cache(maxsize=8)
def test_facts(texts: tuple[str, ...]) -> TestFacts:
    """The facts of some test files; many triages share them."""
    return TestFacts(texts)


test_facts.__test__ = False  # type: ignore[attr-defined]


def _is_power(node: ast.expr) -> bool:
    return root(node) in _DANGEROUS or (isinstance(node, ast.Attribute) and node.attr in ("__dict__", "modules"))
