"""Source packages of known repositories: pinned, fetched as data, unpacked; and interpreters with their tests' needs.

What is pinned is in ``data/repositories.json``; everything is kept below ``$BLAMPERT_CACHE/repositories`` (or where
:func:`blampert_env.resources.cache_dir` says). Nothing here builds, installs or imports one of them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from blampert_env.resources import cache_dir

HERE = Path(__file__).resolve().parent
FETCH_S = 300


class SourceError(Exception):
    """One repository cannot be had; the message is one line."""


@dataclass(frozen=True)
class Pin:
    """A source package.

    Attributes:
        name: As the index knows it.
        version: Exactly.
        file: Name of the archive.
        sha256: Of the archive.
        licence: SPDX expression.
        requires: What its tests need beside pytest, pinned.
        tests: Files and folders that the repository itself gives pytest on its command line (tox.ini, a task file).
        addopts: Options that it gives there.
    """

    name: str
    version: str
    file: str
    sha256: str
    licence: str
    requires: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    addopts: tuple[str, ...] = ()


def pins() -> dict[str, Pin]:
    """Every pinned repository by name, in the file's order."""
    entries = json.loads((HERE / "data" / "repositories.json").read_text())
    return {entry["name"]: Pin(**{key: _frozen(value) for key, value in entry.items()}) for entry in entries}


def pinned(name: str) -> Pin:
    """An argparse type: a pinned repository by its name."""
    known = pins()
    if name not in known:
        raise argparse.ArgumentTypeError(f"no pin for {name}: choose from {', '.join(known)}")
    return known[name]


def _frozen(value: str | list[str]) -> str | tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else value


def archives(wanted: Sequence[Pin], folder: Path | None = None) -> dict[str, Path | SourceError]:
    """The archive of each, fetched if it is not in the folder, its SHA-256 checked; or why it is not to be had."""
    folder = folder or cache_dir() / "repositories"
    folder.mkdir(parents=True, exist_ok=True)
    absent = [pin for pin in wanted if not (folder / pin.file).is_file()]
    complaint = _fetch(absent, folder) if absent else ""
    return {pin.name: _checked(pin, folder, complaint) for pin in wanted}


def _fetch(wanted: Sequence[Pin], folder: Path) -> str:
    """What pip said, one line a package that it could not get."""
    command = [sys.executable, str(HERE / "pip_bytes.py"), str(folder)]
    command += [f"{pin.name}=={pin.version}" for pin in wanted]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=FETCH_S)
    except subprocess.TimeoutExpired:
        return f"not fetched within {FETCH_S} s"
    return done.stdout.strip() if done.returncode == 0 else (done.stderr.strip().splitlines() or ["pip failed"])[-1]


def _checked(pin: Pin, folder: Path, complaint: str) -> Path | SourceError:
    archive = folder / pin.file
    if not archive.is_file():
        said = [line for line in complaint.splitlines() if line.startswith(f"{pin.name}==")]
        return SourceError((said or [f"{pin.name}=={pin.version}: {complaint or f'the index has no {pin.file}'}"])[0])
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != pin.sha256:
        archive.unlink()
        return SourceError(f"{pin.file}: SHA-256 is {found}, pinned is {pin.sha256}; removed, run again to fetch it")
    return archive


def unpack(archive: Path, folder: Path) -> Path:
    """The archive's one top folder, written below the given one; links and paths that lead outside are refused.

    Raises:
        SourceError: It is no archive, or not of one folder.
    """
    try:
        with tarfile.open(archive) as file:
            file.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise SourceError(f"{archive.name}: {error}") from error
    tops = list(folder.iterdir())
    if len(tops) != 1 or not tops[0].is_dir():
        raise SourceError(f"{archive.name}: not one folder at its top")
    return tops[0]


def configure(root: Path, pin: Pin) -> None:
    """Write what the repository says on pytest's command line where a user of Blampert says it: in pyproject.toml."""
    path = root / "pyproject.toml"
    text = path.read_text() if path.is_file() else ""
    if pin.addopts:
        table = "[tool.pytest.ini_options]\n"
        text = text if table in text else f"{text}\n{table}"
        text = text.replace(table, f"{table}addopts = {json.dumps(pin.addopts)}\n")
    if pin.tests:
        text += f"\n[tool.blampert]\ntests = {json.dumps(pin.tests)}\n"
    if text:
        path.write_text(text)


def interpreter(requires: Sequence[str], python: str = sys.executable) -> str:
    """A virtual environment's Python with the pinned pytest and the requirements; made once.

    Raises:
        SourceError: It cannot be made.
    """
    constraints = HERE.parent / "constraints.txt"
    version = subprocess.run([python, "-c", "import sys; print(sys.version)"], capture_output=True, text=True).stdout
    key = hashlib.sha256("\n".join([version, constraints.read_text(), *sorted(requires)]).encode()).hexdigest()[:12]
    folder = cache_dir() / "repositories" / f"venv-{key}"
    inside = str(folder / "bin" / "python")
    if (folder / ".ready").is_file():
        return inside
    shutil.rmtree(folder, ignore_errors=True)
    install = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    for command in ([python, "-m", "venv", str(folder)], [*install, "-c", str(constraints), "pytest", *requires]):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            why = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise SourceError(f"no environment with {', '.join(requires) or 'pytest'}: {why}")
    (folder / ".ready").touch()
    return inside
