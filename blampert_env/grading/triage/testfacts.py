"""What the tests name, define and call."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from blampert_env.grading.triage import words
from blampert_env.grading.triage.facts import tree_of
from blampert_env.grading.triage.scopes import FunctionNode, bound_names, here, last_name, root, walk

_TESTS = words.TABLES["tests"]


class TestFacts:
    """What is read from the tests' files, each looked at when a name that it has is asked for.

    Attributes:
        mentioned: Names, attributes, imported names, and the last part of texts that look like them.
        called: Attributes that the tests call.
        own: What the tests' classes and modules have.
        decorators: What decorates functions that assert: it decides whether they run at all.
        handed_power: Functions that tests hand a module table, the runner or themselves.
        has_star: Whether a test imports everything from somewhere.
    """

    __test__ = False

    def __init__(self, texts: tuple[str, ...]) -> None:
        self.mentioned = _Names(texts, "mentioned")
        self.called = _Names(texts, "called")
        self.own = _Names(texts, "own", _TESTS["unittest"])
        self.decorators = _Names(texts, "decorators")
        self.handed_power = _Names(texts, "handed_power")
        self.has_star = any(re.search(r"\bimport\s*\*", text) for text in texts)


class _Names:
    """Names of one kind, to be asked for one by one."""

    def __init__(self, texts: tuple[str, ...], kind: str, also: frozenset[str] = frozenset()) -> None:
        self._texts, self._kind, self._also = texts, kind, also

    def __contains__(self, name: str) -> bool:
        return name in self._also or any(
            name in text and name in getattr(_file(text), self._kind) for text in self._texts
        )


class _File:
    """One file of the tests; one that does not parse says nothing."""

    def __init__(self, text: str) -> None:
        self.mentioned: set[str] = set()
        self.called: set[str] = set()
        self.own: set[str] = set()
        self.decorators: set[str] = set()
        self.handed_power: set[str] = set()
        for node in walk(tree_of(text) or ast.Module([], [])):
            self._note(node)

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name):
            self.mentioned.add(node.id)
        elif isinstance(node, ast.Attribute):
            self.mentioned.add(node.attr)
        elif isinstance(node, ast.alias):
            self.mentioned.update(node.name.split("."))
        elif isinstance(node, ast.Constant):
            last = node.value.rpartition(".")[2] if isinstance(node.value, str) and len(node.value) < 200 else ""
            if last.isidentifier():
                self.mentioned.add(last)
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                self.called.add(node.func.attr)
            if any(_is_power(given) for given in (*node.args, *(keyword.value for keyword in node.keywords))):
                self.handed_power.add(last_name(node.func))
        elif isinstance(node, ast.ClassDef):
            self._note_class(node)
        elif isinstance(node, FunctionNode):
            is_test = node.name.startswith("test")
            if is_test:
                self.own.add(node.name)
            if node.decorator_list and (is_test or any(isinstance(n, ast.Assert) for n in walk(node))):
                called = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
                self.decorators.update(map(last_name, called))

    def _note_class(self, node: ast.ClassDef) -> None:
        self.own.update(name for inner in here(node.body) for name in bound_names(inner))
        if any("Test" in last_name(base) for base in node.bases):
            for inner in walk(node):
                if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
                    self.own.add(inner.attr)


_file = lru_cache(maxsize=256)(_File)


def _is_power(node: ast.expr) -> bool:
    leads_out = isinstance(node, ast.Attribute) and node.attr in ("__dict__", "modules")
    return leads_out or root(node) in _TESTS["dangerous"]
