"""The dashboard's server over real sockets: what it answers, and whom it refuses."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from blampert_env.errors import ConfigError, UsageError
from blampert_env.telemetry.dashboard.board import Board
from blampert_env.telemetry.dashboard.server import DashboardServer
from blampert_env.telemetry.exporter import LiveStatus, RunFigures

MakeRun = Callable[..., Path]
TOKEN = "a-token-that-is-long-enough"


def test_the_page_and_its_files_come_from_here(client: httpx.Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert not re.search(r"""(src|href)=["'](https?:)?//""", answer.text)
    assert "<script>" not in answer.text
    assert " style=" not in answer.text
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text)
    assert {Path(file).suffix for file in files} == {".js", ".css", ".svg"}
    for file in files:
        found = client.get(file)
        assert found.status_code == 200
        assert "immutable" in found.headers["Cache-Control"]
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_runs_and_figures(client: httpx.Client, make_run: MakeRun) -> None:
    assert client.get("/api/runs").json() == {"runs": [], "current": None}
    make_run()
    content = client.get("/api/runs").json()
    assert content["current"] == "thompson_1"
    assert content["runs"][0]["projects"] == ["calculator"]
    answer = client.get("/api/runs/thompson_1")
    assert answer.json()["summary"]["steps"] == 1
    again = client.get("/api/runs/thompson_1", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/runs/thompson_1/steps/1").json()["strategy"] == "direct"
    assert client.get("/api/runs/thompson_1/quality").json()["mean"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/api/runs/none",
        "/api/runs/..%2f..%2fetc",
        "/api/runs/thompson_1/steps/99",
        "/api/runs/thompson_1/steps/x",
        "/static/v/..%2fapp.py",
        "/static/v/app.py",
        "/.git/config",
    ],
)
def test_what_is_not_there_is_404(path: str, client: httpx.Client, make_run: MakeRun) -> None:
    make_run()
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Traceback" not in answer.text
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_a_damaged_store_is_one_line(client: httpx.Client, make_run: MakeRun) -> None:
    folder = make_run(steps=[])
    (folder / "actions.db").write_bytes(b"not a database" * 500)
    answer = client.get("/api/runs/thompson_1")
    assert answer.status_code == 500
    assert answer.json()["error"].startswith("cannot read")


def test_metrics_are_those_of_the_run_that_is_shown(
    client: httpx.Client, make_run: MakeRun, step_event: Callable[..., object]
) -> None:
    assert client.get("/metrics").json()["rl"] == {"avg_reward": 0.0, "steps": 0}
    assert client.get("/ready").status_code == 503
    figures = RunFigures("thompson_1")
    with LiveStatus(figures, make_run()):
        figures.write(step_event())  # type: ignore[arg-type]
    import time

    time.sleep(0.15)
    assert client.get("/metrics").json()["rl"] == {"avg_reward": 0.75, "steps": 1}
    assert "blampert_steps_total" in client.get("/metrics/prometheus").text
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8080"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "10.0.0.1"},
        {"Host": "["},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/runs", "/metrics", "/health"])
def test_other_sites_and_foreign_hosts_are_refused(path: str, headers: dict[str, str], client: httpx.Client) -> None:
    answer = client.get(path, headers=headers)
    assert answer.status_code in (400, 403)
    assert "blampert" not in answer.text.lower()
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:1234"},
        {"Host": "[::1]:8080"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
)
def test_a_persons_own_visit_passes(headers: dict[str, str], client: httpx.Client) -> None:
    assert client.get("/", headers=headers).status_code == 200


def test_it_only_reads(client: httpx.Client, make_run: MakeRun) -> None:
    make_run()
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        for path in ("/", "/api/runs", "/api/runs/thompson_1", "/metrics"):
            assert client.request(method, path).status_code == 405


def test_a_token_is_asked_for_where_there_is_one(board: Board) -> None:
    with DashboardServer(board, port=0, token=TOKEN) as server:
        base = f"http://127.0.0.1:{server.port}"
        assert server.url == f"{base}/?token={TOKEN}"
        for path in ("/", "/api/runs", "/metrics", "/health", "/static/x/page.js"):
            for headers in (
                {},
                {"Authorization": "Bearer wrong"},
                {"Authorization": TOKEN},
                {"Cookie": "blampert_token=x"},
            ):
                answer = httpx.get(base + path, headers=headers)
                assert answer.status_code == 401, (path, headers)
                assert TOKEN not in answer.text
        assert httpx.get(f"{base}/?token=wrong").status_code == 401
        assert httpx.get(f"{base}/api/runs", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        with httpx.Client() as browser:
            answer = browser.get(server.url)
            assert (answer.status_code, answer.headers["Location"]) == (303, "/")
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
            assert TOKEN not in cookie
            assert browser.get(f"{base}/api/runs").status_code == 200
        evil = {"Authorization": f"Bearer {TOKEN}", "Host": "evil.example"}
        assert httpx.get(f"{base}/api/runs", headers=evil).status_code == 403


def test_other_addresses_make_a_token_of_their_own(board: Board) -> None:
    with DashboardServer(board, host="0.0.0.0", port=0, names=["box.example"]) as server:
        assert server.token is not None
        assert len(server.token) >= 32
        base = f"http://127.0.0.1:{server.port}"
        assert httpx.get(f"{base}/api/runs").status_code == 401
        bearer = {"Authorization": f"Bearer {server.token}"}
        for host, status in (("192.0.2.7:8080", 200), ("box.example", 200), ("evil.example", 403)):
            assert httpx.get(f"{base}/api/runs", headers={**bearer, "Host": host}).status_code == status


def test_what_cannot_be_served_is_one_line(board: Board) -> None:
    with pytest.raises(UsageError, match="at least 16 characters"):
        DashboardServer(board, port=0, token="short")
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError, match="choose another --port"):
        DashboardServer(board, port=taken.getsockname()[1])
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1"):
        DashboardServer(board, host="192.0.2.1", port=0)


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch, board: Board) -> None:
    import hmac

    compared = []
    digest = hmac.compare_digest

    def spy(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return digest(a, b)

    monkeypatch.setattr("blampert_env.telemetry.web.guard.hmac.compare_digest", spy)
    with DashboardServer(board, port=0, token=TOKEN) as server:
        httpx.get(f"http://127.0.0.1:{server.port}/", headers={"Authorization": "Bearer tökén".encode()})
    assert compared
