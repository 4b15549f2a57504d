"""What importers of problem sets share: a file's entries, a problem with its author's code, and what was refused."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blampert_env.errors import ProjectError
from blampert_env.projects.project import Project
from blampert_env.projects.syntax import functions, split_lines

_BETWEEN = re.compile(r"[\s,]*")
_MAX_BYTES = 64 * 2**20
SOURCE, TEST, HELD_OUT = "solution.py", "test_solution.py", "held_out/test_more_solution.py"
STUB = ("# TODO: implement", "raise NotImplementedError")  # the body of a function to write


@dataclass(frozen=True)
class Problem:
    """A problem as a project, and its author's code, path to text."""

    project: Project
    solution: Mapping[str, str]

    @classmethod
    def of(cls, name: str, stub: str, solution: str, *, shown: str, held_out: str) -> Problem:
        """One file to write, one of tests that are shown and one of others, which may be empty: then there is none.

        Raises:
            Refused: A project does not take them.
        """
        try:
            project = Project.from_files(
                name,
                {SOURCE: stub, TEST: shown},
                held_out={HELD_OUT: held_out} if held_out else None,
                solution={SOURCE: solution},
            )
        except ProjectError as error:
            raise Refused(f"is no project: {str(error).rpartition(': ')[2]}") from None
        return cls(project, {SOURCE: solution})

    def without(self, given: Collection[str]) -> Problem:
        """The problem with the author's code in place of some targets' stubs.

        Args:
            given: Ids of targets; not all of them.
        """
        sources = dict(self.project.sources)
        for path in {target.partition("::")[0] for target in given}:
            theirs = {one.qualname: one for one in functions(self.solution[path])}
            lines, written = list(split_lines(sources[path])), split_lines(self.solution[path])
            for stub in reversed(functions(sources[path])):
                if f"{path}::{stub.qualname}" in given:
                    function = theirs[stub.qualname]
                    lines[stub.first - 1 : stub.last] = written[function.first - 1 : function.last]
            sources[path] = "".join(lines)
        files: dict[str, str | bytes] = {**sources, **self.project.tests, **self.project.support}
        made = Project.from_files(
            self.project.name, files, held_out=dict(self.project.held_out), solution=dict(self.solution)
        )
        return Problem(made, self.solution)


@dataclass
class Problems:
    """What came of a problem set.

    Attributes:
        found: By name, in its order.
        refused: Why others are none, and how many of them.
    """

    found: dict[str, Problem] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)


class Refused(Exception):
    """A problem cannot be used; the message says why, without saying which."""


@dataclass(frozen=True)
class Format:
    """A published format.

    Attributes:
        name: What its problems are called.
        keys: What each entry has.
        files: The files that are published in it.
    """

    name: str
    keys: tuple[str, ...]
    files: str


def collect(
    entries: Iterator[Mapping[str, Any]],
    make: Callable[[Mapping[str, Any]], Problem],
    problems: Problems,
    limit: int | None = None,
) -> Problems:
    """Make entries into problems; what is none, or is there twice, is counted by reason.

    Args:
        entries: Of a file.
        make: Makes a problem of one, or raises :class:`Refused`.
        problems: Where they go.
        limit: The first so many only.
    """
    seen = set[str]()
    for entry in entries:
        if limit is not None and len(problems.found) >= limit:
            break
        try:
            problem = make(entry)
        except Refused as why:
            problems.refused[str(why)] += 1
            continue
        name, content = problem.project.name, problem.project.fingerprint
        if content in seen or name in problems.found:
            problems.refused["is there twice"] += 1
            continue
        seen.add(content)
        problems.found[name] = problem
    return problems


def read_problems(
    path: Path, format_: Format, make: Callable[[Mapping[str, Any]], Problem], limit: int | None
) -> Problems:
    """The problems in a file; what is wrong in it is counted by reason, and the rest taken.

    Raises:
        ProjectError: As :func:`read_entries`.
    """
    problems = Problems()
    return collect(read_entries(path, format_, problems.refused), make, problems, limit)


def read_entries(path: Path, format_: Format, refused: Counter[str]) -> Iterator[Mapping[str, Any]]:
    """The entries of a file: JSON lines, or one JSON list, which may be cut short.

    Args:
        path: The file.
        format_: What its entries are.
        refused: Counts what is no entry, while this is iterated over.

    Raises:
        ProjectError: The file cannot be read, or holds no entry of the format.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ProjectError(f"{path} has more than {_MAX_BYTES // 2**20} MB: give a file of {format_.name}'s")
        text = path.read_text("utf-8")
    except OSError as error:
        raise ProjectError(f"cannot read {path} ({error.strerror or error}): give {format_.files}") from None
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8: give {format_.files}") from None
    rows = list(_rows(text))
    if not any(isinstance(row, dict) and row.keys() >= set(format_.keys) for row in rows):
        keys = ", ".join(format_.keys)
        raise ProjectError(f"{path} holds no {format_.name} problem ({keys}): give {format_.files}")
    for row in rows:
        if isinstance(row, dict):
            yield row
        else:
            refused["is no JSON object"] += 1


def _rows(text: str) -> Iterator[Any]:
    try:
        whole = json.loads(text)
        yield from whole if isinstance(whole, list) else [whole]
        return
    except (ValueError, RecursionError):
        pass  # lines, or a list that is cut short
    if text.lstrip().startswith("["):
        yield from _of_cut_list(text)
        return
    for line in text.splitlines():
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield None


def _of_cut_list(text: str) -> Iterator[Any]:
    """The elements of a list up to where it is broken, and None for what is behind."""
    decoder, place = json.JSONDecoder(), text.index("[") + 1
    while True:
        between = _BETWEEN.match(text, place)
        try:
            row, place = decoder.raw_decode(text, between.end() if between else place)
        except (ValueError, RecursionError):
            yield None
            return
        yield row


def texts(value: Any) -> list[str]:
    """The strings of a list that say something, each once; none if it is no list."""
    found = [one.strip() for one in value if isinstance(one, str)] if isinstance(value, list) else []
    return [one for one in dict.fromkeys(found) if one]


def halves(tests: Sequence[str]) -> tuple[list[str], list[str]]:
    """Shown and held out: half of some tests by their hashes, in their order; an odd one is shown."""
    ranked = sorted(tests, key=lambda test: hashlib.sha256(test.encode("utf-8", "surrogatepass")).digest())
    held = set(ranked[: len(tests) // 2])
    return [test for test in tests if test not in held], [test for test in tests if test in held]
