"""Functions of a repository that can be made into stubs, and the stubs."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from blampert_env.errors import ProjectError
from blampert_env.projects.collection import Collector
from blampert_env.projects.configuration import read_configuration, read_toml
from blampert_env.projects.settings import Settings, read_settings
from blampert_env.projects.sorting import Parts, sort_files
from blampert_env.projects.syntax import (
    Function,
    docstring_node,
    functions,
    indent_of,
    is_main_guard,
    last_name,
    parse,
    split_lines,
)
from blampert_env.projects.target import Target, empty_kind, is_declaration, make_target

MIN_LINES, MAX_LINES = 3, 40
_HEADER = re.compile(r"^[ \t]*\[tool\.blampert\][ \t]*(?:#.*)?\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A function that can be stubbed."""

    path: str
    function: Function

    @property
    def id(self) -> str:
        """As the target will be called."""
        return f"{self.path}::{self.function.qualname}"


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is in a folder.

    Attributes:
        parts: Its files by kind.
        found: Functions of its sources, in file order, each with the target that it would be.
        tested: Ids of those that a test mentions.
    """

    parts: Parts
    found: list[tuple[Candidate, Target]]
    tested: set[str]


def survey(files: Mapping[str, bytes], where: str, *, beside: bool) -> Survey:
    """Look at a folder's functions and at what its tests mention.

    Args:
        files: The folder's.
        where: What it is called in messages.
        beside: Whether functions count that lie beside tests.

    Raises:
        ProjectError: There are no tests, a test cannot be read, or the folder is a project already.
    """
    settings = _settings(files)
    if settings.targets:
        raise ProjectError(f"{where} names targets in [tool.blampert] itself: it is a project already, use it as it is")
    config = read_configuration(files, settings.tests)
    # as if targets were named: the repository's own TODO comments are no reason to refuse a file
    parts = sort_files(files, config, replace(settings, targets=("*",)), where)
    if not parts.tests and not parts.doctests:
        raise ProjectError(
            f"no tests in {where}: pytest collects none; name its test files with pytest's python_files or testpaths"
        )
    found = [
        (Candidate(path, function), make_target(path, text, function, "named"))
        for path, text in parts.sources.items()
        if beside or path not in parts.side
        for function in functions(text)
    ]
    return Survey(parts, found, parts.suite(config).evidence([target for _, target in found]))


def candidates(files: Mapping[str, bytes], where: str) -> tuple[list[Candidate], dict[str, str]]:
    """What can be stubbed, in file order; and ids of the other functions, to the reason in a few words.

    Raises:
        ProjectError: As for :func:`survey`.
    """
    seen = survey(files, where, beside=False)
    able: list[Candidate] = []
    unable: dict[str, str] = {}
    for candidate, target in seen.found:
        reason = _unfit(candidate, seen.parts) or ("" if target.id in seen.tested else "is mentioned by no test")
        if reason:
            unable[candidate.id] = reason
        else:
            able.append(candidate)
    return able, unable


def _unfit(candidate: Candidate, parts: Parts) -> str:
    """Why a function is no good as a stub; empty if it is."""
    source, function = parts.sources[candidate.path], candidate.function
    node, docstring = function.node, docstring_node(function.node)
    if is_declaration(function):
        return "is abstract or an overload: there is nothing to write"
    if empty_kind(node):
        return "has no body"
    if "@" in function.qualname or f"{function.qualname}@2" in {other.qualname for other in functions(source)}:
        return "is a setter, or defined more than once"
    if docstring is None or len(node.body) < 2:
        return "has no docstring that says what to write" if docstring is None else "has no body"
    length = (node.body[-1].end_lineno or 0) - node.body[1].lineno + 1
    if not MIN_LINES <= length <= MAX_LINES:
        return f"has a body of {length} line{'s'[: length > 1]}, not of {MIN_LINES} to {MAX_LINES}"
    if docstring.end_lineno == node.body[1].lineno or docstring.lineno == node.lineno:
        return "has its body on the line of its docstring"
    if node.name in _used_at_import(source):
        return "is called while its module is imported"
    return ""


@lru_cache(maxsize=64)
def _used_at_import(source: str) -> frozenset[str]:
    """Names of what the module itself, a class body, a decorator or a default calls as it is loaded."""
    tree = parse(source)
    called = {last_name(node.func) for node in _loaded(tree.body) if isinstance(node, ast.Call)}
    for node in _loaded(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            called |= {last_name(decorator) for decorator in node.decorator_list}
    return frozenset(called)


def _loaded(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Nodes that run when a module is imported: everything but the bodies of functions."""
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.stmt) and is_main_guard(node):
            continue
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            todo += [*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)]
        elif not isinstance(node, ast.Lambda):
            todo += ast.iter_child_nodes(node)


