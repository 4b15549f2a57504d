"""Where a run's metrics are served: where a flag says, where the workspace says, or nowhere."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from blampert_env.errors import ConfigError
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.training.metrics import watch
from blampert_env.workspace import AgentConfig, Workspace
from blampert_env.workspace.config import StreamingSettings

LM = ScriptedLM(["x"])


def settings(port: int, *, enabled: bool = True) -> AgentConfig:
    return replace(AgentConfig(), streaming=StreamingSettings(enabled=enabled, port=port))


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_the_workspaces_streaming_port_serves_metrics(tmp_path: Path, port: int) -> None:
    with watch(LM, "thompson", None, settings(port), Workspace(tmp_path)) as watched:
        assert watched.lines == (f"metrics at http://127.0.0.1:{port}/metrics",)
        assert httpx.get(f"http://127.0.0.1:{port}/metrics").json()["lm_circuit"]["open"] is False


@pytest.mark.parametrize("workspace", [True, False])
def test_without_streaming_or_workspace_nothing_listens(workspace: bool, tmp_path: Path, port: int) -> None:
    place = Workspace(tmp_path) if workspace else None
    with watch(LM, "thompson", None, settings(port, enabled=not workspace), place) as watched:
        assert watched.lines == ()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/metrics")


def test_a_taken_port_stops_a_run_only_where_a_flag_asked_for_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with watch(LM, "thompson", None, settings(port), Workspace(tmp_path)) as watched:
            (line,) = watched.lines
        with pytest.raises(ConfigError, match="choose another"), watch(LM, "thompson", port, settings(1), None):
            pass
    assert line.startswith(f"no metrics for this run: cannot serve the metrics at 127.0.0.1:{port}")
    assert "\n" not in line
