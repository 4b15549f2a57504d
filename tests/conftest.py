"""Fixtures of every test: an LM that writes the reference solution, and a small project."""

from __future__ import annotations

import ast
import os
import re
import signal
import sysconfig
import tempfile
import textwrap
import threading
import time
import venv
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from blampert_env.lm.scripted import ScriptedLM
from blampert_env.projects import bundled_projects, load_solution
from blampert_env.resources import cache_dir
from blampert_env.telemetry import StepEvent
from blampert_env.workspace import Workspace
from blampert_env.workspace.create import CreateReport, copy_projects, make_layout
from blampert_env.workspace.folders import project_folders
from blampert_env.workspace.venv import requirements_key, write_stamp
from tests.processes import evaluations_alive, processes_of
from tests.redis_server import RedisServer


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C count: a shell starts background jobs, such as CI's, with SIGINT ignored, and children inherit it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


_ASKED = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)


def solutions() -> dict[str, str]:
    """Function name -> dedented source, over every bundled project's reference solution."""
    found: dict[str, str] = {}
    for path in bundled_projects().values():
        for text in load_solution(path).values():
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef) and node.name != "__init__":
                    found[node.name] = textwrap.dedent("\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno]))
    return found


class Solver:
    """Answers every prompt with the reference solution of the function asked for; picklable."""

    def __init__(self) -> None:
        self.answers = solutions()

    def __call__(self, messages: list[dict[str, str]], draw: int) -> str:
        """The last user message holds the stub first."""
        asked = [message["content"] for message in messages if message["role"] == "user"][-1]
        found = _ASKED.search(asked)
        assert found, asked
        return f"```python\n{self.answers.get(found.group(1), 'pass')}\n```"


@pytest.fixture(scope="session")
def solver_lm() -> ScriptedLM:
    """An LM (scripted, for unit tests only) that always knows."""
    return ScriptedLM(Solver())


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Path]:
    """Writes a project folder from file names to texts."""

    def write(name: str = "tiny", **files: str) -> Path:
        folder = tmp_path / name
        defaults = {
            "tiny.py": 'def double(x):\n    """Return twice x."""\n    # TODO: implement\n    return None\n',
            "test_tiny.py": "from tiny import double\n\n\ndef test_double():\n    assert double(2) == 4\n",
        }
        for path, text in (files or defaults).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return folder

    return write


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, without a workspace; the cache of weights stays where it is."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("BLAMPERT_CACHE", str(cache_dir()))
    monkeypatch.setenv("HOME", str(folder))
    for name in [name for name in os.environ if name.startswith("BLAMPERT_") and name != "BLAMPERT_CACHE"]:
        monkeypatch.delenv(name)
    return folder


def lend_venv(workspace: Workspace) -> None:
    """A real virtual environment in 0.1 s: without pip, seeing the packages of the interpreter that runs the tests."""
    venv.EnvBuilder(with_pip=False, symlinks=True).create(workspace.venv)
    site = next(workspace.venv.glob("lib/python*/site-packages"))
    (site / "lent.pth").write_text(f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n")
    keys = {name: requirements_key(folder) for name, folder in project_folders(workspace).items()}
    write_stamp(workspace, {"path": os.path.realpath(workspace.venv), "requirements": keys})


def make_workspace(folder: Path) -> Workspace:
    """What ``create`` makes, with a lent virtual environment."""
    workspace = Workspace(folder)
    workspace.data.mkdir(parents=True)
    report = CreateReport(workspace, existed=False)
    make_layout(workspace, report)
    copy_projects(workspace, report)
    lend_venv(workspace)
    return workspace


@pytest.fixture(name="lend_venv")
def fixture_lend_venv() -> Callable[[Workspace], None]:
    """Gives a workspace a virtual environment that counts as complete, without pip."""
    return lend_venv


@pytest.fixture
def workspace(home: Path) -> Workspace:
    """A workspace at the default place."""
    return make_workspace(home / ".blampert_workspace")


@pytest.fixture(autouse=True)
def reports(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports of earlier test runs must not stand in for this one's."""
    folder = tmp_path_factory.getbasetemp() / "reports"
    monkeypatch.setattr("blampert_env.grading.grader.cache_dir", lambda: folder)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this test's graders keep their folders; checked to be empty and without processes at the end."""
    folder = tmp_path / "scratch-of-graders"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []
    deadline = time.monotonic() + 1  # a killed process is visible until it is reaped
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert processes_of(folder) == []
    assert evaluations_alive() == []


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of these tests."""


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[BaseHTTPRequestHandler], None]], str]]:
    """``serve(handle)`` starts an HTTP server on loopback and gives its address; ``handle`` answers GET and POST."""
    running: list[ThreadingHTTPServer] = []

    def start(handle: Callable[[BaseHTTPRequestHandler], None]) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                handle(self)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real redis-server that tests share; each uses a prefix of its own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.kill()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A running redis-server that this test may kill and start again."""
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def step_event() -> Callable[..., StepEvent]:
    """Make a step event; name only the fields that matter."""

    def make(**changes: Any) -> StepEvent:
        values: dict[str, Any] = {
            "run_id": "run-1",
            "env_id": "Blampert-Calculator-v0",
            "project": "calculator",
            "episode": 0,
            "iteration": 0,
            "worker": 0,
            "step": 0,
            "seed": 7,
            "target": "calculator.py::Calculator.add",
            "strategy": "direct",
            "outcome": "passed",
            "reward": 0.75,
            "reward_terms": {"progress": 1.0, "tokens": -0.25},
            "tests_passed": 3,
            "tests_total": 6,
            "accepted": True,
            "lm_calls": 1,
            "prompt_tokens": 120,
            "completion_tokens": 30,
            "cached": False,
            "lm_latency_s": 0.5,
            "grade_s": 0.1,
            "env_overhead_s": 0.0005,
            "diff": "--- a/calculator.py\n+++ b/calculator.py\n",
            "source": "def add(self, a, b):\n    return a + b  # ä→\n",
            "model": "embedded/qwen2.5-coder-0.5b",
            "terminated": False,
            "truncated": False,
            "wall_time": 1_700_000_000.25,
        }
        return StepEvent(**(values | changes))

    return make
