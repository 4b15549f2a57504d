"""A repository of a real package as a project: some documented functions become stubs, their originals the reference.

The chosen functions are named in ``[tool.blampert] targets``, not only marked: a real repository is full of TODO
comments and empty hooks, and none of those is to become a target.
"""

from __future__ import annotations

import difflib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from blampert_env.errors import ProjectError
from blampert_env.projects.files import read_folder
from blampert_env.projects.importers.folder import checked_folder, write_project
from blampert_env.projects.importers.stubs import Candidate, candidates, of_the_package, stubbed, with_settings
from blampert_env.projects.project import Project

DEFAULT_COUNT = 3
_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Validation:
    """What running the tests said about stubs.

    Attributes:
        refused: Ids of targets that cannot be trained on, to the reason in a few words.
    """

    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import.

    Attributes:
        folder: Where the project lies.
        project: The project, read from there.
        targets: Ids of the functions that were stubbed.
        refused: Id (or the name that was asked for) to one line on why it was not.
        is_validated: Whether the tests were run.
    """

    folder: Path
    project: Project
    targets: tuple[str, ...]
    refused: Mapping[str, str]
    is_validated: bool


Validate = Callable[[Project, Mapping[str, str]], Validation]


def import_repository(
    path: Path,
    destination: Path,
    *,
    targets: Sequence[str] = (),
    count: int | None = None,
    seed: int = 0,
    validate: Validate | None = None,
) -> Imported:
    """Copy a repository as a project with stubs and their originals under ``solution/``.

    Functions can be chosen that have a docstring and a body of 3 to 40 lines, that are neither abstract nor an
    overload nor called while their module is imported, and that a test mentions.

    Args:
        path: The repository's folder, with the package and its tests; nothing in it is changed.
        destination: The folder to make.
        targets: Functions to stub: ``"pkg/mod.py::Class.method"``, or the last part where it is unique.
        count: How many to choose where none are named; 3 by default.
        seed: Of that choice.
        validate: Given a project and its reference solution, runs the tests and says which targets are of no use;
            those are put back, and where functions are chosen by count, others are tried.

    Raises:
        ProjectError: The folder is none, the destination exists, or nothing is left to write.
        StorageError: The project cannot be written.
    """
    root = checked_folder(path, destination, "repository")
    if count is not None and count < 1:
        raise ProjectError(f"cannot choose {count} functions: give a number from 1")
    files = read_folder(root)
    able, unable = candidates(files, str(root))
    refused: dict[str, str] = {}
    if targets:
        queue = [chosen for name in dict.fromkeys(targets) if (chosen := _by_name(name, able, unable, refused))]
        wanted = len(queue)
    else:
        able = of_the_package(files, able)
        queue = random.Random(seed).sample(able, len(able))
        wanted = min(len(queue), count or DEFAULT_COUNT)
    kept: list[Candidate] = []
    for _ in range(_ROUNDS):
        more = wanted - len(kept)
        if not more or not queue:
            break
        trial, queue = [*kept, *queue[:more]], queue[more:]
        said = _validation(root.name, files, trial, validate)
        refused |= {name: reason for name, reason in said.items() if name in {one.id for one in trial}}
        kept = [one for one in trial if one.id not in refused]
    if not kept:
        raise ProjectError(_nothing(path, refused))
    kept.sort(key=lambda one: (one.path, one.function.first))
    write_project(destination, _project_files(files, kept), root)
    project = Project.load(destination)
    return Imported(destination, project, tuple(one.id for one in kept), refused, validate is not None)


def _by_name(
    name: str, able: Sequence[Candidate], unable: Mapping[str, str], refused: dict[str, str]
) -> Candidate | None:
    """The candidate with this name; None, with a reason noted, if there is none."""
    found = [one for one in able if name in (one.id, one.id.rpartition("::")[2])]
    if len(found) == 1:
        return found[0]
    if found:
        refused[name] = f"is there {len(found)} times: name one of {', '.join(one.id for one in found[:4])}"
        return None
    known = [one for one in unable if name in (one, one.rpartition("::")[2])]
    if known:
        refused[name] = unable[known[0]]
        return None
    ids = [*(one.id for one in able), *unable]
    by_name = {key: one for one in reversed(ids) for key in (one, one.rpartition("::")[2])}
    close = difflib.get_close_matches(name, by_name, n=1, cutoff=0.5)
    refused[name] = "is not there" + (f": did you mean {by_name[close[0]]!r}?" if close else "")
    return None


def _project_files(files: Mapping[str, bytes], chosen: Sequence[Candidate]) -> dict[str, bytes]:
    """Every file of the project that stubs of these functions make, ``solution/`` included."""
    made = dict(files)
    for path in dict.fromkeys(one.path for one in chosen):
        made[f"solution/{path}"] = files[path]
        made[path] = stubbed(files[path], [one.function for one in chosen if one.path == path])
    made["pyproject.toml"] = with_settings(files, [one.id for one in chosen])
    return made


def _validation(
    name: str, files: Mapping[str, bytes], chosen: Sequence[Candidate], validate: Validate | None
) -> Mapping[str, str]:
    """Why some of the chosen cannot be used; where they cannot be graded together, each is tried alone."""
    project = Project.from_files(name, _project_files(files, chosen))
    if validate is None:
        return {}
    try:
        return validate(project, {one.path: files[one.path].decode("utf-8") for one in chosen}).refused
    except ProjectError as error:
        if len(chosen) == 1:
            return {chosen[0].id: f"cannot be graded: {error}"}
    return {id_: why for one in chosen for id_, why in _validation(name, files, [one], validate).items()}


def _nothing(path: Path, refused: Mapping[str, str]) -> str:
    if not refused:
        return (
            f"nothing to import from {path}: no function with a docstring and a body of 3 to 40 lines is mentioned by "
            "its tests"
        )
    name, reason = next(iter(refused.items()))
    more = f" ({len(refused) - 1} more were refused)" if len(refused) > 1 else ""
    return f"nothing to import from {path}: {name} {reason}{more}"
