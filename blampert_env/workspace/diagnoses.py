"""What a workspace leans on beyond its own folder, looked at: weights, language model, Redis, sandbox, disk, ports."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from blampert_env.errors import BlampertError, LMUnavailable, UsageError
from blampert_env.resources import cache_dir
from blampert_env.workspace.config import AgentConfig
from blampert_env.workspace.layout import Workspace

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


def weights() -> Diagnosis:
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


def language_model(configured: str | None) -> Diagnosis:
    """What ``auto`` comes to: the configured model if it answers, else the embedded one."""
    import os
    from importlib.util import find_spec

    from blampert_env.lm import resolve

    name = configured or os.environ.get("BLAMPERT_MODEL") or "embedded"
    try:
        model = resolve(name, pool=False).name
        if missing := _not_fetched(name, model):
            return Diagnosis(
                "LM", "note", f"{model}, {missing}: the first run fetches them", "blampert train (fetches them)"
            )
        return Diagnosis("LM", "ok", model)
    except LMUnavailable as error:
        why = str(error)
    except UsageError as error:
        return Diagnosis("LM", "broken", str(error), "blampert config set agent.model embedded")
    if find_spec("xllamacpp") is None:
        return Diagnosis(
            "LM", "broken", f"{why}; and xllamacpp, which runs the embedded one, is missing", "pip install xllamacpp"
        )
    mend = "blampert config set agent.model embedded (if that is the one you want), or do as it says"
    missing = ""
    with suppress(UsageError):  # a wrong BLAMPERT_MODEL_PATH: the diagnosis of the weights says so
        missing = _not_fetched("embedded", resolve("embedded", pool=False).name)
    stands_in = f"the embedded model{f', {missing},' if missing else ''} stands in for {name}"
    return Diagnosis("LM", "note", f"{stands_in}: {why}", mend)


def _not_fetched(asked: str, model: str) -> str:
    """Words on an embedded model whose weights are still to be fetched; empty for any other."""
    from blampert_env.lm.models import bundled_models
    from blampert_env.lm.weights import user_weights, weights_path

    kind, _, name = model.partition("/")
    if kind != "embedded" or (asked == "embedded" and user_weights()):
        return ""
    spec = bundled_models().model(name)
    if weights_path(spec).exists():
        return ""
    return f"whose weights ({spec.size / 1e6:.0f} MB) are not here yet"


def redis_server(url: str | None) -> Diagnosis:
    """Whether the Redis of the settings answers; none is fine."""
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


def sandbox(isolation: str) -> Diagnosis:
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


def disk(workspace: Workspace) -> Iterator[Diagnosis]:
    """Room for the workspace and for the cache of weights and samples."""
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


def ports(config: AgentConfig) -> Iterator[Diagnosis]:
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
