"""``blampert optimize``: what it says, what it writes, its exit code. The LM is scripted, but for one test."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import blampert_env.lm
from blampert_env.cli import main
from blampert_env.coding import load_strategies
from blampert_env.lm.scripted import ScriptedLM

BETTER = "Return twice x, or thrice."
FILES = {
    "times.py": "".join(f'def {name}(x):\n    """Return x, {name}."""\n    # TODO: implement\n\n\n'
                        for name in ("double", "triple")),
    "test_times.py": "from times import double, triple\n\n\ndef test_double():\n    assert double(2) == 4\n\n\n"
                     "def test_triple():\n    assert triple(1) == 3\n",
}  # fmt: skip


@pytest.fixture(autouse=True)
def at_home(home: Path) -> None:
    """No workspace, no settings."""


def answer(messages: list[dict[str, str]]) -> str:
    """Right where it is told how."""
    text = messages[-1]["content"]
    if "new_instruction" in text:
        return json.dumps({"new_instruction": BETTER})
    (name,) = re.findall(r"def (\w+)\(", text)
    number = {"double": 2, "triple": 3}[name] if BETTER in text else 0
    return f"```python\ndef {name}(x):\n    return {number} * x\n```"


@pytest.fixture
def lm(monkeypatch: pytest.MonkeyPatch) -> ScriptedLM:
    """Whatever model is asked for, it is this."""
    scripted = ScriptedLM(answer)
    monkeypatch.setattr(blampert_env.lm, "resolve", lambda *_, **__: scripted)
    return scripted


def test_what_was_found_is_a_strategy_with_its_figures(
    make_project: Callable[..., Path], lm: ScriptedLM, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, file = make_project("times", **FILES), tmp_path / "found.yaml"
    assert main(["optimize", str(folder), "-o", str(file), "--budget", "8"]) == 0
    shown, progress = capsys.readouterr()
    said = re.findall(r"blampert: .*", progress)  # on a busy machine GEPA shows a bar of its own before them
    assert said[0] == ("blampert: direct by gepa: at most 8 evaluations on 1 functions to learn from and 1 to validate "
                       "on; scripted writes, scripted reflects")  # fmt: skip
    assert re.fullmatch(r"blampert: +1/8  times times\.py::\w+: 0\.00 of its tests \(1 tried\)", said[1])
    lines = shown.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["direct", "0.00"], ["direct-gepa", "1.00"]]
    assert lines[3].startswith(f"wrote direct-gepa to {file} (perfect; 4 evaluations, 1 reflections, 2 ways of asking")
    (strategy,) = load_strategies(file)
    assert (strategy.name, strategy.instructions, strategy.max_tokens) == ("direct-gepa", BETTER, 320)
    found = yaml.safe_load(file.read_text())["strategies"]["direct-gepa"]["found"]
    assert (found["score_before"], found["score_after"], found["evaluations"]) == (0.0, 1.0, 4)
    assert (found["by"], found["from"], found["model"], found["projects"]) == ("gepa", "direct", "scripted", ["times"])
    assert main(["solve", str(folder), "--strategies", str(file), "--check"]) == 0, "the file is one to solve with"


def test_nothing_better_is_exit_code_1_and_writes_nothing(
    make_project: Callable[..., Path], lm: ScriptedLM, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, file = make_project("times", **FILES), tmp_path / "found.yaml"
    assert main(["optimize", str(folder), "-o", str(file), "--optimizer", "bootstrap", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["better"], told["score_before"], told["score_after"], told["ended"]) == (False, 0.0, 0.0, "done")
    assert told["evaluations"] == len(lm.requests) == 2
    assert not file.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no_such_thing"], "no_such_thing"),
        (["calculator", "--strategy", "dirct"], "did you mean 'direct'"),
        (["calculator", "--strategy", "repair"], "needs an attempt that failed"),
        (["calculator", "--strategy", "examples"], "needs the examples of an episode"),
        (["calculator", "--budget", "5"], "needs 8 evaluations at least"),
        (["calculator", "--strategies", "no_such.yaml"], "no_such.yaml"),
        (["tiny"], "give a project with more TODOs, or several projects"),
    ],
)
def test_wrong_use_is_exit_code_2(
    arguments: list[str], said: str, make_project: Callable[..., Path], lm: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    make_project("tiny")
    monkeypatch.chdir(tmp_path)
    assert main(["optimize", *arguments, "-o", str(tmp_path / "found.yaml")]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert lm.requests == []


@pytest.mark.parametrize("wrong", [["--validation", "0"], ["--validation", "1"], ["--budget", "0"], ["--seed", "-1"]])
def test_numbers_out_of_range_are_refused(wrong: list[str], lm: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["optimize", "calculator", "-o", "found.yaml", *wrong])
    assert wrong[0] in capsys.readouterr().err


@pytest.mark.llm
def test_the_embedded_model_is_asked_no_more_often_than_said(tmp_path: Path) -> None:
    """In a process of its own: the server ends with it. Whether it finds something better is its own affair."""
    command = [sys.executable, "-m", "blampert_env.cli", "optimize", "calculator", "-o", str(tmp_path / "found.yaml")]
    done = subprocess.run([*command, "--budget", "10", "--json"], capture_output=True, text=True, timeout=600)
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["better"] else 1), done.stderr
    assert found["evaluations"] <= 10
    assert found["score_before"] is not None
    assert (tmp_path / "found.yaml").exists() == found["better"]
