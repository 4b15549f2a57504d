"""Whether code that is not plain names what leads into the process that it shares with the tests.

A second, coarser question than triage's. What is not plain and names none of this (a special method that the stub
lacks, a file, a thread) is given the benefit of impossible twins where it cannot be judged apart from the tests. What
does name the interpreter's insides, the test runner or a helper of the tests is judged apart only: a test that cannot
be run so does not count for it. This is a list of what is forbidden, which can be got round; it stands behind twins,
never alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from blampert_env.grading.triage import words
from blampert_env.grading.triage.scopes import SCOPES, children, last_name, walk
from blampert_env.projects.syntax import tree_of

_REACH = words.TABLES["reach"]
_MODULES, _NAMES, _ATTRIBUTES = _REACH["modules"], _REACH["names"], _REACH["attributes"]
_OF_SYS, _OF_OS, _WRITES, _DUNDERS = _REACH["of_sys"], _REACH["of_os"], _REACH["writes"], _REACH["dunders"]
_BY_NAME = ("getattr", "setattr", "delattr", "hasattr")
_HARMLESS_COMMAND = re.compile(r"[\w .,-]+")  # no path, nothing that the shell would put elsewhere


def what_it_reaches(trusted: Mapping[str, str], candidate: Mapping[str, str], own: Iterable[str]) -> str:
    """One line on the first thing of this kind that a candidate names and trusted code does not; "" if there is none.

    Args:
        trusted: Path to text of the untouched sources, and of a reference solution's below ``solution/``: what that
            names in a file, a candidate may name there, too.
        candidate: Path to text of the candidate's.
        own: Modules that belong to the tests.
    """
    theirs = frozenset(own)
    for path, part in _edited(trusted, candidate):
        learnt = {found for old, _ in _parts(trusted.get(f"solution/{path}", "")) for found in _reached(old, theirs)}
        if new := [found for found in _reached(part, theirs) if found not in learnt]:
            return f"{path} {new[0]}"
    return ""


def is_rewritten(trusted: Mapping[str, str], candidate: Mapping[str, str], *, stars: bool) -> str:
    """One line on what else than functions of known places a candidate holds: classes that nobody asked for, say.

    Objects of such a class, or special methods that swallow what a test raises, could answer a test as they like; only
    a proxy between two processes sees that. "" if there is nothing of the kind.

    Args:
        trusted: Path to text of the untouched sources.
        candidate: Path to text of the candidate's.
        stars: Whether a test imports every name of a module.
    """
    for path, text in candidate.items():
        before = trusted.get(path, "")
        if text == before:
            continue
        old, new = _classes_and_functions(before), _classes_and_functions(text)
        if new is None or old is None:
            return f"{path} does not parse"
        for what, one, other in (("class", old[0], new[0]), ("function", old[1], new[1])):
            if gone := one - other:
                return f"{path} lacks the {what} {min(gone)}"
        if made := new[0] - old[0]:
            return f"{path} makes the class {min(made)}"
        for name in sorted(new[1] - old[1]):
            if name.rpartition(".")[2] in _REACH["answers_for_tests"] or (stars and "." not in name):
                return f"{path} defines {name}"
    return ""


def _classes_and_functions(text: str) -> tuple[set[str], set[str]] | None:
    """Qualified names of the classes that a text makes, wherever, and of its functions."""
    tree = tree_of(text)
    if tree is None:
        return None
    classes, functions = set[str](), set[str]()
    todo: list[tuple[str, ast.AST]] = [("", tree)]
    while todo:
        prefix, node = todo.pop()
        if isinstance(node, SCOPES) and not isinstance(node, ast.Lambda):
            (classes if isinstance(node, ast.ClassDef) else functions).add(f"{prefix}{node.name}")
            prefix = f"{prefix}{node.name}."
        elif isinstance(node, ast.Call):
            name = last_name(node.func)
            if name in _REACH["makes_classes"] or (name == "type" and len(node.args) == 3):
                classes.add(f"{prefix}{name}()")
        todo += [(prefix, child) for child in children(node)]
    return classes, functions


def writes_files(trusted: Mapping[str, str], candidate: Mapping[str, str]) -> str:
    """One line on where a candidate may change a file that its caller did not hand over, one of a test's among them.

    What it does to the project's own files shows when it is run (:class:`~blampert_env.grading.confirming.Touched`).

    Args:
        trusted: As for :func:`what_it_reaches`.
        candidate: As there.
    """
    for path, part in _edited(trusted, candidate):
        nodes = list(walk(part))
        given = {node.arg for node in nodes if isinstance(node, ast.arg)}
        for node in nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name) and _writes(node, given):
                return f"{path}:{node.lineno}"
    return ""


def _writes(call: ast.Call, given: set[str]) -> bool:
    """Whether a call may change a file that its caller did not hand over."""
    is_method = isinstance(call.func, ast.Attribute)
    name = last_name(call.func)
    handed = call.func.value if isinstance(call.func, ast.Attribute) else next(iter(call.args), None)
    if name in ("open", "write_text", "write_bytes") and _is_handed(handed, given):
        return False
    if name != "open":
        return name in _WRITES
    modes = [*call.args[not is_method :][:1], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return any(not isinstance(mode, ast.Constant) or bool(set(str(mode.value)) - set("rbt")) for mode in modes)


def _is_handed(node: ast.AST | None, given: set[str]) -> bool:
    """Whether a path is the one that the caller gave."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Path" and len(node.args) == 1:
        node = node.args[0]
    return isinstance(node, ast.Name) and node.id in given


