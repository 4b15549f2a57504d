"""What pytest's ``addopts`` say of collection."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Options without a value, after which a bare word is an argument. Others that take none (``--cov-branch``) are told
# from those that do (``--cov pkg``) by nothing: their next word is taken for a value.
_FLAGS = {
    *("--doctest-modules", "--strict-markers", "--strict-config", "--strict", "--verbose", "--quiet", "--exitfirst"),
    *("--showlocals", "--no-header", "--no-summary", "--lf", "--ff", "--nf", "--pyargs", "--cache-clear"),
    *("--doctest-ignore-import-errors", "--doctest-continue-on-failure", "--full-trace", "--runxfail", "--no-cov"),
    *("--keep-duplicates", "--collect-in-virtualenv", "--disable-warnings", "--sw"),
}
_WITH_VALUE = {
    "--ignore": "ignore",
    "--ignore-glob": "ignore_glob",
    "--doctest-glob": "doctest_globs",
    "-o": "overrides",
    "--override-ini": "overrides",
    "-p": "plugins",
}


@dataclass(frozen=True, slots=True)
class Options:
    """The part of a command line of pytest that decides what is collected.

    Attributes:
        arguments: Files and folders.
        ignore: Paths that are left out.
        ignore_glob: Patterns of paths that are left out.
        doctest_modules: Whether doctests of Python files are collected.
        doctest_globs: Patterns of text files with doctests; empty for pytest's default, ``test*.txt``.
        overrides: ``name=value`` for the configuration.
        plugins: Names given with ``-p``.
    """

    arguments: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    ignore_glob: tuple[str, ...] = ()
    doctest_modules: bool = False
    doctest_globs: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()


NO_OPTIONS = Options()


def read_options(words: Sequence[str], paths: Iterable[str]) -> Options:
    """Read the words of ``addopts``.

    Args:
        words: Options and arguments, split.
        paths: The project's files: a bare word counts as an argument if it names one of them or a folder.
    """
    found: dict[str, list[str]] = {name: [] for name in _WITH_VALUE.values()}
    arguments: list[str] = []
    previous = ""
    for word in words:
        name, equals, value = word.partition("=")
        if previous in _WITH_VALUE:
            found[_WITH_VALUE[previous]].append(word)
            previous = ""
        elif equals and name in _WITH_VALUE:
            found[_WITH_VALUE[name]].append(value)
        elif word[:2] in ("-p", "-o") and len(word) > 2:
            found[_WITH_VALUE[word[:2]]].append(word[2:])
        elif not word.startswith("-") and (not previous or previous in _FLAGS or _is_short_flag(previous)):
            arguments.append(word)
        else:
            previous = word if word.startswith("-") and not equals else ""
    place = set(_with_folders(paths)) if arguments else set()
    return Options(
        arguments=tuple(word for word in arguments if posixpath.normpath(word.split("::")[0]) in place),
        doctest_modules="--doctest-modules" in words,
        **{name: tuple(values) for name, values in found.items()},
    )


def _is_short_flag(word: str) -> bool:
    """``-q``, ``-vv``, ``-rs``: flags, and ``-r`` with its value."""
    return not word.startswith("--") and (set(word[1:]) <= set("vqsxl") or (word[1] == "r" and len(word) > 2))


def _with_folders(paths: Iterable[str]) -> Iterable[str]:
    for path in paths:
        while path:
            yield path
            path = posixpath.dirname(path)
    yield "."
