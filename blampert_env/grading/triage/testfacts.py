"""What the tests name, define and call."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import lru_cache

from blampert_env.grading.triage import words
from blampert_env.grading.triage.scopes import FunctionNode, bound_names, here, last_name, root, walk
from blampert_env.projects.syntax import tree_of

_TESTS = words.TABLES["tests"]


_KINDS = ("mentioned", "called", "own", "decorators", "handed_power")


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
        names = [_Names(texts, kind) for kind in _KINDS]
        self.mentioned, self.called, self.own, self.decorators, self.handed_power = names
        self.has_star = any(re.search(r"\bimport\s*\*", text) for text in texts)


class _Names:
    """Names of one kind, to be asked for one by one."""

    def __init__(self, texts: tuple[str, ...], kind: str) -> None:
        self._texts, self._kind = texts, kind
        self._also = _TESTS["unittest"] if kind == "own" else frozenset[str]()

    def __contains__(self, name: str) -> bool:
        return name in self._also or any(name in text and name in _file(text)[self._kind] for text in self._texts)


@lru_cache(maxsize=256)
def _file(text: str) -> Mapping[str, set[str]]:
    """Names in one file of the tests by kind; one that does not parse says nothing."""
    found: dict[str, set[str]] = {kind: set() for kind in _KINDS}
    for node in walk(tree_of(text) or ast.Module([], [])):
        _note(node, found)
    return found


def _note(node: ast.AST, found: Mapping[str, set[str]]) -> None:
    if isinstance(node, ast.Name | ast.Attribute):
        found["mentioned"].add(last_name(node))
    elif isinstance(node, ast.alias):
        found["mentioned"].update(node.name.split("."))
    elif isinstance(node, ast.Constant):
        last = node.value.rpartition(".")[2] if isinstance(node.value, str) and len(node.value) < 200 else ""
        found["mentioned"].update([last] if last.isidentifier() else [])
    elif isinstance(node, ast.Call):
        found["called"].update([node.func.attr] if isinstance(node.func, ast.Attribute) else [])
        if any(_is_power(given) for given in (*node.args, *(keyword.value for keyword in node.keywords))):
            found["handed_power"].add(last_name(node.func))
    elif isinstance(node, ast.ClassDef):
        found["own"].update(name for inner in here(node.body) for name in bound_names(inner))
        if any("Test" in last_name(base) for base in node.bases):
            inside = [inner for inner in walk(node) if isinstance(inner, ast.Attribute)]
            found["own"].update(inner.attr for inner in inside if isinstance(inner.ctx, ast.Store))
    elif isinstance(node, FunctionNode):
        is_test = node.name.startswith("test")
        found["own"].update([node.name] if is_test else [])
        if node.decorator_list and (is_test or any(isinstance(n, ast.Assert) for n in walk(node))):
            called = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
            found["decorators"].update(map(last_name, called))


def _is_power(node: ast.expr) -> bool:
    leads_out = isinstance(node, ast.Attribute) and node.attr in ("__dict__", "modules")
    return leads_out or root(node) in _TESTS["dangerous"]
