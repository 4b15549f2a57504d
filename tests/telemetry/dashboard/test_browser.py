"""The page in a real Chromium: it moves, it opens diffs, it complains of nothing, and it lets nobody else in."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blampert_env.telemetry.dashboard.server import DashboardServer

pytestmark = pytest.mark.slow
MakeRun = Callable[..., Path]
TALL = {"width": 1280, "height": 2600}  # charts are drawn where they can be seen
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --host-resolver-rules=MAP\\ evil.example\\ 127.0.0.1"
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless Chromium with a profile of its own."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium: CI must install one (make setup does where it is root)")
        pytest.skip("no chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = [flag.replace("\0", " ") for flag in FLAGS.replace("\\ ", "\0").split()]
        browser = playwright.chromium.launch(executable_path=binary, args=flags)
        yield browser
        browser.close()


class Window:
    """A page, and what it complained of."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))

    def open(self, url: str) -> Any:
        """Go there and wait until the charts are drawn."""
        self.page.goto(url)
        self.page.wait_for_selector("html[data-drawn]", timeout=30_000)
        return self.page


@pytest.fixture
def window(chromium: Any, server: DashboardServer) -> Iterator[Callable[..., Window]]:
    """Makes windows, which are gone before the server is; each must end without a complaint of the console."""
    made: list[Window] = []

    def make(**options: Any) -> Window:
        made.append(Window(chromium, **{"viewport": {"width": 1280, "height": 900}, **options}))
        return made[-1]

    yield make
    for window in made:
        window.context.close()
    assert [complaint for window in made for complaint in window.complaints] == []


def points(page: Any, chart: str = "c-return") -> int:
    """Points of a chart's longest line."""
    return int(page.locator(f"#{chart}").evaluate("e => Math.max(0, ...(e.data || []).map(trace => trace.x.length))"))


def episodes(first: int, count: int) -> list[dict[str, Any]]:
    return [
        {
            "episode": n,
            "terminated": True,
            "outcome": "solved",
            "tests_passed": 6,
            "reward": n / 10,
            "diff": f"-a{n}\n+b{n}\n",
        }
        for n in range(first, first + count)
    ]


def wait_until(condition: Callable[[], bool], page: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        page.wait_for_timeout(50)


def test_it_shows_every_part_and_asks_nobody_else(
    window: Callable[..., Window], server: DashboardServer, make_run: MakeRun
) -> None:
    make_run(steps=episodes(0, 12))
    mine = window(viewport=TALL)
    page = mine.open(server.url)
    assert page.locator("#state").inner_text() == "over"
    figures = dict(line.split("\n")[:2] for line in page.locator(".kpi").all_inner_texts())
    assert figures["Steps"] == "12"
    assert figures["Mean return"] == "+0.55"
    assert figures["Success rate"] == "100 %"
    assert figures["Best tests"] == "6 / 6"
    assert figures["Learning progress"] == "+0.80"
    charts = ("c-return", "c-success", "c-tests", "c-earn", "c-chosen", "c-lm", "c-quality")
    wait_until(lambda: all(page.locator(f"#{chart} svg").count() for chart in charts), page)
    for chart in charts:
        assert points(page, chart) > 0
        assert page.locator(f"#{chart}").get_attribute("aria-label")
    assert page.locator("#targets tbody tr").count() == 1
    assert page.locator("#picks tbody tr").all_inner_texts() == ["training\tat the start\t12\tdirect 100 %"]
    assert page.locator("#runs tbody tr").count() == 1
    assert mine.hosts == {f"127.0.0.1:{server.port}"}


def test_curves_move_and_open_diffs_stay_open(
    window: Callable[..., Window], server: DashboardServer, make_run: MakeRun, append: Callable[..., None]
) -> None:
    from blampert_env.telemetry.exporter import LiveStatus, RunFigures

    folder = make_run(steps=episodes(0, 3))
    with LiveStatus(RunFigures(folder.name), folder):
        page = window(viewport=TALL).open(server.url)
        assert page.locator("#state").inner_text() == "live"
        assert points(page) == 3
        page.locator("details.edit summary").first.click()
        page.wait_for_selector(".add")
        assert page.locator("pre .add").inner_text() == "+b2"
        assert page.locator("pre .del").inner_text() == "-a2"
        colours = page.locator("pre .add, pre .del").evaluate_all(
            "all => all.map(e => getComputedStyle(e).backgroundColor)"
        )
        assert len(set(colours)) == 2
        append(folder, episodes(3, 4))
        wait_until(lambda: points(page) == 7, page)
        assert page.locator("details.edit").count() == 7
        assert page.locator("details.edit[open] pre .add").inner_text() == "+b2"
    wait_until(lambda: page.locator("#state").inner_text() == "finished", page)


@pytest.mark.llm
def test_curves_move_while_a_real_training_runs(
    window: Callable[..., Window], server: DashboardServer, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "blampert_env.train", "--project", "calculator", "--model", "embedded"]
    command += ["--iterations", "300", "--max-attempts", "3", "--eval-episodes", "0"]  # ended below
    log = (tmp_path / "log").open("w")
    with log, subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT) as training:
        try:
            page = window(viewport=TALL).open(server.url)
            wait_until(lambda: page.locator("details.edit").count() >= 1, page, 300)
            seen = page.locator("details.edit").count()
            assert page.locator("#state").inner_text() == "live"
            wait_until(lambda: page.locator("details.edit").count() > seen and points(page, "c-tests") > 1, page, 300)
            page.locator("details.edit summary").last.click()
            page.wait_for_selector("details.edit[open] pre", timeout=30_000)
            assert "+++ b/calculator.py" in page.locator("details.edit[open] pre").first.inner_text()
            wait_until(lambda: points(page) >= 2, page, 300)
            assert page.locator("#circuit").inner_text() == "circuit closed"
        finally:
            training.terminate()
            training.wait(30)


