"""``blampert solve``: what it prints, what it writes, its exit code. The LM is scripted, but for one test."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import blampert_env.lm
from blampert_env.cli import main
from blampert_env.cli.solve import _way, build_parser
from blampert_env.errors import UsageError
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.resources import data_dir
from blampert_env.training.places import Places
from blampert_env.workspace.config import AgentConfig, ModelsSettings

Make = Callable[..., Path]
RIGHT, WRONG = "```python\ndef double(x):\n    return 2 * x\n```", "```python\ndef double(x):\n    return x\n```"


@pytest.fixture(autouse=True)
def at_home(home: Path) -> None:
    """No workspace, no settings."""


@pytest.fixture
def lm(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets an LM give one answer for ever."""

    def give(answer: str) -> None:
        monkeypatch.setattr(blampert_env.lm, "resolve", lambda *_, **__: ScriptedLM([answer]))

    return give


def test_the_difference_is_shown_and_nothing_is_written(
    make_project: Make, lm: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    lm(RIGHT)
    folder = make_project()
    before = (folder / "tiny.py").read_text()
    assert main(["solve", str(folder)]) == 0
    shown, progress = capsys.readouterr()
    assert "+    return 2 * x\n" in shown
    lines = shown.splitlines()
    assert lines[-2].split()[:4] == ["tiny.py::double", "0/1", "1/1", "complete"]
    assert lines[-1].startswith("tiny: 0 -> 1 of 1 tests pass (solved; 1 calls")
    assert "double  complete: solved, 0 -> 1 tests pass" in progress
    assert (folder / "tiny.py").read_text() == before


def test_apply_writes_it_and_keeps_what_was_there(
    make_project: Make, lm: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    lm(RIGHT)
    folder = make_project()
    before = (folder / "tiny.py").read_text()
    assert main(["solve", str(folder), "--apply"]) == 0
    shown = capsys.readouterr().out
    assert "return 2 * x" in (folder / "tiny.py").read_text()
    assert "wrote tiny.py" in shown
    assert "+    return" not in shown
    assert [path.read_text() for path in folder.glob(".blampert/backup-*/tiny.py")] == [before]
    assert main(["solve", str(folder)]) == 2, "there is nothing left to write"


def test_what_is_not_solved_is_exit_code_1(make_project: Make, lm: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lm(WRONG)
    folder = make_project()
    assert main(["solve", str(folder), "--apply", "--max-attempts", "3"]) == 1
    assert "nothing to write" in capsys.readouterr().out
    assert not (folder / ".blampert").exists()


def test_json_is_all_of_stdout(make_project: Make, lm: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lm(RIGHT)
    assert main(["solve", str(make_project()), "--json", "--check"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["solved"] is True
    assert found["tests"] == {"before": 0, "after": 1, "total": 1}
    assert found["targets"][0]["target"] == "tiny.py::double"
    assert found["cost"]["calls"] == 1
    assert found["written"] == []


def test_one_file_is_enough(make_project: Make, lm: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lm(RIGHT)
    stub = 'def {}(x):\n    """Return twice x."""\n    # TODO: implement\n'
    folder = make_project(**{
        "pyproject.toml": "", "pack/tiny.py": stub.format("double"), "pack/other.py": stub.format("triple"),
        "test_tiny.py": "from pack.other import triple\nfrom pack.tiny import double\n\n\n"
                        "def test_double():\n    assert double(2) == 4\n\n\n"
                        "def test_triple():\n    assert triple(1) == 3\n",
    })  # fmt: skip
    assert main(["solve", str(folder / "pack/tiny.py"), "--apply"]) == 1, "the other's test still fails"
    assert "return 2 * x" in (folder / "pack/tiny.py").read_text()
    assert (folder / "pack/other.py").read_text() == stub.format("triple")
    assert "pack/other.py" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no_such_thing"], "no_such_thing"),
        (["calculator", "--force"], "--force goes with --apply"),
        (["calculator", "--budget", "0"], "give time"),
        (["calculator", "--budget", "$1"], "no price is known of scripted"),
        (["calculator", "--policy", "no_such.zip"], "no_such.zip"),
        (["calculator", "--strategies", "no_such.yaml"], "no_such.yaml"),
    ],
)
def test_wrong_use_is_exit_code_2(arguments: list[str], said: str, lm: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lm(RIGHT)
    assert main(["solve", *arguments]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_a_file_without_a_todo_is_one_line(make_project: Make, lm: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lm(RIGHT)
    folder = make_project()
    (folder / "other.py").write_text("x = 1\n")
    assert main(["solve", str(folder / "other.py")]) == 2
    assert "nothing to write there" in capsys.readouterr().err


def test_changes_that_are_not_committed_are_not_written_over(
    make_project: Make, lm: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    lm(RIGHT)
    folder = make_project()
    for command in (["init"], ["add", "."]):
        subprocess.run(["git", "-C", str(folder), *command], check=True, capture_output=True)
    assert main(["solve", str(folder), "--apply"]) == 2
    assert "not committed" in capsys.readouterr().err
    assert main(["solve", str(folder), "--apply", "--force"]) == 0


@pytest.mark.llm
def test_the_embedded_model_solves_the_calculator() -> None:
    """In a process of its own: the server ends with it."""
    command = [sys.executable, "-m", "blampert_env.cli", "solve", "calculator", "--json", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    found = json.loads(done.stdout)
    assert found["tests"]["after"] == found["tests"]["total"]


@pytest.mark.parametrize(
    ("flags", "model", "file", "policy"),
    [
        ([], "embedded/qwen2.5-coder-0.5b", "solve.yaml", "solve-policy.json"),
        ([], "ollama/mine", None, None),
        (["--model", "large"], "embedded/qwen2.5-coder-1.5b", None, None),
        (["--policy", "none"], "embedded/qwen2.5-coder-0.5b", None, None),
        (["--strategies", "mine.yaml"], "embedded/qwen2.5-coder-0.5b", "mine.yaml", None),
    ],
)
def test_the_policy_that_ships_is_for_the_models_that_ship(
    flags: list[str], model: str, file: str | None, policy: str | None
) -> None:
    lm = ScriptedLM([RIGHT])
    lm.name = model
    found = _way(build_parser("blampert solve").parse_args(["calculator", *flags]), Places(), lm)
    assert [path and Path(path).name for path in found] == [file, policy]


def test_a_policy_over_the_strategies_of_solve_brings_them(tmp_path: Path) -> None:
    shipped = data_dir("configs") / "solve-policy.json"
    mine = tmp_path / "mine.json"
    mine.write_bytes(shipped.read_bytes())
    parse = build_parser("blampert solve").parse_args
    arguments = parse(["calculator", "--policy", str(mine)])
    assert _way(arguments, Places(), ScriptedLM([RIGHT])) == (shipped.with_name("solve.yaml"), mine)
    with pytest.raises(UsageError, match="--model large would not be asked"):
        _way(parse(["calculator", "--policy", str(mine), "--model", "large"]), Places(), ScriptedLM([RIGHT]))


def test_a_larger_model_of_the_users_own_is_not_asked_by_the_policy_that_ships() -> None:
    lm = ScriptedLM([RIGHT])
    lm.name = "embedded/qwen2.5-coder-0.5b"
    settings = AgentConfig(models=ModelsSettings(large="openai/gpt-4o"))
    assert _way(build_parser("x").parse_args(["calculator"]), Places(settings=settings), lm) == (None, None)
