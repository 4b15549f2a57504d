"""A project's files by what they are for, and the targets among them: the steps of ``Project.from_files``."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from blampert_env.errors import ProjectError
from blampert_env.projects.collection import Collector
from blampert_env.projects.configuration import PytestConfig
from blampert_env.projects.contents import as_bytes, as_text
from blampert_env.projects.meant import may_ask, meant_targets
from blampert_env.projects.modules import Modules, tests_own
from blampert_env.projects.named import named_targets, paths_in
from blampert_env.projects.packaging import import_roots, is_requirements
from blampert_env.projects.relevance import Suite
from blampert_env.projects.settings import Settings
from blampert_env.projects.syntax import FunctionNode, check_compiles, last_name, parse, tree_of
from blampert_env.projects.target import Target, find_targets

_NEVER_SOURCES = {"conftest.py", "setup.py", "noxfile.py", "fabfile.py", "sitecustomize.py", "usercustomize.py"}
_TEST_FOLDERS = {"test", "tests"}
# Python files there are sources only if they hold targets.
_SIDE_FOLDERS = {"testing", "docs", "doc", "benchmarks", "benchmark", "bench", "examples", "example", "asv_bench"}
_SCRIPT_FOLDERS = {"scripts", "tools", "ci"}  # unless they are packages
_SIDE_NAMES = {"test.py", "tests.py"}
_PACKAGING = {"pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "tox.toml", "noxfile.py", "Pipfile"}
_EXAMPLE = re.compile(r"^\s*>>> ", re.MULTILINE)
_DYNAMIC = re.compile(r"pytest_plugins|import_module|__import__|importorskip|find_spec|run_module")
_ANY = {"*.py", "*"}
_BIG = 1_000_000


@dataclass(slots=True)
class Parts:
    """The files of a project by kind, while it is being read.

    Attributes:
        sources: Editable Python files, path to text.
        tests: Files that pytest collects as tests.
        support: All others.
        doctests: Paths of files with doctests that pytest collects.
        shared: Sources without targets that tests import, too.
        side: Sources that look like the tests' or the documentation's own, unless they hold targets.
        broken: Python files that cannot be read, path to what is wrong.
        roots: Folders that an editable install puts on the path.
    """

    sources: dict[str, str] = field(default_factory=dict)
    tests: dict[str, str] = field(default_factory=dict)
    support: dict[str, bytes] = field(default_factory=dict)
    doctests: tuple[str, ...] = ()
    shared: frozenset[str] = frozenset()
    side: set[str] = field(default_factory=set)
    broken: dict[str, str] = field(default_factory=dict)
    roots: tuple[str, ...] = (".",)

    def packaging(self) -> dict[str, bytes]:
        """Files that say what the project is and needs."""
        return {path: self.support[path] for path in self.support if path in _PACKAGING or is_requirements(path)}

    def suite(self, config: PytestConfig) -> Suite:
        """What the visible tests use."""
        conftests = {path: text for path, text in self.support.items() if _name(path) == "conftest.py"}
        return Suite(self.tests, conftests, config, self.doctest_texts(), self.python())

    def doctest_texts(self) -> dict[str, str]:
        """Files with doctests, path to text."""
        return {path: self.text(path) for path in self.doctests}

    def text(self, path: str) -> str:
        """A file as text."""
        for group in (self.sources, self.tests):
            if path in group:
                return group[path]
        return self.support[path].decode("utf-8", "replace")

    def python(self) -> set[str]:
        """Every Python file."""
        return {path for group in (self.sources, self.tests, self.support) for path in group if path.endswith(".py")}


def sort_files(files: Mapping[str, str | bytes], config: PytestConfig, settings: Settings, where: str) -> Parts:
    """Files by their names, by pytest's configuration and by whether they can be read at all.

    A Python file that is neither a test nor named in the settings refuses nothing: what cannot be read is support.

    Raises:
        ProjectError: A test, or a source with a TODO in it, is not UTF-8 or not Python.
    """
    parts = Parts()
    collector = Collector(config, settings.tests, files)
    named = paths_in(settings.targets)
    tests = {path for path in files if collector.is_test(path) and _holds_tests(path, files[path], config)}
    tested = {str(PurePosixPath(path).parent) for path in tests} - {"."}
    for path in sorted(files):
        if path in tests:
            parts.tests[path] = as_text(path, files[path])
            _check_syntax(path, parts.tests[path], where)
        elif path in named or _may_be_source(path, config):
            try:
                text = as_text(path, files[path])
                _check_syntax(path, text, where, is_source=True)
            except ProjectError as error:
                raw = as_bytes(files[path])
                asks = not settings.targets and not _is_beside(path, files) and may_ask(raw.decode("utf-8", "replace"))
                if path in named or asks:
                    raise
                parts.broken[path] = str(error)
                parts.support[path] = raw
                continue
            parts.sources[path] = text
            if path in _SIDE_NAMES or str(PurePosixPath(path).parent) in tested or _is_beside(path, files):
                parts.side.add(path)
        else:
            parts.support[path] = as_bytes(files[path])
    parts.support = dict(sorted(parts.support.items()))
    parts.doctests = _doctests(parts, collector)
    parts.roots = import_roots(parts.packaging(), parts.python())
    return parts


def _may_be_source(path: str, config: PytestConfig) -> bool:
    """Whether a file that pytest does not collect may hold code to work on: one that is named like a test does not."""
    *folders, name = PurePosixPath(path).parts
    if not name.endswith(".py") or name in _NEVER_SOURCES or _TEST_FOLDERS & set(folders):
        return False
    patterns = {*config.python_files, "test_*.py", "*_test.py"} - _ANY
    return not any(PurePosixPath(path).match(pattern) for pattern in patterns)


def _holds_tests(path: str, content: str | bytes, config: PytestConfig) -> bool:
    """Whether a file is one of tests where ``python_files`` is ``*.py``, so that pytest looks into the sources, too."""
    if not _ANY & set(config.python_files) or not _may_be_source(path, config):
        return True
    try:
        tree = parse(as_bytes(content).decode("utf-8", "replace"))
    except SyntaxError:  # pytest stumbles over it
        return True
    return any(
        config.is_test_class(node.name) or any(last_name(base).endswith("TestCase") for base in node.bases)
        if isinstance(node, ast.ClassDef)
        else isinstance(node, FunctionNode) and config.is_test_function(node.name)
        for node in tree.body
    )


def _is_beside(path: str, files: Collection[str]) -> bool:
    """Whether a file lies in a folder of documentation, examples or scripts."""
    top, *_ = folders = PurePosixPath(path).parts[:-1] or ("",)
    return bool(_SIDE_FOLDERS & set(folders)) or (top in _SCRIPT_FOLDERS and f"{top}/__init__.py" not in files)


def _check_syntax(path: str, text: str, where: str, is_source: bool = False) -> None:
    try:
        check_compiles(parse(text))
        if is_source:
            find_targets(path, text)
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise ProjectError(f"{path}{line} in {where}: {error.msg}: correct the syntax") from None
    except RecursionError:
        raise ProjectError(f"{path} in {where} is nested too deeply: simplify it") from None


def _doctests(parts: Parts, collector: Collector) -> tuple[str, ...]:
    found = []
    for group in (parts.sources, parts.tests, parts.support):
        for path, content in group.items():
            if len(content) < _BIG and path not in parts.broken and collector.may_hold_doctests(path):
                text = content if isinstance(content, str) else content.decode("utf-8", "replace")
                is_setup = _name(path) == "setup.py" and ("setuptools" in text or "distutils" in text)
                found += [path] if _EXAMPLE.search(text) and not is_setup else []
    return tuple(sorted(found))


def choose_targets(
    parts: Parts, config: PytestConfig, settings: Settings, solution: Mapping[str, str]
) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    """The targets, and ids of functions with a TODO that are none.

    Raises:
        ProjectError: A name in the settings stands for no function, or for several.
    """
    if settings.targets:
        return named_targets(settings.targets, parts.sources, (*parts.tests, *parts.support)), ()
    has_tests = bool(parts.tests or parts.doctests)
    evidence = (lambda targets: parts.suite(config).evidence(targets)) if has_tests else None
    is_package = any(path in parts.support or path in parts.sources for path in ("setup.py", "pyproject.toml"))
    meant = meant_targets(parts.sources, parts.side, _trees(parts).values(), solution, evidence, is_package=is_package)
    return meant.targets, meant.doubtful


def keep_what_is_the_tests(parts: Parts, config: PytestConfig, targets: tuple[Target, ...]) -> None:
    """Move what belongs to the tests from the sources to the support files, and note what both use."""
    trees = _trees(parts)
    working = {target.path for target in targets}
    tests = {*parts.tests, *(path for path in parts.support if path in trees and _is_of_tests(path))}
    dynamic = {path for path in trees if _DYNAMIC.search(parts.text(path))}
    modules = Modules(trees, (*parts.roots, *config.pythonpath), dynamic)
    own, shared = tests_own(modules, tests, parts.sources.keys(), working, parts.side)
    for path in own:
        parts.support[path] = parts.sources.pop(path).encode("utf-8")
    parts.support = dict(sorted(parts.support.items()))
    parts.shared = frozenset(shared)


def _is_of_tests(path: str) -> bool:
    return _name(path) == "conftest.py" or bool(_TEST_FOLDERS & set(PurePosixPath(path).parts[:-1]))


def _trees(parts: Parts) -> dict[str, ast.Module]:
    """Syntax trees of every Python file that parses."""
    trees = {path: parse(text) for path, text in (*parts.sources.items(), *parts.tests.items())}
    for path, content in parts.support.items():
        if path.endswith(".py") and path not in parts.broken:
            tree = tree_of(content.decode("utf-8", "replace"))
            if tree is not None:  # else it is a template, or data of a test
                trees[path] = tree
    return trees


def _name(path: str) -> str:
    return path.rpartition("/")[2]