def _edited(trusted: Mapping[str, str], candidate: Mapping[str, str]) -> Iterator[tuple[str, ast.AST]]:
    """Path and syntax tree of what is not trusted, word for word."""
    for path, text in candidate.items():
        if text != trusted.get(path):
            known = _words(trusted.get(path, "")) | _words(trusted.get(f"solution/{path}", ""))
            yield from ((path, part) for part, words in _parts(text) if words not in known)


@lru_cache(maxsize=256)
def _words(text: str) -> frozenset[str]:
    """The texts of the parts of a trusted file."""
    return frozenset(words for _, words in _parts(text))


def _parts(text: str) -> Iterator[tuple[ast.AST, str]]:
    """Functions, and statements outside of functions without the functions in them; each with its lines."""
    tree = tree_of(text)
    lines = re.split("\r\n|\r|\n", text)
    todo: list[Any] = list(tree.body) if tree is not None else []
    while todo:
        node = todo.pop()
        body = getattr(node, "body", None)
        if isinstance(node, ast.ClassDef) and isinstance(body, list):
            todo += body
            todo += [*node.bases, *node.keywords, *node.decorator_list]
        else:
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
            yield node, "\n".join(lines[first - 1 : node.end_lineno])


def _reached(part: ast.AST, own: frozenset[str]) -> Iterator[str]:
    nodes = list(walk(part))
    parameters = {node.arg for node in nodes if isinstance(node, ast.arg)}
    texts = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
    bases = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    speaking = {id(node.func) for node in nodes if isinstance(node, ast.Call) and _speaks(node)}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imports(node, own)
        elif isinstance(node, ast.Name):
            if node.id == "sys" and id(node) not in bases:
                yield "hands sys on"
            elif node.id in _NAMES or _is_closed_dunder(node.id):
                yield f"names {node.id}"
        elif isinstance(node, ast.Attribute) and id(node) not in speaking:
            base = getattr(node.value, "id", "")
            if (base == "sys" and node.attr not in _OF_SYS) or (base == "os" and node.attr in _OF_OS):
                yield f"uses {base}.{node.attr}"
            elif node.attr in _ATTRIBUTES or _is_closed_dunder(node.attr):
                yield f"uses .{node.attr}"
            elif not isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Call):
                yield f"sets {node.attr} of what a call returns"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _BY_NAME:
            if not _is_known_name(node, parameters):
                yield f"calls {node.func.id}() with a computed name"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            word = node.value.strip()
            if (word.startswith("__") or word.endswith("__")) and word not in _DUNDERS and word != "__main__":
                yield f"spells {word[:40]!r}"  # a part of a name, to be put together, as well
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            yield "catches every exception"
        elif isinstance(node, ast.MatchClass):
            yield from (f"matches .{name}" for name in node.kwd_attrs if name in _ATTRIBUTES or name.startswith("_"))


def _imports(node: ast.Import | ast.ImportFrom, own: frozenset[str]) -> Iterator[str]:
    names = {alias.name for alias in node.names}
    if isinstance(node, ast.Import):
        found = {name for name in names if _is_closed(name, own)}
        found |= {alias.name for alias in node.names if alias.name == "sys" and alias.asname}
    else:
        found = names & (own | _ATTRIBUTES | (_OF_OS if node.module == "os" else own))
        found |= {f"sys.{name}" for name in names - _OF_SYS} if node.module == "sys" else set()
        found |= {node.module} if node.module and not node.level and _is_closed(node.module, own) else set()
    yield from (f"imports {name}" for name in sorted(found))


def _is_known_name(call: ast.Call, parameters: set[str]) -> bool:
    """Whether ``getattr`` and the like are given a name that stands there, or a caller's word, as everyday code is."""
    name = call.args[1] if len(call.args) > 1 else None
    if isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value not in _ATTRIBUTES:
        return True
    of_a_name = isinstance(call.args[0] if call.args else None, ast.Name) and getattr(call.func, "id", "") == "setattr"
    return of_a_name or (isinstance(name, ast.Name) and name.id in parameters)


def _speaks(call: ast.Call) -> bool:
    """Whether a call only writes to what everybody may write to, past Python's own streams."""
    word = getattr(next(iter(call.args), None), "value", None)
    if getattr(call.func, "attr", "") == "system":
        return isinstance(word, str) and _HARMLESS_COMMAND.fullmatch(word) is not None
    return getattr(call.func, "attr", "") == "write" and isinstance(word, int) and word in (1, 2)


def _is_closed(module: str, own: frozenset[str]) -> bool:
    return module.split(".")[0] in _MODULES or module in own or module.split(".")[0] in own


def _is_closed_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in _DUNDERS
