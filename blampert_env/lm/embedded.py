"""One llama.cpp server for every process that uses the same weights.

A registry file under ``cache_dir()/run`` holds the address; a file lock lets one process start the server while the
others wait. The server lives as long as the process that started it; after that, the next one to ask starts another.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from blampert_env.errors import LMUnavailable, StorageError
from blampert_env.lm.cores import usable_cores
from blampert_env.resources import cache_dir

START_TIMEOUT_S = 180.0
_PROBE_TIMEOUT_S = 3.0

_started: dict[str, subprocess.Popen[str]] = {}
_lock = threading.RLock()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens.

    Attributes:
        url: ``http://127.0.0.1:<port>``.
        key: Bearer token it wants.
        pid: The server's process.
    """

    url: str
    key: str
    pid: int


def slots() -> int:
    """Requests served at once: one for each four cores, at most four.

    On two cores more slots give no more tokens (1, 2, 4 slots: 44, 39, 42 tokens/s), and only with one slot does a
    request's text not depend on what else is being generated.
    """
    return max(1, min(4, usable_cores() // 4))


def connect(weights: Path, *, model: str, context: int) -> Endpoint:
    """The running server for these weights; starts one if there is none.

    Args:
        weights: A GGUF file.
        model: Name the server reports.
        context: Tokens for prompt and answer of one request.

    Raises:
        LMUnavailable: The server did not come up; its log is named.
        StorageError: The registry cannot be written.
    """
    from filelock import FileLock, Timeout

    run = cache_dir() / "run"
    path = run / f"{_server_id(weights, context)}.json"
    with _lock:
        if endpoint := _registered(path):
            return endpoint
        try:
            run.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock"), timeout=START_TIMEOUT_S):
                if endpoint := _registered(path):
                    return endpoint
                endpoint = _start(weights, model, context, path.with_suffix(".log"))
                _register(path, endpoint)
                return endpoint
        except Timeout as error:
            raise LMUnavailable(
                f"another process has been starting the embedded model for {START_TIMEOUT_S:.0f} s; "
                f"look at {path.with_suffix('.log')}"
            ) from error
        except OSError as error:
            raise StorageError(f"cannot write to {run}: {error.strerror or error}; set BLAMPERT_CACHE") from error


def stop_all() -> None:
    """End the servers that this process started; runs by itself at exit."""
    with _lock:
        for key, process in _started.items():
            _end(process)
            path = cache_dir() / "run" / f"{key}.json"
            with contextlib.suppress(OSError, ValueError):
                if json.loads(path.read_text())["pid"] == process.pid:
                    path.unlink()
        _started.clear()


def _server_id(weights: Path, context: int) -> str:
    """Names one server: the same file served in the same way."""
    stat = weights.stat()
    text = f"{weights.resolve()}\n{stat.st_size}\n{stat.st_mtime_ns}\n{context}\n{slots()}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _registered(path: Path) -> Endpoint | None:
    """The registered server, if it is there and answers."""
    try:
        endpoint = Endpoint(**json.loads(path.read_text()))
        os.kill(endpoint.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return endpoint if _answers(endpoint) else None


def _answers(endpoint: Endpoint) -> bool:
    """Whether it is our server (it takes the key), not another program on a port used before."""
    import httpx

    try:
        # trust_env=False: no proxy stands between us and loopback
        with httpx.Client(timeout=_PROBE_TIMEOUT_S, trust_env=False) as client:
            reply = client.get(f"{endpoint.url}/v1/models", headers={"Authorization": f"Bearer {endpoint.key}"})
            return reply.status_code == 200
    except httpx.TimeoutException:
        return True  # alive and busy: every core may be taken
    except httpx.HTTPError:
        return False


def _start(weights: Path, model: str, context: int, log: Path) -> Endpoint:
    settings = {
        "path": str(weights.resolve()),
        "model": model,
        "context": context,
        "slots": slots(),
        "threads": min(usable_cores(), 8),
        "key": secrets.token_urlsafe(24),
    }
    if old := _started.pop(log.stem, None):
        _end(old)  # it died, or it does not answer
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=server_environment(os.environ),
        )
    assert process.stdin is not None
    _started[log.stem] = process
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(settings) + "\n")
            process.stdin.flush()
        url = _read_url(process, log)
    except BaseException:
        _started.pop(log.stem, None)
        _end(process)
        raise
    return Endpoint(url, str(settings["key"]), process.pid)


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Waiting OpenMP threads spin briefly, then sleep.

    Measured on two cores: as fast as spinning when idle (44 tokens/s), four times as fast (17.8 against 3.9) where two
    other jobs hold the cores. Never spinning (``OMP_WAIT_POLICY=passive``) costs a third when idle.
    """
    return {**environ, "GOMP_SPINCOUNT": environ.get("GOMP_SPINCOUNT", "1000")}


def _read_url(process: subprocess.Popen[str], log: Path) -> str:
    """Wait for the server's one line, at most ``START_TIMEOUT_S``."""
    answer: list[str] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lambda out: answer.append(out.readline()), args=(process.stdout,), daemon=True)
    reader.start()
    reader.join(START_TIMEOUT_S)
    if not answer or not answer[0]:
        why = "ended while it loaded" if answer else f"did not answer within {START_TIMEOUT_S:.0f} s"
        tail = " / ".join(log.read_text(errors="replace").strip().splitlines()[-2:])[-300:]
        raise LMUnavailable(f"the embedded model {why} ({tail or 'no message'}); the log is {log}")
    return str(json.loads(answer[0])["url"])


def _register(path: Path, endpoint: Endpoint) -> None:
    """Write the registry file in one step, readable by this user only (it holds the key)."""
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(endpoint), file)
    os.replace(draft, path)


def _end(process: subprocess.Popen[Any]) -> None:
    """Ask (close stdin, terminate), then kill."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    process.terminate()
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _forget_after_fork() -> None:
    """A forked child connects by address; the server is its parent's to end."""
    global _lock
    _lock = threading.RLock()
    for process in _started.values():
        process.returncode = 0  # or its destructor would warn about a running child
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    os.close(stream.fileno())
    _abandoned.extend(_started.values())
    _started.clear()


_abandoned: list[subprocess.Popen[str]] = []
atexit.register(stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
