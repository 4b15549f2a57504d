from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from blampert_env.cli import main
from blampert_env.workspace import Workspace


def run_of(workspace: Workspace, name: str = "thompson_1", after: int = 20) -> Path:
    """A run as training leaves it."""
    folder = workspace.logs / name
    folder.mkdir()
    row = {"before": 0, "after": after, "total": 24, "lm_calls": 5, "tokens": 100, "seconds": 1.0}
    (folder / "config.json").write_text(json.dumps({"algo": "thompson"}))
    state = {"iteration": 2, "timesteps": 14, "policy": "policy-0002.zip", "projects": {"calculator": row}}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "policy-0002.zip").write_bytes(b"policy")
    (workspace.models / f"{name}.zip").write_bytes(b"policy")
    return folder


def test_create_says_what_it_does(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace.streaming).rmdir()
    assert main(["workspace", "create"]) == 0
    out = capsys.readouterr().out
    assert f"workspace {workspace}: looked through in" in out
    assert "made       streaming/" in out
    assert "next: blampert train --project calculator" in out
    assert main(["workspace", "create", "--path", str(workspace)]) == 0
    assert "nothing was missing" in capsys.readouterr().out


def test_info(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    run_of(workspace, "thompson_1", 20)
    run_of(workspace, "thompson_2", 24)
    run_of(workspace, "thompson_3", 24)
    assert main(["workspace", "info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    calculator = next(row for row in found["projects"] if row["name"] == "calculator")
    best = {"targets": 4, "tests_passed": 24, "tests_total": 24, "best_run": "thompson_2", "problem": None}
    assert calculator.items() >= best.items()
    assert [run["name"] for run in found["runs"]] == ["thompson_1", "thompson_2", "thompson_3"]
    assert found["policies"] == ["thompson_1.zip", "thompson_2.zip", "thompson_3.zip"]
    assert found["config"]["agent"]["model"] == "llama3.1:8b"
    assert found["size"] == sum(found["sizes"].values()) > found["sizes"]["projects"] > 0
    assert found["health"] == []
    assert main(["workspace", "info"]) == 0
    out = capsys.readouterr().out
    assert "24/24" in out
    assert "health: nothing is wrong" in out


def test_info_says_what_is_wrong(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    (run_of(workspace) / "state.json").write_text("{")
    (workspace.projects / "nothing").mkdir()
    (workspace.venv / ".blampert.json").unlink()
    workspace.config_path.write_text('{"agnet": {}}')
    assert main(["workspace", "info", "--json"]) == 1
    wrong = "\n".join(json.loads(capsys.readouterr().out)["health"])
    for said in ("thompson_1 cannot be read", "no Python files", "was not finished: mend it", "did you mean 'agent'"):
        assert said in wrong
    assert main(["workspace", "info"]) == 1
    printed = capsys.readouterr()
    assert "calculator" in printed.out, "the tables are printed all the same"
    assert printed.out.count("health: ") == 4
    assert (
        printed.err
        == f"blampert workspace info: error: 4 things are wrong with {workspace}; the health lines say what\n"
    )


def test_info_on_one_thing_that_is_wrong(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    workspace.streaming.rmdir()
    assert main(["workspace", "info"]) == 1
    said = "streaming/ missing: mend it with `blampert workspace create`"
    assert capsys.readouterr().err == f"blampert workspace info: error: {said}\n"


@pytest.mark.parametrize("action", ["info", "clean"])
def test_no_workspace_is_one_line(action: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["workspace", action]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "blampert workspace create" in said or "is not a workspace" in said
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_clean_asks(
    answer: str, code: int, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of(workspace)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    assert main(["workspace", "clean"]) == code
    assert run.exists() == (code == 1)
    assert (workspace.models / "thompson_1.zip").is_file()
    out = capsys.readouterr().out
    assert "logs/thompson_1/" in out
    assert ("removed 1 of 1" if code == 0 else "nothing was removed") in out


def test_clean_all_yes(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    run_of(workspace)
    assert main(["workspace", "clean", "--all", "--yes"]) == 0
    assert list(workspace.models.iterdir()) == []
    assert main(["workspace", "clean", "--all", "-y"]) == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_clean_refuses_what_is_no_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_text("x")
    assert main(["workspace", "clean", "--path", str(tmp_path), "--all", "--yes"]) == 2
    assert "is not a workspace: nothing was removed" in capsys.readouterr().err
    assert (tmp_path / "logs" / "a.log").is_file()


def test_the_module_does_the_same(workspace: Workspace) -> None:
    command = [sys.executable, "-m", "blampert_env.workspace"]
    for words, said in (([], "nothing was missing"), (["info"], "nothing is wrong"), (["--path", "/"], "holds other")):
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=False, env=os.environ)
        assert said in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_config_set_says_that_another_value_is_wrong(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(workspace.config_path.read_text())
    content["agent"]["seed"] = "seven"
    workspace.config_path.write_text(json.dumps(content))
    assert main(["config", "set", "agent.model", "embedded"]) == 0  # it is done: a wrong value is mended one at a time
    first, second = capsys.readouterr().out.splitlines()
    assert first == "agent.model: llama3.1:8b -> embedded"
    assert second.startswith("note: ")
    assert "agent.seed" in second
    assert main(["config", "set", "agent.seed", "7"]) == 0
    assert "note" not in capsys.readouterr().out


def test_config_show_set_unset(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "set", "agent.model", "embedded"]) == 0
    assert capsys.readouterr().out == "agent.model: llama3.1:8b -> embedded\n"
    monkeypatch.setenv("BLAMPERT_AGENT_SEED", "8")
    assert main(["config", "set", "agent.seed", "7"]) == 0
    assert "BLAMPERT_AGENT_SEED is set in the environment and goes before the file" in capsys.readouterr().out
    assert main(["config", "show"]) == 0
    lines = {line.split()[0]: line.split()[1:3] for line in capsys.readouterr().out.splitlines()[1:]}
    assert lines["agent.model"] == ["embedded", "file"]
    assert lines["agent.seed"] == ["8", "BLAMPERT_AGENT_SEED"]
    assert main(["config", "unset", "agent.model"]) == 0
    capsys.readouterr()
    assert main(["config", "show", "agent.model"]) == 0
    assert capsys.readouterr().out == "llama3.1:8b\n"
    assert main(["config", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["agent"]["seed"] == 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["set", "agent.modl", "x"], "did you mean 'agent.model'"),
        (["show", "agent.modl"], "did you mean 'agent.model'"),
        (["unset", "agent.modl"], "did you mean 'agent.model'"),
        (["unset", "agnet"], "did you mean 'agent'"),
        (["unset", "nope"], "unknown key 'nope' (known: "),
        (["set", "agent.algo", "pppo"], "agent.algo: unknown algo 'pppo': did you mean 'ppo'"),
        (["set", "streaming.port", "0"], "streaming.port must be a whole number from 1 to 65535, not '0'"),
        (["set", "streaming.enabled", "maybe"], "streaming.enabled must be true or false, not 'maybe'"),
        (["set", "agent.learning_rate", "inf"], "agent.learning_rate must be a number above 0, or null, not 'inf'"),
        (["set", "grading.isolation", "strct"], "must be one of default, strict, none, not 'strct'"),
    ],
)
def test_config_refuses(words: list[str], said: str, workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    before = workspace.config_path.read_bytes()
    assert main(["config", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert workspace.config_path.name not in error, "what was typed is wrong, the file is not"
    assert workspace.config_path.read_bytes() == before


def test_projects_new_list_check(workspace: Workspace, capsys: pytest.CaptureFixture[str], lend_venv: object) -> None:
    assert main(["project", "new", "Word Tools"]) == 0
    assert 'gym.make("Blampert-WordTools-v0")' in capsys.readouterr().out
    (workspace.projects / "nothing").mkdir()
    assert main(["project", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["word_tools"].items() >= {"origin": "workspace", "targets": 1, "tests": 1, "problem": None}.items()
    assert "no Python files" in rows["nothing"]["problem"]
    lend_venv(workspace)  # type: ignore[operator]
    assert main(["project", "check", "word_tools"]) == 0
    assert "can be trained on: blampert train --project word_tools" in capsys.readouterr().out
    assert main(["project", "check", "nothing"]) == 1
    assert "no Python files" in capsys.readouterr().out
    assert main(["project", "list"]) == 0
    assert "Blampert-WordTools-v0" in capsys.readouterr().out


def test_projects_without_a_workspace(home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["project", "list"]) == 0
    assert "bundled" in capsys.readouterr().out
    assert main(["project", "new", "tools"]) == 2
    assert "blampert workspace create" in capsys.readouterr().err
    assert main(["project", "new", "tools", "--into", str(tmp_path)]) == 0
    assert (tmp_path / "tools" / "test_tools.py").is_file()


def test_export_and_import(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_of(workspace)
    assert main(["export", "thompson_1"]) == 0
    assert main(["import", "thompson_1.tar.gz"]) == 2
    assert "is there already: give another --name" in capsys.readouterr().err
    assert main(["import", "thompson_1.tar.gz", "--name", "again"]) == 0
    assert (workspace.models / "again.zip").read_bytes() == b"policy"
    assert (workspace.logs / "again" / "state.json").is_file()
    assert main(["export", "none"]) == 2
    assert main(["import", "none.tar.gz"]) == 2


def test_export_and_import_without_a_workspace(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "a" / "logs" / "thompson_1"
    run.mkdir(parents=True)
    (run / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert main(["export", "a/logs/thompson_1", "-o", "x.tar.gz"]) == 0
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    assert main(["import", "../x.tar.gz"]) == 0
    assert (tmp_path / "b" / "logs" / "thompson_1" / "config.json").is_file()
