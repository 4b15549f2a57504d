"""What is wrong on this machine, and the command that mends each thing."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

from blampert_env.errors import ConfigError
from blampert_env.workspace.config import AgentConfig, load_config, read_file
from blampert_env.workspace.diagnoses import Diagnosis, disk, language_model, ports, redis_server, sandbox, weights
from blampert_env.workspace.folders import clashes, project_folders
from blampert_env.workspace.info import project_problem
from blampert_env.workspace.layout import FOLDERS, Workspace, create_command
from blampert_env.workspace.venv import problem


def examine(workspace: Workspace) -> Iterator[Diagnosis]:
    """Look at everything, in the order in which things depend on one another; nothing is changed or fetched."""
    yield _python()
    yield _packages()
    if not workspace.exists:
        yield _workspace(workspace)
        yield from _surroundings(workspace, AgentConfig(), None)
        return
    try:
        config = load_config(workspace)
    except ConfigError as error:
        yield _wrong_settings(workspace, error)
        for diagnosis in _without_settings(workspace):
            # nearly every command reads the settings
            first = "mend the settings first, then " if "blampert" in diagnosis.mend else ""
            yield replace(diagnosis, mend=first + diagnosis.mend)
        return
    yield _workspace(workspace)
    yield Diagnosis("settings", "ok", str(workspace.config_path))
    yield from _projects(workspace)
    yield _venv(workspace)
    yield from _surroundings(workspace, config, config.agent.model)


def _surroundings(workspace: Workspace, config: AgentConfig, model: str | None) -> Iterator[Diagnosis]:
    yield weights()
    yield language_model(model)
    yield redis_server(config.storage.redis_url)
    yield sandbox(config.grading.isolation)
    yield from disk(workspace)
    yield from ports(config)


def _without_settings(workspace: Workspace) -> Iterator[Diagnosis]:
    """What can be looked at while the settings cannot be read."""
    yield _workspace(workspace)
    yield from _projects(workspace)
    yield _venv(workspace)
    yield weights()
    yield Diagnosis("LM", "note", "not looked at, nor Redis and the ports: the settings name them", "blampert doctor")
    yield sandbox(AgentConfig().grading.isolation)
    yield from disk(workspace)


def _wrong_settings(workspace: Workspace, error: ConfigError) -> Diagnosis:
    """Advice that works in each case: most commands need settings that can be read."""
    path = workspace.config_path
    try:
        read_file(path)
    except ConfigError:
        mend = f"correct {path}"
        # where the folders are not beside it, it may be what says where they are
        if workspace.marker.is_file():
            mend += f"; begin anew otherwise: mv {path} {path}.broken; {create_command(workspace)}"
    else:
        mend = f"edit {path}, or blampert config unset KEY"
        if not str(error).startswith(str(path)):
            mend = f"unset {str(error).partition(':')[0]}"
    return Diagnosis("settings", "broken", str(error), mend)


def _python() -> Diagnosis:
    return Diagnosis("Python", "ok", f"{platform.python_version()} at {sys.executable}")


def _packages() -> Diagnosis:
    """The packages that Blampert requires, by version."""
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    try:
        lines = requires("blampert") or []
    except PackageNotFoundError:
        return Diagnosis(
            "packages", "note", "Blampert runs from a source tree that was not installed", "pip install -e ."
        )
    wrong = []
    needed = [
        need for line in lines if (need := Requirement(line)).marker is None or need.marker.evaluate({"extra": ""})
    ]
    for need in needed:
        try:
            have = version(need.name)
        except PackageNotFoundError:
            wrong.append(f"{need.name} (missing)")
            continue
        if not need.specifier.contains(have, prereleases=True):
            wrong.append(f"{need} (have {have})")
    if wrong:
        return Diagnosis("packages", "broken", ", ".join(wrong), "pip install --upgrade blampert")
    return Diagnosis("packages", "ok", f"{len(needed)} required packages in their ranges")


def _workspace(workspace: Workspace) -> Diagnosis:
    if not workspace.exists:
        what = f"{workspace} is not a workspace" if workspace.folder.exists() else f"none at {workspace}"
        return Diagnosis("workspace", "broken", what, create_command(workspace))
    missing = [f"{name}/" for name in FOLDERS if name != "venv" and not getattr(workspace, name).is_dir()]
    missing += [] if workspace.config_path.is_file() else [workspace.config_path.name]
    missing += [] if workspace.marker.is_file() else ["the marker in data/"]
    if missing:
        text = f"{workspace} lacks {', '.join(missing)}"
        return Diagnosis("workspace", "broken", text, create_command(workspace))
    return Diagnosis("workspace", "ok", str(workspace))


def _projects(workspace: Workspace) -> Iterator[Diagnosis]:
    folders = project_folders(workspace)
    wrong = {folder: line for folder in folders.values() if (line := project_problem(folder))}
    for folder, line in wrong.items():
        yield Diagnosis("project", "broken", line, f"correct it, then blampert project check {folder.name}")
    for folder, name in clashes(workspace).items():
        yield Diagnosis("project", "note", f"{folder} is left out: another folder is called {name}", f"rename {folder}")
    if not folders:
        yield Diagnosis("projects", "broken", f"none in {workspace.projects}", create_command(workspace))
    elif not wrong:
        yield Diagnosis("projects", "ok", ", ".join(folders))


def _venv(workspace: Workspace) -> Diagnosis:
    """Whether it is complete, and its interpreter starts and has pytest."""
    import subprocess

    wrong = problem(workspace, project_folders(workspace))
    if wrong is None:
        asked = [
            str(workspace.python),
            "-c",
            "import platform, pytest; print(platform.python_version(), pytest.__version__)",
        ]
        try:
            done = subprocess.run(asked, capture_output=True, text=True, errors="replace", timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            done = None
            wrong = f"{workspace.python} does not start ({error})"
        if done is not None and done.returncode == 0:
            python, pytest = done.stdout.split()
            return Diagnosis("venv", "ok", f"Python {python}, pytest {pytest}")
        if done is not None:
            wrong = f"{workspace.python} has no pytest ({(done.stderr.strip().splitlines() or ['no output'])[-1]})"
        return Diagnosis("venv", "broken", str(wrong), f"rm -r {workspace.venv}; {create_command(workspace)}")
    return Diagnosis("venv", "broken", wrong.split(": mend")[0].split(": install")[0], create_command(workspace))


def worst(found: Iterator[Diagnosis], tell: Callable[[Diagnosis], None]) -> bool:
    """Tell each diagnosis as it comes; whether something needed is broken."""
    broken = False
    for diagnosis in found:
        tell(diagnosis)
        broken |= diagnosis.level == "broken"
    return broken
