"""``blampert runs`` on runs of the real loop (with a scripted LM)."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import blampert_env.lm
from blampert_env.cli import main
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.telemetry import ActionStore
from blampert_env.training.export import chat

Run = Callable[..., int]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, solver_lm: ScriptedLM) -> Path:
    """A folder with two runs."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HOME", str(folder))
        patch.delenv("BLAMPERT_WORKSPACE", raising=False)
        patch.setattr(blampert_env.lm, "resolve", lambda name, **_: solver_lm)
        for algo in ("round-robin", "thompson"):
            assert main(["train", "--project", "calculator", "--iterations", "2", "--algo", algo]) == 0
    return folder


@pytest.fixture
def runs(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(trained)
    monkeypatch.setenv("HOME", str(trained))
    monkeypatch.delenv("BLAMPERT_WORKSPACE", raising=False)
    return lambda *arguments: main(["runs", *map(str, arguments)])


def steps_of(trained: Path, run: str) -> list[dict[str, object]]:
    with ActionStore(trained / "logs" / run / "actions.db", readonly=True) as store:
        return [event.to_dict() for _, event in store.rows(run, prompts=True)]


def test_list(runs: Run, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runs("list") == 0
    out = capsys.readouterr().out
    assert "round-robin_1" in out
    assert "24/24" in out
    assert runs("list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["damaged"] == {}
    assert [run["name"] for run in listed["runs"]] == ["round-robin_1", "thompson_1"]
    for run in listed["runs"]:
        steps = steps_of(trained, run["name"])
        assert run["totals"]["steps"] == len(steps)
        assert run["mean_reward"] == pytest.approx(sum(float(str(step["reward"])) for step in steps) / len(steps))
        assert run["success_rate"] == 1.0
        assert run["projects"] == {"calculator": {"before": 0, "after": 24, "total": 24}}


@pytest.mark.parametrize("by", ["run", "project", "strategy"])
def test_sums_over_all_runs(runs: Run, trained: Path, capsys: pytest.CaptureFixture[str], by: str) -> None:
    assert runs("list", "--by", by, "--json") == 0
    sums = json.loads(capsys.readouterr().out)
    steps = steps_of(trained, "round-robin_1") + steps_of(trained, "thompson_1")
    field = "run_id" if by == "run" else by
    assert {name: it["steps"] for name, it in sums.items()} == {
        name: sum(step[field] == name for step in steps) for name in {str(step[field]) for step in steps}
    }
    assert runs("list", "--by", by) == 0
    assert f"sums by {by}" in capsys.readouterr().out


def test_show_and_compare(runs: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert runs("show", "thompson_1") == 0
    out = capsys.readouterr().out
    assert "projects, tests passed" in out
    assert "model scripted, seed 0" in out
    assert runs("show", "logs/thompson_1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "thompson_1"
    assert runs("compare", "thompson_1", "round-robin_1") == 0
    out = capsys.readouterr().out
    assert "mean reward (steps)" in out
    assert runs("compare", "thompson_1") == 2
    assert "two runs or more" in capsys.readouterr().err
    assert runs("show", "thompson_9") == 2
    assert "runs beside it: round-robin_1, thompson_1" in capsys.readouterr().err


def test_export_as_json_lines_and_as_a_table(
    runs: Run, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = steps_of(trained, "thompson_1")
    assert runs("export", "thompson_1", "-o", tmp_path / "a.jsonl") == 0
    assert [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()] == steps
    assert runs("export", "thompson_1", "--format", "csv", "-o", tmp_path / "a.csv") == 0
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["source"] for row in rows] == [step["source"] for step in steps]
    assert [json.loads(row["reward_terms"]) for row in rows] == [step["reward_terms"] for step in steps]
    assert [float(row["reward"]) for row in rows] == [step["reward"] for step in steps]
    assert f"wrote {len(steps)} steps of thompson_1" in capsys.readouterr().out


def test_export_as_chats_holds_the_prompts_that_were_asked(
    runs: Run, trained: Path, tmp_path: Path, solver_lm: ScriptedLM
) -> None:
    assert runs("export", "thompson_1", "--format", "chat", "-o", tmp_path / "a.jsonl") == 0
    chats = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    accepted = [step for step in steps_of(trained, "thompson_1") if step["accepted"]]
    assert len(chats) == len(accepted) > 0
    for written, step in zip(chats, accepted, strict=True):
        assert list(written) == ["messages"]
        asked = json.loads(str(step["prompt"]))
        begun = asked[-1]["role"] == "assistant"
        assert written["messages"][:-1] == (asked[:-1] if begun else asked)
        assert {message["role"] for message in asked} <= {"system", "user", "assistant"}
        assert "def " in asked[0]["content"]
        last = written["messages"][-1]
        assert last["role"] == "assistant"
        assert last["content"].count("```") == 2
        assert not begun or str(step["reply"]).startswith("```") or last["content"].startswith(asked[-1]["content"])
        # asked again, the LM answers the same (it was cut at the fence): the prompt is the real one
        assert solver_lm.complete(asked, temperature=0.0, max_tokens=512).text.startswith(str(step["reply"]))


@pytest.mark.parametrize(
    ("prompt", "reply", "answer"),
    [
        ([("user", "u")], "```python\nx\n", "```python\nx\n```"),
        ([("user", "u")], "```python\nx\n```", "```python\nx\n```"),
        ([("system", "s"), ("user", "u")], "no code", "no code"),
        (
            [("user", "u"), ("assistant", "```python\ndef f():\n")],
            "    return 1",
            "```python\ndef f():\n    return 1\n```",
        ),
        (
            [("user", "u"), ("assistant", "```python\ndef f():\n")],
            "```python\ndef f(): ...\n",
            "```python\ndef f(): ...\n```",
        ),
    ],
)
def test_an_answer_is_one_message_with_its_code_block_closed(
    step_event: Callable[..., object], prompt: list[tuple[str, str]], reply: str, answer: str
) -> None:
    messages = [{"role": role, "content": content} for role, content in prompt]
    step = step_event(prompt=json.dumps(messages), reply=reply)
    written = chat(step)  # type: ignore[arg-type]
    assert written is not None
    kept = messages[:-1] if messages[-1]["role"] == "assistant" else messages
    assert written["messages"] == [*kept, {"role": "assistant", "content": answer}]


def test_a_step_without_a_recorded_prompt_is_no_chat(step_event: Callable[..., object]) -> None:
    assert chat(step_event(prompt="")) is None  # type: ignore[arg-type]


def test_an_empty_folder_and_a_damaged_run(runs: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runs("list", "-f", tmp_path) == 0
    assert "no runs in" in capsys.readouterr().out
    (tmp_path / "bad_1").mkdir()
    (tmp_path / "bad_1" / "config.json").write_text("{")
    assert runs("list", "-f", tmp_path) == 0
    assert "bad_1: " in capsys.readouterr().out
    assert runs("show", tmp_path / "bad_1") == 2
