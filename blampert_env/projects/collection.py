"""Which files pytest collects: its own rules on names and folders, applied to a list of paths.

A static picture, for prompts, protection and refusal; when tests run, pytest itself collects. What a conftest says
while it runs (``collect_ignore``) is not seen here.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch, fnmatchcase

from blampert_env.projects.configuration import PytestConfig


class Collector:
    """pytest's rules for one project.

    Args:
        config: Its configuration.
        arguments: Files and folders given on the command line beside those in ``addopts``.
        paths: The project's files.
    """

    def __init__(self, config: PytestConfig, arguments: Sequence[str], paths: Iterable[str]) -> None:
        self._config = config
        known = sorted(paths)
        given = [posixpath.normpath(word.split("::")[0]) for word in (*arguments, *config.options.arguments)]
        if not given:
            given = [path for pattern in config.testpaths for path in _matching(pattern, known)]
        self._starts = tuple("" if start == "." else start for start in given) or ("",)

    def is_test(self, path: str) -> bool:
        """Whether pytest collects a file as one of tests."""
        if not path.endswith(".py"):
            return False
        return path in self._starts or (self._is_reached(path) and _any(path, self._config.python_files))

    def may_hold_doctests(self, path: str) -> bool:
        """Whether pytest looks for examples in a file."""
        options = self._config.options
        if path.endswith(".py"):
            wanted = options.doctest_modules and posixpath.basename(path) != "__main__.py"
        else:
            given = path in self._starts and path.endswith((".txt", ".rst"))
            wanted = given or _any(path, options.doctest_globs or ("test*.txt",))
        return wanted and (path in self._starts or self._is_reached(path))

    def _is_reached(self, path: str) -> bool:
        """Whether pytest comes to a file from one of the places it starts at."""
        for start in self._starts:
            if not start or path.startswith(f"{start}/"):
                below = path[len(start) + 1 :] if start else path
                parts = below.split("/")
                steps = [posixpath.join(start, *parts[: n + 1]) for n in range(len(parts))]
                if not any(self._is_left_out(step) for step in steps) and not any(
                    _any(step, self._config.norecursedirs) for step in steps[:-1]
                ):
                    return True
        return False

    def _is_left_out(self, path: str) -> bool:
        options = self._config.options
        if any(posixpath.normpath(ignored) == path for ignored in options.ignore):
            return True
        return any(fnmatch(path, posixpath.normpath(pattern)) for pattern in options.ignore_glob)


def _any(path: str, patterns: Iterable[str]) -> bool:
    """As ``fnmatch_ex``: a pattern with a slash is about the whole path, one without about its last part."""
    return any(
        fnmatchcase(f"/{path}", f"*/{pattern}") if "/" in pattern else fnmatchcase(posixpath.basename(path), pattern)
        for pattern in patterns
    )


def _matching(pattern: str, paths: Iterable[str]) -> list[str]:
    """Files and folders that a glob of ``testpaths`` names."""
    parts = posixpath.normpath(pattern).split("/")
    if parts == ["."]:
        return ["."]
    found: dict[str, None] = {}
    for path in paths:
        names = path.split("/")
        for end in range(1, len(names) + 1):
            if _fits(names[:end], parts):
                found["/".join(names[:end])] = None
    return [path for path in found if not any(path.startswith(f"{other}/") for other in found)]


def _fits(names: Sequence[str], parts: Sequence[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        return any(_fits(names[skip:], parts[1:]) for skip in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _fits(names[1:], parts[1:])
