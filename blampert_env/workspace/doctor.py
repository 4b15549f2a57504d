"""What is wrong on this machine, and the command that mends each thing."""

from __future__ import annotations

import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from blampert_env.errors import BlampertError, ConfigError, LMUnavailable, UsageError
from blampert_env.resources import cache_dir
from blampert_env.workspace.config import AgentConfig, load_config
from blampert_env.workspace.folders import clashes, project_folders
from blampert_env.workspace.info import project_problem
from blampert_env.workspace.layout import FOLDERS, Workspace, create_command
from blampert_env.workspace.venv import problem

Level = Literal["ok", "note", "broken"]
_LOW_DISK, _NO_DISK = 2_000_000_000, 200_000_000


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at.

    Attributes:
        what: Its name.
        level: ``broken``: something that is needed does not work; ``note``: it works, but not as it could.
        text: One line on how it is.
        mend: What to type to mend it; empty where there is nothing to mend.
    """

    what: str
    level: Level
    text: str
    mend: str = ""


def examine(workspace: Workspace) -> Iterator[Diagnosis]:
    """Look at everything, in the order in which things depend on one another; nothing is changed or fetched."""
    config = AgentConfig()
    yield _python()
    yield _packages()
    yield _workspace(workspace)
    if workspace.exists:
        try:
            config = load_config(workspace)
            yield Diagnosis("settings", "ok", str(workspace.config_path))
        except ConfigError as error:
            yield Diagnosis(
                "settings", "broken", str(error), f"edit {workspace.config_path}, or blampert config unset KEY"
            )
        yield from _projects(workspace)
        yield _venv(workspace)
    yield _weights()
    yield _language_model(config.agent.model if workspace.exists else None)
    yield _redis(config.storage.redis_url)
    yield _sandbox(config.grading.isolation)
    yield from _disk(workspace)
    yield from _ports(config)


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


def _weights() -> Diagnosis:
    """The embedded model's file; it need not be there yet."""
    from blampert_env.lm.models import bundled_models
    from blampert_env.lm.weights import is_there, user_weights, weights_path

    try:
        if own := user_weights():
            return Diagnosis("weights", "ok", f"{own} (BLAMPERT_MODEL_PATH)")
    except UsageError as error:
        return Diagnosis("weights", "broken", str(error), "unset BLAMPERT_MODEL_PATH")
    spec = bundled_models().model(bundled_models().default)
    path = weights_path(spec)
    if is_there(spec):
        return Diagnosis("weights", "ok", f"{path} ({spec.size / 1e6:.0f} MB)")
    if path.exists():
        return Diagnosis(
            "weights", "note", f"{path} was not checked yet, or changed since", "blampert train (checks it)"
        )
    text = f"{spec.name} is not fetched yet ({spec.size / 1e6:.0f} MB, once)"
    return Diagnosis("weights", "note", text, "blampert train (fetches it)")


def _language_model(configured: str | None) -> Diagnosis:
    """What ``auto`` comes to: the configured model if it answers, else the embedded one."""
    import os
    from importlib.util import find_spec

    from blampert_env.lm import resolve

    name = configured or os.environ.get("BLAMPERT_MODEL") or "embedded"
    try:
        return Diagnosis("LM", "ok", resolve(name, pool=False).name)
    except LMUnavailable as error:
        why = str(error)
    except UsageError as error:
        return Diagnosis("LM", "broken", str(error), "blampert config set agent.model embedded")
    if find_spec("xllamacpp") is None:
        return Diagnosis(
            "LM", "broken", f"{why}; and xllamacpp, which runs the embedded one, is missing", "pip install xllamacpp"
        )
    mend = "blampert config set agent.model embedded (if that is the one you want), or do as it says"
    return Diagnosis("LM", "note", f"the embedded model stands in for {name}: {why}", mend)


def _redis(url: str | None) -> Diagnosis:
    if url is None:
        return Diagnosis("Redis", "ok", "not used (storage.redis_url is null)")
    from importlib.util import find_spec

    if find_spec("redis") is None:
        text = "storage.redis_url is set, but the package redis is missing"
        return Diagnosis("Redis", "broken", text, "pip install 'blampert[redis]'")
    import redis

    try:
        with redis.Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0) as client:
            client.ping()
            version = client.info("server").get("redis_version", "?")
    except (redis.RedisError, ValueError, OSError) as error:
        text = f"{url} does not answer ({error})"
        return Diagnosis("Redis", "broken", text, "start redis-server, or blampert config set storage.redis_url null")
    return Diagnosis("Redis", "ok", f"{url}, version {version}")


def _sandbox(isolation: str) -> Diagnosis:
    """The isolation layers that the grader has on this system."""
    from blampert_env.grading import make_grader
    from blampert_env.projects import Project, bundled_projects

    project = Project.load(next(iter(bundled_projects().values())))
    try:
        with make_grader(project, isolation=isolation) as grader:  # type: ignore[arg-type]
            layers = grader.layers
    except BlampertError as error:
        return Diagnosis("sandbox", "broken", str(error), "blampert config set grading.isolation default")
    text = ", ".join(layers)
    if isolation == "none":
        return Diagnosis("sandbox", "note", f"{text} (off)", "blampert config set grading.isolation default")
    if "pid-namespace" not in layers:
        allow = "allow user namespaces (sysctl -w kernel.unprivileged_userns_clone=1), or train in a virtual machine"
        return Diagnosis("sandbox", "note", f"{text}; no PID namespaces on this system", allow)
    return Diagnosis("sandbox", "ok", text)


def _disk(workspace: Workspace) -> Iterator[Diagnosis]:
    places = {"workspace": workspace.root, "cache": cache_dir()}
    for name, path in places.items():
        there = next(parent for parent in (path, *path.parents) if parent.exists())
        free = shutil.disk_usage(there).free
        text = f"{free / 1e9:.1f} GB free for the {name} ({path})"
        clean = (
            "blampert workspace clean" if name == "workspace" else "make room, or set BLAMPERT_CACHE to another disk"
        )
        level: Level = "broken" if free < _NO_DISK else "note" if free < _LOW_DISK else "ok"
        yield Diagnosis("disk", level, text, "" if level == "ok" else clean)


def _ports(config: AgentConfig) -> Iterator[Diagnosis]:
    """Whether monitor and stream could listen; that something does already may be a monitor of ours."""
    host = config.monitor.host
    ports = {"monitor.port": config.monitor.port}
    if config.streaming.enabled:
        ports["streaming.port"] = config.streaming.port
    for key, port in ports.items():
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family[0]) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(family[4])
        except OSError as error:
            text = f"{host}:{port} ({key}): {error.strerror or error}"
            mend = (
                f"end what listens there (a monitor that runs already is fine), or blampert config set {key} {port + 1}"
            )
            yield Diagnosis("port", "note", text, mend)
        else:
            yield Diagnosis("port", "ok", f"{host}:{port} ({key}) is free")


def worst(found: Iterator[Diagnosis], tell: Callable[[Diagnosis], None]) -> bool:
    """Tell each diagnosis as it comes; whether something needed is broken."""
    broken = False
    for diagnosis in found:
        tell(diagnosis)
        broken |= diagnosis.level == "broken"
    return broken
