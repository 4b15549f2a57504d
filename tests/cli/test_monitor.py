"""``blampert monitor`` and ``blampert dashboard`` as processes of their own."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from blampert_env.telemetry import ActionStore, StepEvent
from blampert_env.workspace.config import default_value
from blampert_env.workspace.layout import DEFAULT_FOLDER


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with one run in ``logs``; it is HOME, too, so that no workspace of the user's counts."""
    folder = tmp_path / "logs" / "thompson_1"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"algo": "thompson", "projects": ["calculator"]}))
    values = dict.fromkeys(
        ("run_id", "env_id", "project", "target", "strategy", "outcome", "diff", "source", "model"), "x"
    )
    numbers = dict.fromkeys(("episode", "iteration", "worker", "step", "seed", "tests_passed", "lm_calls"), 1)
    numbers |= dict.fromkeys(("prompt_tokens", "completion_tokens", "tests_total"), 2)
    seconds = dict.fromkeys(("reward", "lm_latency_s", "grade_s", "env_overhead_s", "wall_time"), 0.5)
    flags = dict.fromkeys(("accepted", "cached", "terminated", "truncated"), True)
    with ActionStore(folder / "actions.db") as store:
        event = {**values, **numbers, **seconds, **flags, "run_id": "thompson_1", "reward_terms": {}}
        store.write(StepEvent(**event))  # type: ignore[arg-type]
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "blampert_env.cli", *arguments]


def environment(home: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "COLUMNS": "100", **more}


def run(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=home, env=environment(home, **more), capture_output=True, text=True, timeout=60
    )


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    found = re.search(r"the page is at (\S+)", process.stdout.readline())
    assert found
    return found.group(1)


def test_once_prints_and_ends(home: Path) -> None:
    done = run(home, "monitor", "--once")
    assert (done.returncode, done.stderr) == (0, "")
    assert "thompson_1" in done.stdout
    assert "1 / 2 tests" in done.stdout


def test_without_a_run_it_says_how_to_start_one(tmp_path: Path) -> None:
    done = run(tmp_path, "monitor", "--once")
    assert done.returncode == 0
    assert "blampert train" in done.stdout


def test_it_serves_until_ctrl_c(home: Path) -> None:
    arguments = command("monitor", "thompson_1", "--port", "0")
    with subprocess.Popen(arguments, cwd=home, env=environment(home), stdout=subprocess.PIPE, text=True) as process:
        url = address(process)
        assert httpx.get(f"{url}api/runs").json()["current"] == "thompson_1"
        assert process.stdout is not None
        assert process.stdout.readline().startswith("thompson_1 (over): 1 steps")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_terminal_gets_a_live_view(home: Path) -> None:
    """In a real pseudo-terminal: the alternate screen opens, shows the run, and closes again."""
    leader, follower = pty.openpty()
    arguments = command("monitor", "--port", "0")
    more = {"TERM": "xterm-256color", "LINES": "40"}
    with subprocess.Popen(
        arguments, cwd=home, env=environment(home, **more), stdout=follower, stderr=follower, stdin=follower
    ) as process:
        os.close(follower)
        shown = b""
        deadline = time.monotonic() + 30
        while b"best so far" not in shown and time.monotonic() < deadline:
            shown += os.read(leader, 65536)
        process.send_signal(signal.SIGINT)
        try:
            while part := os.read(leader, 65536):
                shown += part
        except OSError:
            pass  # Linux tells the end of a pseudo-terminal by an error
        assert process.wait(20) == 130
    os.close(leader)
    assert b"\x1b[?1049h" in shown
    assert b"best so far" in shown
    assert b"\x1b[?1049l" in shown


def test_dashboard_opens_a_monitor_that_runs(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    arguments = command("monitor", "--port", port)
    with subprocess.Popen(arguments, cwd=home, env=environment(home), stdout=subprocess.PIPE, text=True) as process:
        url = address(process)
        done = run(home, "dashboard", "--port", port, "--no-browser")
        process.send_signal(signal.SIGINT)
    assert (done.returncode, done.stdout) == (0, f"blampert: the page is at {url}\n")


def test_dashboard_opens_the_browser(home: Path) -> None:
    """``BROWSER`` names the one to use; here it writes down what it was told to open."""
    (home / "browser").write_text(f'#!/bin/sh\necho "$1" > {home}/opened\n')
    (home / "browser").chmod(0o755)
    more = {"BROWSER": f"{home}/browser %s"}
    arguments = command("dashboard", "--port", "0")
    with subprocess.Popen(
        arguments, cwd=home, env=environment(home, **more), stdout=subprocess.PIPE, text=True
    ) as process:
        url = address(process)
        deadline = time.monotonic() + 20
        while not (home / "opened").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert httpx.get(url).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert (home / "opened").read_text().strip() == url


@pytest.mark.parametrize(
    ("arguments", "more", "said"),
    [
        (["thomson_1"], {}, "did you mean 'thompson_1'"),
        (["-f", "nowhere"], {}, "no log folder at nowhere"),
        (["--host", "192.0.2.1", "--port", "0"], {}, "cannot serve the dashboard at 192.0.2.1"),
        (["--port", "0"], {"BLAMPERT_MONITOR_TOKEN": "short"}, "at least 16 characters"),
        (["--port", "0"], {"BLAMPERT_WORKSPACE": "nowhere"}, "nowhere"),
    ],
)
@pytest.mark.parametrize("name", ["monitor", "dashboard"])
def test_bad_input_is_one_line_and_exit_code_2(
    name: str, arguments: list[str], more: dict[str, str], said: str, home: Path
) -> None:
    done = run(home, name, *arguments, *(["--no-browser"] if name == "dashboard" else []), **more)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_taken_port_is_one_line(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(home, "monitor", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "choose another --port" in done.stderr


def test_without_plotly_the_command_that_mends_it_is_named(home: Path) -> None:
    code = "import importlib.util, sys; found = importlib.util.find_spec\n"
    code += "importlib.util.find_spec = lambda name, *a: None if name == 'plotly' else found(name, *a)\n"
    code += "from blampert_env.cli import main; sys.exit(main(['monitor', '--port', '0']))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, env=environment(home), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr == "blampert: error: the dashboard needs plotly: pip install 'blampert[monitor]'\n"


@pytest.mark.parametrize("name", ["monitor", "dashboard"])
def test_the_defaults_that_help_tells_are_those_that_count(name: str, home: Path) -> None:
    told = " ".join(run(home, name, "--help").stdout.split())
    host, port = default_value("monitor.host"), default_value("monitor.port")
    assert f"(default: the setting monitor.host, {host} unless set)" in told
    assert f"(default: the setting monitor.port, {port} unless set; 0: any)" in told
    assert f"(default: $BLAMPERT_WORKSPACE, else {DEFAULT_FOLDER})" in told
    assert "(default: the workspace's, if there is one, and ./logs)" in told
