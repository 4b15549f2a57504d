"""Reads a project's folder from disk: which files count, and the limits on them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from blampert_env.errors import ProjectError

# What real repositories stay below with their documentation and media; beyond it, a folder is no project.
MAX_FILES = 10_000
MAX_BYTES = 100_000_000

_IGNORED = {"__pycache__", "venv", "node_modules", "site-packages"}
_IGNORED_AT_TOP = {"held_out", "solution", "build", "dist", "htmlcov"}
# Hidden files are read, as tests and pytest may: .pytest.ini, .coveragerc, .version, data. Not these: secrets have no
# business beside code that a model wrote, and the others come and go by themselves.
_IGNORED_HIDDEN = re.compile(
    r"\.env(\..*)?|\.envrc|\.netrc|\.pypirc|\.npmrc|\.pgpass|\.git|\.git-credentials|\.DS_Store|\.coverage(\..*)?|"
    r"\..*\.sw[a-p]|\.#.*|\..*_history|\.nfs.*|\.testmondata.*|\.python-version"
)


def read_folder(root: Path) -> dict[str, bytes]:
    """Every file of a project that counts, without ``held_out/`` and ``solution/``.

    Raises:
        ProjectError: Too many files, too much in them, or one cannot be read.
    """
    return _read(root, _walk(root, root, _IGNORED_AT_TOP))


def read_held_out(root: Path) -> dict[str, bytes]:
    """The files under ``held_out/``, with that prefix; empty if there are none.

    Raises:
        ProjectError: As for :func:`read_folder`.
    """
    base = root / "held_out"
    return _read(root, _walk(root, base, set())) if base.resolve().is_relative_to(root.resolve()) else {}


def load_solution(root: Path) -> dict[str, str]:
    """The reference solution: Python files below ``solution/``, keyed like the sources they implement.

    Returns:
        Path relative to ``solution/`` to text; empty if the project has none.

    Raises:
        ProjectError: A file cannot be read or is not UTF-8.
    """
    return read_solution(root / "solution")


def read_solution(base: Path) -> dict[str, str]:
    """The Python files below a folder, keyed relative to it; as :func:`load_solution`."""
    solution = {}
    for path, content in _read(base, _walk(base, base, set())).items():
        if path.endswith(".py"):
            try:
                solution[path] = content.decode("utf-8")
            except UnicodeDecodeError:
                raise ProjectError(f"{base / path} is not UTF-8 text: save the file as UTF-8") from None
    return solution


def check_limits(contents: Iterable[str | bytes], where: str) -> None:
    """Refuse more than MAX_FILES files or MAX_BYTES bytes.

    Raises:
        ProjectError: There is more.
    """
    count = size = 0
    for content in contents:
        count, size = count + 1, size + len(content)
        if count > MAX_FILES or size > MAX_BYTES:
            raise _too_big(where)


def _too_big(where: str | Path) -> ProjectError:
    limit = f"{MAX_FILES:,} files or {MAX_BYTES // 1_000_000} MB"
    return ProjectError(f"{where} holds more than {limit}: give a folder with one project")


def _walk(root: Path, base: Path, ignored_here: set[str]) -> Iterator[Path]:
    """Regular files below ``base`` in a fixed order; links that leave ``root`` and linked folders are skipped."""
    for folder, folders, names in os.walk(base):
        here = Path(folder)
        ignored = _IGNORED | (ignored_here if here == base else set())
        folders[:] = sorted(
            name
            for name in folders
            if name not in ignored and not name.startswith(".") and not (here / name / "pyvenv.cfg").exists()
        )
        for name in sorted(names):
            path = here / name
            if _IGNORED_HIDDEN.fullmatch(name) or name.endswith((".pyc", ".pyo")) or not path.is_file():
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                continue
            yield path


def _read(root: Path, paths: Iterable[Path]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    size = 0
    for path in paths:
        try:
            size += path.stat().st_size
            if len(files) >= MAX_FILES or size > MAX_BYTES:
                raise _too_big(root)
            files[path.relative_to(root).as_posix()] = path.read_bytes()
        except OSError as error:
            raise ProjectError(f"cannot read {path}: {error.strerror}; check its permissions") from None
    return files