def test_what_an_lm_wrote_is_text(
    window: Callable[..., Window], server: DashboardServer, make_run: MakeRun, hostile: str
) -> None:
    everywhere = ("strategy", "target", "outcome", "project", "source", "test_output")
    make_run(steps=[{**dict.fromkeys(everywhere, hostile), "diff": f"+{hostile}\n"}])
    mine = window(viewport=TALL)
    page = mine.open(server.url)
    page.locator("details.edit summary").first.click()
    page.wait_for_selector("pre .add")
    page.wait_for_timeout(500)
    assert page.title() == "thompson_1 · Blampert"
    assert page.locator("main img, main b img, main script, .chart image").count() == 0
    shown = page.locator("pre .add").inner_text()
    assert shown.startswith('+<img src=x onerror="')
    assert "{{7*7}}" in shown
    assert "\\x1b]0;owned\\x07\\u202e" in shown
    assert "\u202e" not in page.locator("pre").last.inner_text()


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_phone_shows_it_without_scrolling_sideways(
    width: int, window: Callable[..., Window], server: DashboardServer, make_run: MakeRun
) -> None:
    long = "a_strategy_with_a_very_long_name_" * 3
    make_run(
        steps=[
            *episodes(0, 8),
            {"strategy": long, "project": long, "target": f"{long}.py::{long}", "diff": "+" + "x" * 500},
        ]
    )
    page = window(viewport={"width": width, "height": 800}, has_touch=True, is_mobile=True).open(server.url)
    page.locator("details.edit summary").first.click()
    page.wait_for_selector("pre .add")
    for place in ("top", "bottom"):
        page.locator("header" if place == "top" else "footer").scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        assert page.locator("html").evaluate("e => e.scrollWidth") <= width
        assert page.locator("body").evaluate("e => e.scrollWidth") <= width