def of_the_package(files: Mapping[str, bytes], able: Sequence[Candidate]) -> list[Candidate]:
    """Those in the package that the distribution is named after; all of them if there is none of its name."""
    text = files.get("pyproject.toml", b"").decode("utf-8", "replace").replace("\r\n", "\n")
    project = read_toml("pyproject.toml", text).get("project", {})
    name = re.sub(r"[-_.]+", "_", str(project.get("name", "")) if isinstance(project, dict) else "").lower()
    names = {name, name.removeprefix("python_"), name.removesuffix("_py")} - {""}
    return [one for one in able if names & set(one.path.lower().removesuffix(".py").split("/"))] or list(able)


def stubbed(content: bytes, chosen: Sequence[Function]) -> bytes:
    """A file with stubs in place of some functions: signature, decorators and docstring stay.

    Args:
        content: The file, UTF-8.
        chosen: Functions of it that have a docstring.
    """
    text = content.decode("utf-8")
    lines = list(split_lines(text))
    newline = "\r\n" if "\r\n" in text else "\n"
    for function in sorted(chosen, key=lambda one: -one.first):
        docstring = function.node.body[0]
        indent = indent_of(lines[docstring.lineno - 1])
        stub = f"{indent}raise NotImplementedError  # TODO: implement {function.node.name}{newline}"
        lines[docstring.end_lineno or docstring.lineno : function.last] = [stub]
    return "".join(lines).encode("utf-8")


def _settings(files: Mapping[str, bytes]) -> Settings:
    """The repository's own settings; where pytest finds no test, ``test.py`` and ``tests.py`` are tests."""
    settings = read_settings(files)
    config = read_configuration(files, settings.tests)
    collector = Collector(config, settings.tests, files)
    if settings.tests or config.options.doctest_modules or any(collector.is_test(path) for path in files):
        return settings
    return replace(settings, tests=tuple(name for name in ("test.py", "tests.py") if name in files))


def with_settings(files: Mapping[str, bytes], targets: Sequence[str]) -> bytes:
    """The pyproject.toml with the targets named in it, everything else as it was.

    Raises:
        ProjectError: The table cannot be added to the file, as it is written in an unusual way.
    """
    text = files.get("pyproject.toml", b"").decode("utf-8")
    lines = [f"targets = {json.dumps(list(targets), indent=4, ensure_ascii=False)}".replace('"\n]', '",\n]')]
    tests = _settings(files).tests
    if tests and not read_settings(files).tests:
        lines.insert(0, f"tests = {json.dumps(list(tests), ensure_ascii=False)}")
    added = "\n".join(lines) + "\n"
    header = _HEADER.search(text)
    if header:
        before, behind = text[: header.end()], text[header.end() :]
        made = f"{before}\n{added}" + behind.removeprefix("\n")
    else:
        made = f"{text.rstrip()}\n\n[tool.blampert]\n{added}".lstrip()
    try:
        after = tomllib.loads(made.replace("\r\n", "\n"))["tool"]["blampert"]["targets"]
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        after = None
    if after != list(targets):
        raise ProjectError("[tool.blampert] cannot be added to pyproject.toml: write its [tool] tables one by one")
    return made.encode("utf-8")
