"""A folder of functions with tests as a project: those that its tests show to be wrong are to be repaired.

The wrong code stays where it is, and the functions are named in ``[tool.blampert] targets``: an episode starts from it.
Functions that are empty, such as all methods of a class skeleton, are to be written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from blampert_env.errors import ProjectError
from blampert_env.projects.files import read_folder, read_held_out, read_solution
from blampert_env.projects.importers.folder import checked_folder, write_project
from blampert_env.projects.importers.repository import Imported, Validate
from blampert_env.projects.importers.stubs import survey, with_settings
from blampert_env.projects.meant import differs
from blampert_env.projects.project import Project
from blampert_env.projects.syntax import functions
from blampert_env.projects.target import is_declaration

Run = Callable[[Project], Mapping[str, str]]


def import_functions(
    path: Path, destination: Path, *, run: Run, solution: Path | None = None, validate: Validate | None = None
) -> Imported:
    """Copy a folder as a project whose targets are its wrong functions.

    With a solution, those are wrong that it has with another body. Without one, all that a failing test mentions: it
    may mention several, of which one is wrong.

    Args:
        path: The folder, with sources and tests; nothing in it is changed.
        destination: The folder to make.
        run: Runs the visible tests of a project on its code as it is: test id to outcome.
        solution: A folder with right code, laid out as the sources are; ``solution/`` in the folder by default.
        validate: Given a project and its solution, runs the tests and says which targets are of no use.

    Returns:
        What came of it; ``is_validated`` only if there was a solution.

    Raises:
        ProjectError: A folder is none, the destination exists, the solution does not fit, or nothing is to be repaired.
        StorageError: The project cannot be written.
    """
    root = checked_folder(path, destination, "project")
    files, held_out = read_folder(root), read_held_out(root)
    seen = survey(files, str(root), beside=True)
    right = _solution(root, solution, seen.parts.sources)
    found = {one.id: one.function for one, _ in seen.found if not is_declaration(one.function)}
    tested = [name for name in found if name in seen.tested]
    if not tested:
        raise ProjectError(f"nothing to repair in {path}: its tests mention none of its functions")
    said_of = _said(_project(root.name, files, tested), run)
    refused: dict[str, str] = {}
    for name, function in found.items():
        if right and differs(function, right.get(name.partition("::")[0])):
            continue  # validated below, by what the tests reach
        reason = said_of.get(name, "is mentioned by no test")
        if reason or right:
            refused[name] = reason or "is as in the solution, or not in it"
    kept = [name for name in found if name not in refused]
    if kept and right and validate:
        said = validate(_project(root.name, files, kept), right).refused
        refused |= said
        kept = [name for name in kept if name not in said]
    if not kept:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in Counter(refused.values()).most_common())
        raise ProjectError(f"nothing to repair in {path}; its functions by reason: {reasons}")
    made = {**files, **held_out, "pyproject.toml": with_settings(files, kept)}
    made |= {f"solution/{file}": right[file].encode() for file in right}
    write_project(destination, made, root)
    return Imported(destination, Project.load(destination), tuple(kept), refused, bool(right and validate))


def _project(name: str, files: Mapping[str, bytes], targets: Sequence[str]) -> Project:
    return Project.from_files(name, {**files, "pyproject.toml": with_settings(files, targets)})


def _said(project: Project, run: Run) -> dict[str, str]:
    """Id of each target to why it is not wrong; "" if a failing test shows that it is.

    A test that mentions a function without code fails for that already, and shows nothing of the others.
    """
    said = dict.fromkeys((target.id for target in project.targets), "its tests pass")
    for test, outcome in run(project).items():
        if outcome in ("failed", "error", "missing"):
            mentioned = project.mentioned_by(test)
            empty = {name for name in mentioned if not project.target(name).is_attempt}
            for name in mentioned:
                if name in (empty or mentioned):
                    said[name] = ""
                elif said[name]:
                    said[name] = "fails only tests of functions that are not written"
    return said


def _solution(root: Path, given: Path | None, sources: Mapping[str, str]) -> dict[str, str]:
    """The right code of sources, path to text; empty if there is none.

    Raises:
        ProjectError: A folder was given that has none of the sources, or a file of it is not Python.
    """
    base = (given or root / "solution").expanduser()
    if given and not base.is_dir():
        raise ProjectError(f"{given} is no folder: give the one that holds the right code")
    right = {path: text for path, text in read_solution(base).items() if path in sources}
    if given and not right:
        raise ProjectError(f"{given} has no file of {root}: lay it out as that is, such as {next(iter(sources))}")
    for path, text in right.items():
        try:
            functions(text)
        except SyntaxError as error:
            raise ProjectError(f"{base / path} is not Python ({error.msg}, line {error.lineno}): correct it") from None
    return right
