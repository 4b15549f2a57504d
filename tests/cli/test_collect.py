"""``blampert collect``: what it prints, its exit code, and that being killed loses nothing. The server is real HTTP."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blampert_env.cli import main
from blampert_env.lm import SamplePool, language_model
from tests.chat_server import ChatServer

WHAT = ["calculator", "--only", "plan", "complete"]  # 4 functions: 16 samples where K is 3


@pytest.fixture
def chat(home: Path, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> ChatServer:
    """The server of ``openai/tiny``; no workspace, no settings."""
    chat = ChatServer()
    monkeypatch.setattr(language_model, "_PAUSE_S", 0.001)
    monkeypatch.setenv("OPENAI_API_BASE", f"{serve(chat)}/v1")
    return chat


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    return ["--model", "openai/tiny", "--pool", str(tmp_path / "samples.sqlite3"), "--samples", "3"]


def test_the_table_says_what_was_drawn_and_what_was_there(
    chat: ChatServer, arguments: list[str], make_project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(make_project())
    names = ["--only", "plan", "complete", "repair"]
    assert main(["collect", folder, *arguments, "--only", "complete"]) == 0
    capsys.readouterr()
    assert main(["collect", folder, folder, *arguments, *names]) == 0
    out, err = capsys.readouterr()
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["model", "strategy", "asked", "drawn", "were", "there", "failed", "why"]
    assert rows[1:] == [
        ["openai/tiny", "complete", "1", "0", "1", "0", "-"], ["openai/tiny", "plan", "3", "3", "0", "0", "-"],
    ]  # fmt: skip
    assert "left out, as they need an attempt before: repair\n" in err
    assert "1 targets, 4 samples: 1 are there, 3 to draw\n" in err
    assert err.endswith("blampert: openai/tiny: 3 of 3\n")
    assert len(chat.bodies) == 4


def test_json_is_all_of_stdout(
    chat: ChatServer, arguments: list[str], make_project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    chat.answer = lambda body: 400 if body["temperature"] else "fine"
    names = ["--only", "complete", "plan", "repair"]
    assert main(["collect", str(make_project()), *arguments, *names, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["samples"], found["targets"], found["left_out"], found["trouble"]) == (3, 1, ["repair"], [])
    complete, plan = found["arms"]
    assert complete == {
        "model": "openai/tiny", "strategy": "complete", "asked": 1, "drawn": 1, "were_there": 0, "failed": 0, "why": {},
    }  # fmt: skip
    assert (plan["failed"], list(plan["why"].values())) == (3, [3])


def test_a_model_that_goes_away_is_one_line(
    chat: ChatServer, arguments: list[str], make_project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    chat.answer = lambda body: 401
    assert main(["collect", str(make_project()), *arguments, "--only", "complete", "plan"]) == 1
    out, err = capsys.readouterr()
    (line,) = [line for line in err.splitlines() if "error" in line]
    assert "answered 401" in line
    assert line.endswith("what was drawn is kept")
    assert "check the API key" in out


@pytest.mark.parametrize("which", ["3", "0-3"])
def test_problems_of_humaneval(
    which: str, chat: ChatServer, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["collect", "--humaneval", which, *arguments, "--only", "complete"]) == 0
    count = 3 if which == "3" else 4
    assert f"{count} targets, {count} samples" in capsys.readouterr().err
    assert len(chat.bodies) == count


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "give a project's name or folder, or --humaneval N"),
        (["no_such_thing"], "no_such_thing"),
        (["calculator", "--only", "repair"], "repair: their prompts need an attempt before"),
        (["calculator", "--only", "complet"], "did you mean 'complete'"),
        (["calculator", "--strategies", "no_such.yaml"], "no_such.yaml"),
        (["--humaneval", "0"], "--humaneval 0: give how many"),
        (["--humaneval", "9-3"], "--humaneval 9-3: give how many"),
        (["--humaneval", "160-170"], "unknown HumanEval problem '164': give a number from 0 to 163"),
    ],
)
def test_wrong_use_is_exit_code_2(
    given: list[str], said: str, chat: ChatServer, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["collect", *given, *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert chat.bodies == []


def start(chat: ChatServer, arguments: list[str], enough: int) -> subprocess.Popen[str]:
    """The command in a process of its own that has asked so often."""
    chat.delay_s = 0.3
    command = [sys.executable, "-m", "blampert_env.cli", "collect", *WHAT, *arguments]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while len(chat.bodies) < enough and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.01)
    assert len(chat.bodies) >= enough
    return child


def in_pool(arguments: list[str]) -> int:
    pool = SamplePool(Path(arguments[3]))
    try:
        return pool.count()
    finally:
        pool.close()


def test_after_kill_9_the_same_command_goes_on(
    chat: ChatServer, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    child = start(chat, [*arguments, "--jobs", "2"], enough=6)
    child.kill()
    child.communicate()
    kept, asked = in_pool(arguments), len(chat.bodies)
    assert asked - 2 <= kept <= asked, "what was answered is there"
    chat.delay_s = 0.0
    assert main(["collect", *WHAT, *arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sum(arm["were_there"] for arm in found["arms"]) == kept
    assert sum(arm["drawn"] for arm in found["arms"]) == 16 - kept
    assert len(chat.bodies) == asked + 16 - kept
    assert in_pool(arguments) == 16


def test_ctrl_c_ends_in_one_line_and_keeps_what_was_drawn(chat: ChatServer, arguments: list[str]) -> None:
    child = start(chat, arguments, enough=6)
    chat.delay_s = 60.0  # nobody waits for an answer that is under way
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert out == ""
    last = err.splitlines()[-1]
    kept = in_pool(arguments)
    assert 2 <= kept < 16
    assert last == f"blampert: interrupted; {kept} of 16 samples are drawn and kept, the same command goes on"