def luminance(colour: str) -> float:
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_dark_and_light_can_be_read_and_chosen(
    window: Callable[..., Window], server: DashboardServer, make_run: MakeRun
) -> None:
    make_run(steps=[*episodes(0, 3), {"outcome": "worse", "diff": "+a\n-b\n@@ x\n"}])
    grounds = []
    for scheme in ("dark", "light"):
        page = window(color_scheme=scheme).open(server.url)
        page.locator("details.edit summary").first.click()
        page.wait_for_selector("pre .add")
        assert page.locator("html").get_attribute("data-theme") == scheme
        ground = page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
        grounds.append(luminance(ground))
        script = """all => all.map(e => {
            let ground = e, colour = "rgba(0, 0, 0, 0)";
            for (; ground && colour === "rgba(0, 0, 0, 0)"; ground = ground.parentElement)
                colour = getComputedStyle(ground).backgroundColor;
            return [getComputedStyle(e).color, colour, e.textContent];
        })"""
        for front, back, text in page.locator(
            ".kpi span, .kpi b, .chip, pre span, td, th, h2, small, .pill"
        ).evaluate_all(script):
            light, dark = sorted((luminance(front), luminance(back)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (scheme, front, back, text)
    assert grounds[0] < 0.1 < 0.8 < grounds[1]
    page.locator("#theme").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.reload()
    page.wait_for_selector("html[data-drawn]")
    assert page.locator("html").get_attribute("data-theme") == "dark", "the choice is kept"


def test_the_keyboard_is_enough(window: Callable[..., Window], server: DashboardServer, make_run: MakeRun) -> None:
    make_run("thompson_1", steps=episodes(0, 3))
    make_run("ppo_1", steps=episodes(0, 2))
    page = window().open(server.url)
    focused = page.locator(":focus")
    page.keyboard.press("Tab")
    assert focused.inner_text() == "Skip to the figures"
    page.keyboard.press("r")
    assert focused.get_attribute("id") == "run"
    other = "thompson_1" if page.locator("#run").input_value() == "ppo_1" else "ppo_1"
    page.keyboard.press("ArrowDown")
    wait_until(lambda: page.title() == f"{other} · Blampert", page)
    page.keyboard.press("Tab")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_selector("details.edit[open] pre .add")
    assert page.locator("details.edit").first.get_attribute("open") is not None
    outline = focused.evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid", "one sees where one is"
    before = page.locator("html").get_attribute("data-theme")
    page.keyboard.press("t")
    assert page.locator("html").get_attribute("data-theme") != before


def test_it_waits_for_the_first_run(window: Callable[..., Window], server: DashboardServer, make_run: MakeRun) -> None:
    mine = window()
    mine.page.goto(server.url)
    mine.page.wait_for_selector("#notice:not([hidden])")
    assert "blampert train" in mine.page.locator("#notice").inner_text()
    make_run()
    mine.page.wait_for_selector("html[data-drawn=thompson_1]")
    assert mine.page.locator("#notice").is_hidden()


@pytest.fixture
def elsewhere(server: DashboardServer) -> Iterator[str]:
    """A page of another site that tries to read the dashboard."""
    script = f"""<script>
        const base = "http://127.0.0.1:{server.port}/api/runs";
        const tries = [fetch(base).then(r => r.text()), fetch(base, {{mode: "no-cors"}}).then(r => r.text())];
        Promise.allSettled(tries).then(all => document.title = all.map(one => one.value || "nothing").join());
        </script><iframe src="http://127.0.0.1:{server.port}/"></iframe><img src="http://127.0.0.1:{server.port}/metrics">"""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(script.encode())

        def log_message(self, *_: object) -> None:
            pass

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    yield f"http://localhost:{site.server_port}/"
    site.shutdown()
    thread.join()
    site.server_close()


def test_another_site_reads_nothing(chromium: Any, elsewhere: str, server: DashboardServer, make_run: MakeRun) -> None:
    make_run()
    mine = Window(chromium)
    answers: dict[str, int] = {}
    ours = f"127.0.0.1:{server.port}"
    mine.page.on(
        "response", lambda response: answers.update({response.url: response.status}) if ours in response.url else None
    )
    mine.page.goto(elsewhere)
    wait_until(lambda: mine.page.title() != "", mine.page)
    assert "thompson" not in mine.page.title()
    assert set(answers.values()) <= {403}
    assert answers, "the browser did ask"
    mine.context.close()


def test_a_name_that_was_rebound_to_this_machine_reads_nothing(chromium: Any, server: DashboardServer) -> None:
    mine = Window(chromium)
    answer = mine.page.goto(f"http://evil.example:{server.port}/api/runs")
    assert answer.status == 403
    assert "evil.example" in mine.page.content()
    mine.context.close()
