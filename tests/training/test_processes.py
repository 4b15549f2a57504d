"""Training as a process of its own: killed, out of disk, without a model, and how soon it speaks."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from blampert_env.lm.models import bundled_models
from blampert_env.lm.weights import weights_path

TESTS = Path(__file__).parent.parent

# the real command line with the scripted solver in place of a model, which takes its time
CHILD = f"""
import resource, signal, sys, time
sys.path.insert(0, {str(TESTS)!r})
import blampert_env.lm
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.train import main
from conftest import Solver

class Slow(Solver):
    def __call__(self, messages, draw):
        time.sleep(float(sys.argv[1]))
        return super().__call__(messages, draw)

if int(sys.argv[2]):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
lm = ScriptedLM(Slow())
blampert_env.lm.resolve = lambda name, **_: lm
sys.exit(main(sys.argv[3:]))
"""


def child(folder: Path, *arguments: str, pause: float = 0.0, file_limit: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(pause), str(file_limit), *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def steps(database: Path) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT episode, step FROM steps ORDER BY id").fetchall()


def wait_for_steps(database: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(sqlite3.OperationalError):  # the file is made before its tables
            if database.is_file() and database.stat().st_size and len(steps(database)) >= count:
                return
        time.sleep(0.05)
    raise AssertionError(f"no {count} steps within a minute")


def test_kill_9_loses_at_most_the_step_in_flight_and_resume_goes_on(tmp_path: Path) -> None:
    database = tmp_path / "logs" / "thompson_1" / "actions.db"
    process = child(tmp_path, "--project", "calculator", "--iterations", "3", pause=0.3)
    with process:
        wait_for_steps(database, 6)
        os.kill(process.pid, signal.SIGKILL)
    survived = steps(database)
    assert len(survived) >= 6
    assert survived[:6] == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]
    with child(tmp_path, "--resume", "logs/thompson_1") as resumed:
        out, error = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, error
    assert "resumed after iteration 1" in out
    finished = steps(database)
    assert len(finished) == len(set(finished)) == 16, "each step of 3 episodes and an evaluation once"


def test_full_disk_is_one_line_and_keeps_what_was_saved(tmp_path: Path) -> None:
    with child(tmp_path, "--project", "calculator", "--iterations", "30", file_limit=150_000) as process:
        _, error = process.communicate(timeout=120)
    assert process.returncode == 1, error
    assert error.count("\n") == 1, error
    assert "cannot write to the action store logs/thompson_1/actions.db: disk" in error
    assert steps(tmp_path / "logs" / "thompson_1" / "actions.db")


def test_says_what_it_does_within_five_seconds(tmp_path: Path) -> None:
    started = time.monotonic()
    with child(tmp_path, "--project", "calculator", "--algo", "ppo", "--iterations", "1", pause=0.1) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        seconds = time.monotonic() - started
        process.kill()
    assert first.startswith("blampert: training ppo on calculator")
    assert seconds < 5


def test_sigint_exits_130(tmp_path: Path) -> None:
    process = child(tmp_path, "--project", "calculator", "--iterations", "30", pause=0.3)
    with process:
        wait_for_steps(tmp_path / "logs" / "thompson_1" / "actions.db", 5)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert "go on with --resume" in out
    assert (tmp_path / "models" / "thompson_1.zip").is_file()


def real(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as it is, without any script for an LM."""
    command = [sys.executable, "-m", "blampert_env.train", "--project", "calculator", *arguments]
    own = {"PATH": os.environ["PATH"], "HOME": str(folder), "BLAMPERT_CACHE": str(folder / "cache")}
    return subprocess.run(command, cwd=folder, env=own | environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--model", "ollama/llama3.1:8b"], {"OLLAMA_HOST": "http://127.0.0.1:9"}, "ollama"),
        (["--model", "openai/x"], {"OPENAI_API_BASE": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "k"}, "127.0.0.1:9"),
        (["--model", "embeded"], {}, "unknown language model 'embeded'"),
        (["--model", "embedded"], {"BLAMPERT_MODEL_PATH": "nowhere.gguf"}, "nowhere.gguf"),
    ],
)
def test_no_model_is_one_line_and_leaves_nothing(
    arguments: list[str], environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    done = real(tmp_path, *arguments, **environment)
    assert done.returncode in (1, 2), done.stderr
    error = done.stderr.strip().splitlines()
    assert len(error) == 1, done.stderr
    assert said in error[0]
    assert not (tmp_path / "logs").exists()


def test_corrupt_weights_are_one_line_and_stay_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLAMPERT_CACHE", str(tmp_path / "cache"))
    weights = weights_path(bundled_models().model("qwen2.5-coder-0.5b"))
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"GGUF damaged")
    done = real(tmp_path, "--model", "embedded")
    assert done.returncode == 1, done.stderr
    error = done.stderr.strip().splitlines()
    assert len(error) == 1
    assert str(weights) in error[0]
    assert weights.read_bytes() == b"GGUF damaged"
