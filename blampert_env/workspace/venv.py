"""The workspace's virtual environment: the interpreter that the projects' tests run in.

It is made with the running Python, holds pip and pytest and what the projects' requirements.txt name, and nothing of
Blampert itself. A file inside says where it was made and whose requirements it holds, so that a workspace that was
moved, a kill in the middle and a requirement that was added are noticed, and mended by :func:`ensure`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blampert_env.atomic import atomic_write_text
from blampert_env.errors import StorageError, UsageError
from blampert_env.workspace import pip
from blampert_env.workspace.layout import Workspace, create_command

_STAMP = ".blampert.json"
_TESTS_NEED = "pytest>=8.3"
Say = Callable[[str], None]


@dataclass(slots=True)
class VenvReport:
    """What :func:`ensure` did.

    Attributes:
        built: Why it was made anew; None if it was not.
        installed: ``"pytest 9.2.0"``, ... in the order pip names them.
        lost: Packages of the old one that no project asks for; they were not installed again.
        failed: Project to one line on why its requirements could not be installed.
        seconds: Wall-clock time.
    """

    built: str | None = None
    installed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def problem(workspace: Workspace, projects: Mapping[str, Path], *, moved_matters: bool = True) -> str | None:
    """Why the tests of ``projects`` cannot run in the virtual environment: one line with the command that mends it.

    Args:
        workspace: Which.
        projects: Name to folder of the projects whose requirements must be there.
        moved_matters: Whether one that was moved counts as broken; its python runs, its scripts do not.

    Returns:
        None if it is fine.
    """
    wrong = _broken(workspace)
    if wrong and (moved_matters or not wrong.startswith("was moved")):
        return f"{workspace.venv} {wrong}: mend it with `{create_command(workspace)}`"
    pending = _pending(workspace, projects)
    if pending:
        names = ", ".join(pending)
        return f"{workspace.venv} lacks the requirements of {names}: install them with `{create_command(workspace)}`"
    return None


def ensure(workspace: Workspace, projects: Mapping[str, Path], say: Say = lambda line: None) -> VenvReport:
    """Make the virtual environment if it is missing or broken, and install what the projects require.

    Several processes may ask at once: one works, the others wait. What is up to date is left alone.

    Args:
        workspace: Which.
        projects: Name to folder of the projects whose requirements are installed.
        say: Called with a line before something that takes time.

    Raises:
        UsageError: ``venv/`` is something that is not ours to replace.
        StorageError: It cannot be written.
    """
    started = time.perf_counter()
    report = VenvReport()
    if problem(workspace, projects) is None:
        return report
    try:
        workspace.data.mkdir(parents=True, exist_ok=True)
        with workspace.lock("venv", timeout_s=600.0):
            report.built = _broken(workspace)
            if report.built:
                _build(workspace, report, say)
            _install(workspace, _pending(workspace, projects), report, say)
    except OSError as error:
        raise StorageError(f"cannot make {workspace.venv}: {error.strerror or error}; make room there") from error
    report.seconds = time.perf_counter() - started
    return report


def require_venv(workspace: Workspace, projects: Mapping[str, Path], say: Say) -> str:
    """As :func:`ensure`, and every requirement must be there.

    Returns:
        Path of the interpreter.

    Raises:
        UsageError: The requirements of a project cannot be installed.
        StorageError: As for :func:`ensure`.
    """
    report = ensure(workspace, projects, say)
    for why in report.failed.values():
        raise UsageError(why)
    if report.installed:
        say(f"installed {', '.join(report.installed)} in {workspace.venv}")
    return str(workspace.python)


def _broken(workspace: Workspace) -> str | None:
    """Why the virtual environment must be made anew; None if it need not."""
    if not workspace.venv.exists():
        return "is missing"
    if not workspace.python.exists():
        return "has no interpreter any more"
    stamp = _read_stamp(workspace)
    if stamp is None:
        return "was not finished"
    if stamp.get("path") != os.path.realpath(workspace.venv):
        return f"was moved here from {stamp.get('path')}"
    return None


def _pending(workspace: Workspace, projects: Mapping[str, Path]) -> dict[str, Path]:
    """Projects whose requirements.txt is not the one that was installed."""
    installed = (_read_stamp(workspace) or {}).get("requirements", {})
    return {name: folder for name, folder in projects.items() if installed.get(name) != requirements_key(folder)}


def _build(workspace: Workspace, report: VenvReport, say: Say) -> None:
    """Remove what is there and make a new one; without the stamp until pytest is in it."""
    import subprocess
    import venv

    if workspace.venv.is_symlink() or (workspace.venv.exists() and not workspace.venv.is_dir()):
        raise UsageError(f"{workspace.venv} is no folder of this workspace: remove it and try again")
    before = pip.installed(workspace.venv)
    if workspace.venv.exists():
        shutil.rmtree(workspace.venv)
    say("making venv/ with pip and pytest")
    try:
        # symlinks: the interpreter is the running one's, so that nothing of it is copied
        venv.EnvBuilder(with_pip=True, symlinks=True).create(os.path.realpath(workspace.venv))
    except subprocess.CalledProcessError as error:
        last = (error.output or b"").decode(errors="replace").strip().splitlines()[-1:]
        raise UsageError(
            f"Python cannot make a virtual environment ({' '.join(last) or error}): install its venv and ensurepip "
            "modules (on Debian: apt install python3-venv)"
        ) from error
    result = pip.install(workspace.python, [_TESTS_NEED])
    if result.failure:
        raise UsageError(f"cannot install pytest in {workspace.venv}: {result.failure}; then `{_again(workspace)}`")
    report.installed += result.installed
    report.lost = sorted(set(before) - set(pip.installed(workspace.venv)))
    write_stamp(workspace, {"path": os.path.realpath(workspace.venv), "requirements": {}})


def _install(workspace: Workspace, pending: Mapping[str, Path], report: VenvReport, say: Say) -> None:
    """Install requirements, all at once so that they fit together; one by one if that fails, to say whose are wrong."""
    files = {name: folder / "requirements.txt" for name, folder in pending.items()}
    wanted = {name: path for name, path in files.items() if path.is_file()}
    if wanted:
        say(f"installing the requirements of {', '.join(wanted)}")
    result = pip.install(workspace.python, requirements=list(wanted.values()))
    report.installed += result.installed
    if result.failure:
        for name, path in wanted.items():
            one = pip.install(workspace.python, requirements=[path]) if len(wanted) > 1 else result
            report.installed += one.installed if len(wanted) > 1 else []
            if one.failure:
                report.failed[name] = f"cannot install {path}: {one.failure}; then `{_again(workspace)}`"
    stamp = _read_stamp(workspace) or {"path": os.path.realpath(workspace.venv), "requirements": {}}
    done = {name: requirements_key(folder) for name, folder in pending.items() if name not in report.failed}
    write_stamp(workspace, stamp | {"requirements": stamp["requirements"] | done})
    names = {line.rsplit(" ", 1)[0] for line in report.installed}
    report.lost = [line for line in report.lost if line.rsplit(" ", 1)[0] not in names]


def _again(workspace: Workspace) -> str:
    return create_command(workspace)


def requirements_key(folder: Path) -> str:
    """The same for the same requirements.txt, SHA-256 in hex; that of nothing where there is none."""
    try:
        content = (folder / "requirements.txt").read_bytes()
    except OSError:
        content = b""
    return hashlib.sha256(content).hexdigest()


def _read_stamp(workspace: Workspace) -> dict[str, Any] | None:
    try:
        stamp = json.loads((workspace.venv / _STAMP).read_bytes())
        return stamp if isinstance(stamp.get("requirements"), dict) else None
    except (OSError, ValueError, AttributeError):
        return None


def write_stamp(workspace: Workspace, content: Mapping[str, Any]) -> None:
    """Say where the virtual environment was made (``path``) and what it holds (``requirements``: project to key)."""
    atomic_write_text(workspace.venv / _STAMP, json.dumps(content, indent=2, sort_keys=True) + "\n")
