"""Which functions a project wants written: those that it names, those that a TODO asks for, and empty ones that a test
could miss.

A body of ``pass``, ``...`` or ``raise NotImplementedError`` is often right as it is: a hook, a base class, the other
half of an ``if``. Nothing is run here, so it counts only where everything speaks for it: no sign that it is meant to be
empty, and a reference solution that has another body or, where there is none, a test that mentions it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from blampert_env.projects.syntax import Function, comments, docstring_node, functions, last_name, parse
from blampert_env.projects.target import Target, empty_kind, find_targets, is_declaration, is_todo

_ASKS = re.compile(
    r"(?:TODO|FIXME)\b[^\w]*(?:\([^)]*\))?[^\w]*(?:you|please)?\W*(?:implement|fill|your|write|complete)", re.I
)
_BARE = re.compile(r"\b(?:TODO|FIXME)\b[\W_]*$", re.I)
_SHORT = 8
_SAYS_EMPTY = re.compile(
    r"\bno[-_ ]?op\b|\b(?:does|do|doing) nothing\b|\boverrid|\bsubclass|\bhooks?\b|\babstract|\bplaceholder|"
    r"intentionally|on purpose|not supported|unsupported|\bdummy\b|\bstub\b for|returns? ``?None``?",
    re.I,
)
_USUALLY_EMPTY = re.compile(
    r"__(?:a?enter|a?exit|del|init_subclass|fspath|getattr|getattribute|class_getitem)__|close|flush|noop|no_op|nop|"
    r"(?:generic_)?(?:visit|leave|depart)(?:_.*)?|(?:on|handle|before|after|pre|post|did|will)_.*|.*_(?:hook|callback)|"
    r"(?:set_?up|tear_?down)(?:_?class|_?module)?"
)
_KNOWN_DECORATORS = {"staticmethod", "classmethod", "property", "cached_property", "lru_cache", "cache", "wraps"} | {
    *("contextmanager", "asynccontextmanager", "setter", "getter", "deleter", "singledispatch", "total_ordering"),
}


@dataclass(frozen=True, slots=True)
class Meant:
    """What was decided.

    Attributes:
        targets: The functions to write, in file order.
        doubtful: Ids of functions with a TODO that have a working body, and so are none.
    """

    targets: tuple[Target, ...]
    doubtful: tuple[str, ...]


def meant_targets(
    sources: Mapping[str, str],
    side: Collection[str],
    trees: Iterable[ast.Module],
    solution: Mapping[str, str],
    mentioned: Callable[[Sequence[Target]], Collection[str]] | None,
    *,
    is_package: bool = False,
) -> Meant:
    """The targets of a project that names none itself.

    Args:
        sources: Path to text of the files that may hold some.
        side: Those of them that lie among tests, documentation or examples: only a TODO counts there.
        trees: Syntax trees of every Python file, tests included: a subclass in any of them overrides.
        solution: The reference, path to text; empty if there is none.
        mentioned: Called with functions; the ids of those that a visible test or doctest mentions. None if the
            project has no tests, so that nothing can be asked.
        is_package: It is a package that somebody released: where nothing is asked for, nothing is meant. In any other
            folder, the empty functions that nothing speaks against are.

    Raises:
        SyntaxError: A source does not parse.
    """
    found = {path: find_targets(path, text) for path, text in sources.items()}
    families = Families(trees) if any(target.kind != "todo" for group in found.values() for target in group) else None
    meant: list[Target] = []
    unsure: list[Target] = []
    marked: list[str] = []
    for path, group in found.items():
        by_name = {function.qualname: function for function in functions(sources[path])} if group else {}
        for target in group:
            function = by_name[target.qualname]
            has_other = differs(function, solution.get(path))
            if target.kind == "todo" or _has_mark_above(function, sources[path]):
                certainty = "sure" if has_other else _asks(function, sources[path])
                meant += [target] if certainty == "sure" else []
                unsure += [target] if certainty == "unsure" else []
                marked.append(target.id)
            elif path in side:
                continue
            elif solution:
                meant += [target] if has_other else []
            elif families and not _is_empty_on_purpose(function, sources[path], families):
                unsure.append(target)
    wanted = {target.id for target in meant}
    skeletons = {path for path, text in sources.items() if _is_skeleton(path, text, unsure)}
    wanted |= {target.id for target in unsure if target.path in skeletons}
    if unsure:
        wanted |= {target.id for target in unsure} if mentioned is None else set(mentioned(unsure))
    if not wanted and not is_package:
        wanted = {target.id for target in unsure}
    targets = tuple(target for group in found.values() for target in group if target.id in wanted)
    return Meant(targets, tuple(name for name in marked if name not in wanted))


def _is_skeleton(path: str, text: str, unsure: Sequence[Target]) -> bool:
    """Whether most functions of a file are empty: then that is what is asked for, whatever tests name."""
    empty = sum(target.path == path for target in unsure)
    return empty > 1 and 2 * empty >= len(functions(text))


def may_ask(text: str) -> bool:
    """Whether a file that cannot be read may hold a function to write: one of its lines is a TODO that asks for it."""
    return any("#" in line and (_ASKS.search(line) or _BARE.search(line)) for line in text.splitlines())


def differs(function: Function, reference: str | None) -> bool:
    """Whether the reference has the function with another body."""
    if reference is None:
        return False
    try:
        others = {other.qualname: other for other in functions(reference)}
    except SyntaxError:  # the reference's own tests will say so
        return False
    other = others.get(function.qualname)
    return other is not None and _body(other.node) != _body(function.node)


def _body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return "\n".join(ast.dump(statement) for statement in (node.body[1:] if docstring_node(node) else node.body))


def _has_mark_above(function: Function, source: str) -> bool:
    """Whether the line above an empty function is a TODO."""
    return any(line == function.first - 1 and is_todo(comment) for line, comment in comments(source))


def _asks(function: Function, source: str) -> Literal["sure", "unsure", "no"]:
    """Whether a TODO asks for the function, not for an improvement of one that works."""
    body = function.node.body[1:] if docstring_node(function.node) else function.node.body
    if all(_does_nothing(statement) for statement in body):
        return "sure"
    if sum(isinstance(part, ast.stmt) for statement in body for part in ast.walk(statement)) > _SHORT:
        return "no"
    marks = [c for line, c in comments(source) if function.first - 1 <= line <= function.last and is_todo(c)]
    if any(_ASKS.search(mark) for mark in marks):
        return "sure"
    return "unsure" if any(_BARE.search(mark) for mark in marks) else "no"


def _does_nothing(statement: ast.stmt) -> bool:
    """Whether a statement only stands there: ``pass``, ``return 0``, ``result = []``, ``raise NotImplementedError``."""
    if isinstance(statement, ast.Raise):
        return statement.exc is not None and last_name(statement.exc) == "NotImplementedError"
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Return | ast.Assign | ast.AnnAssign):
        working = (ast.Call, ast.BinOp, ast.Compare, ast.BoolOp, ast.Attribute, ast.Subscript, ast.IfExp, ast.Await)
        comprehensions = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Yield, ast.YieldFrom)
        inner = statement.value
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(inner, ast.Name) and any(isinstance(target, ast.Attribute) for target in targets):
            return False  # self.size = size
        return inner is None or not any(isinstance(part, (*working, *comprehensions)) for part in ast.walk(inner))
    return isinstance(statement, ast.Pass)


class Families:
    """Classes of a project by name: what extends what, and what each defines."""

    def __init__(self, trees: Iterable[ast.Module]) -> None:
        self._bases: dict[str, set[str]] = {}
        self._members: dict[str, set[str]] = {}
        for tree in trees:
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    bases = {last_name(base) for base in node.bases} | {last_name(k.value) for k in node.keywords}
                    self._bases.setdefault(node.name, set()).update(bases - {""})
                    self._members.setdefault(node.name, set()).update(_names_in(node.body))

    def lineage(self, name: str) -> set[str]:
        """A class and everything that it extends, by name."""
        found: set[str] = set()
        todo = [name]
        while todo:
            part = todo.pop()
            if part not in found:
                found.add(part)
                todo += self._bases.get(part, ())
        return found

    def overrides(self, name: str, member: str) -> bool:
        """Whether a class that this one extends has the member already."""
        return any(member in self._members.get(other, ()) for other in self.lineage(name) - {name})

    def is_overridden(self, name: str, member: str) -> bool:
        """Whether a class that extends this one defines the member itself."""
        return any(
            member in members and other != name and name in self.lineage(other)
            for other, members in self._members.items()
        )


def _names_in(body: Iterable[ast.stmt]) -> set[str]:
    names = set()
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names.update(target.id for target in targets if isinstance(target, ast.Name))
    return names


def _is_empty_on_purpose(function: Function, source: str, families: Families) -> bool:
    """Whether something says that an empty body is what the author wants."""
    node = function.node
    owner = function.classes[-1] if function.classes else None
    if any(last_name(decorator) not in _KNOWN_DECORATORS for decorator in node.decorator_list):
        return True  # a fixture, a hook specification, a command: others call it, and its name is what counts
    if _USUALLY_EMPTY.fullmatch(node.name) and (owner is not None or node.name in ("noop", "no_op", "nop")):
        return empty_kind(node) != "not_implemented" or node.name.startswith("__")
    said = [
        ast.get_docstring(node) or "",
        *(c for line, c in comments(source) if function.first <= line <= function.last),
    ]
    if any(_SAYS_EMPTY.search(text) for text in said) or _is_alternative(function, source):
        return True
    if owner is None:
        return False
    lineage = families.lineage(owner.name)
    if any(re.search("(Error|Exception|Warning)$", name) for name in lineage):
        return True
    if lineage & {"ABC", "ABCMeta", "Protocol"} and not families.overrides(owner.name, node.name):
        return True
    return families.is_overridden(owner.name, node.name)


def _plain(qualname: str) -> str:
    """Without the number that a second definition of a name gets."""
    return re.sub(r"@\d+$", "", qualname)


def _is_alternative(function: Function, source: str) -> bool:
    """Whether the name is bound elsewhere in the file, too, or for type checkers only: ``if``, ``try``, overloads."""
    tree = parse(source)
    if isinstance(function.top, ast.If) and "TYPE_CHECKING" in ast.dump(function.top.test):
        return True
    same = [other for other in functions(source) if _plain(other.qualname) == _plain(function.qualname)]
    if any(not is_declaration(other) and not empty_kind(other.node) for other in same):
        return True
    name = function.classes[0].name if function.classes else function.node.name
    bound = 0
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            bound += sum((alias.asname or alias.name) == name for alias in statement.names)
    inside = {id(part) for part in ast.walk(function.top)}
    for statement in tree.body:
        for part in ast.walk(statement):
            if isinstance(part, ast.Assign) and id(part) not in inside:
                bound += sum(isinstance(target, ast.Name) and target.id == name for target in part.targets)
    return bound > 0 and bool(not function.classes or isinstance(function.top, ast.Try | ast.If))
