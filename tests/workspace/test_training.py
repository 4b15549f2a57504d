"""Where ``train`` and ``evaluate`` take things from and put them; what each setting changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blampert_env import train as train_module
from blampert_env.grading import Grader
from blampert_env.training.run_folder import RunFolder
from blampert_env.workspace import Workspace
from blampert_env.workspace.settings import set_value
from blampert_env.workspace.template import new_project

Blampert = Callable[..., int]
SHORT = ("--project", "calculator", "--iterations", "1", "--eval-episodes", "0", "--max-attempts", "4")


def config(workspace: Workspace, run: str = "thompson_1") -> dict[str, Any]:
    return dict(json.loads((workspace.logs / run / "config.json").read_text()))


def test_everything_goes_to_the_workspace(workspace: Workspace, blampert: Blampert, tmp_path: Path) -> None:
    assert blampert("train", "--iterations", "1") == 0
    assert list((tmp_path / "here").iterdir()) == []
    assert (workspace.models / "thompson_1.zip").is_file()
    for name in ("calculator", "data_processor", "math_operations"):
        assert (workspace.logs / "thompson_1" / "best" / name / "changes.diff").is_file()
    assert config(workspace)["projects"] == ["calculator", "data_processor", "math_operations"]
    assert config(workspace)["agent"] == "BlampertAgent"


def test_tests_run_with_the_workspaces_interpreter(
    workspace: Workspace, blampert: Blampert, monkeypatch: pytest.MonkeyPatch
) -> None:
    pythons = set()
    grade = Grader.grade

    def spy(self: Grader, *args: Any, **more: Any) -> Any:
        pythons.add((self.python, self.tests))
        return grade(self, *args, **more)

    monkeypatch.setattr(Grader, "grade", spy)
    assert blampert("train", *SHORT) == 0
    assert blampert("evaluate", "thompson_1", "--project", "calculator") == 0
    assert pythons == {(str(workspace.python), "visible"), (str(workspace.python), "held_out")}


def test_a_dropped_in_project_is_trained_on(
    workspace: Workspace, blampert: Blampert, lend_venv: Callable[[Workspace], None]
) -> None:
    new_project("word_tools", workspace.projects)
    lend_venv(workspace)
    assert blampert("train", "--project", "word_tools", "--iterations", "1", "--eval-episodes", "0") == 0
    assert config(workspace)["projects"] == ["word_tools"]


def test_the_workspaces_copy_of_a_project_counts(workspace: Workspace, blampert: Blampert) -> None:
    source = workspace.projects / "calculator" / "calculator.py"
    source.write_text("# mine\n" + source.read_text())
    assert blampert("train", *SHORT) == 0
    best = workspace.logs / "thompson_1" / "best" / "calculator" / "calculator.py"
    assert best.read_text().startswith("# mine\n")


def test_without_a_workspace_all_is_as_before(home: Path, blampert: Blampert, tmp_path: Path) -> None:
    assert blampert("train", *SHORT) == 0
    assert (tmp_path / "here" / "models" / "thompson_1.zip").is_file()
    written = json.loads((tmp_path / "here" / "logs" / "thompson_1" / "config.json").read_text())
    assert "agent" not in written
    assert list(home.iterdir()) == []


def test_the_module_does_not_look_at_the_default_place(
    workspace: Workspace, blampert: Blampert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train_module.main([*SHORT]) == 0
    assert (tmp_path / "here" / "models" / "thompson_1.zip").is_file()
    assert list(workspace.logs.iterdir()) == []
    monkeypatch.setenv("BLAMPERT_WORKSPACE", str(workspace.root))
    assert train_module.main([*SHORT]) == 0
    assert [path.name for path in workspace.logs.iterdir()] == ["thompson_1"]


def test_a_workspace_that_was_named_must_be_there(
    home: Path, blampert: Blampert, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert blampert("train", "--workspace", home / "none") == 2
    monkeypatch.setenv("BLAMPERT_WORKSPACE", str(home / "other"))
    assert blampert("evaluate", "thompson_1") == 2
    said = capsys.readouterr().err
    assert said.count("blampert workspace create") == said.count("\n") == 2


@pytest.mark.parametrize(
    ("key", "value", "flag", "field"),
    [
        ("agent.max_iterations", 2, ("--iterations", "1"), "iterations"),
        ("agent.seed", 5, ("--seed", "6"), "seed"),
        ("agent.algo", "round-robin", ("--algo", "random"), "algo"),
        ("agent.n_envs", 2, ("--n-envs", "1"), "n_envs"),
        ("grading.isolation", "none", ("--isolation", "default"), "isolation"),
        ("grading.timeout_s", 33.0, ("--timeout-s", "44"), "timeout_s"),
    ],
)
def test_a_flag_goes_before_the_environment_before_the_file(
    key: str,
    value: Any,
    flag: tuple[str, str],
    field: str,
    workspace: Workspace,
    blampert: Blampert,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short = ("train", "--project", "calculator", "--eval-episodes", "0", "--max-attempts", "2")
    set_value(workspace, "agent.max_iterations", 1)
    set_value(workspace, key, value)
    assert blampert(*short) == 0
    assert blampert(*short, *flag) == 0
    monkeypatch.setenv(f"BLAMPERT_{key.replace('.', '_').upper()}", flag[1])
    assert blampert(*short) == 0
    runs = sorted(workspace.logs.iterdir(), key=lambda path: path.stat().st_ctime)
    seen = [json.loads((run / "config.json").read_text())[field] for run in runs]
    given = type(value)(flag[1])
    assert sorted(map(str, seen)) == sorted(map(str, [value, given, given]))


def test_the_model_that_auto_tries_first(
    workspace: Workspace, blampert: Blampert, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_value(workspace, "agent.model", "ollama/some")
    assert blampert("train", *SHORT) == 0
    monkeypatch.setenv("BLAMPERT_MODEL", "openai/other")
    assert blampert("train", *SHORT) == 0
    assert blampert("train", *SHORT, "--model", "embedded") == 0
    assert [(call["name"], call["configured"]) for call in asked] == [
        ("auto", "ollama/some"),
        ("auto", "openai/other"),
        ("embedded", "openai/other"),
    ]


def test_the_learning_rate_is_for_algorithms_that_have_one(workspace: Workspace, blampert: Blampert) -> None:
    rates = []
    for number, (value, words) in enumerate(
        [(0.25, ()), (0.25, ("-params", "learning_rate:0.5")), (None, ())], start=1
    ):
        set_value(workspace, "agent.learning_rate", value)
        assert blampert("train", *SHORT, "--algo", "a2c", *words) == 0
        rates.append(config(workspace, f"a2c_{number}")["resolved_hyperparams"]["learning_rate"])
    assert rates == [0.25, 0.5, 0.005]
    set_value(workspace, "agent.learning_rate", 0.25)
    assert blampert("train", *SHORT) == 0
    assert "learning_rate" not in config(workspace)["resolved_hyperparams"]
    assert blampert("train", "-i", "a2c_3", *SHORT) == 0
    assert config(workspace, "a2c_4")["resolved_hyperparams"]["learning_rate"] == 0.005, "a policy keeps its own"


def test_the_agents_name_is_kept(workspace: Workspace, blampert: Blampert) -> None:
    set_value(workspace, "agent.name", "Ada")
    assert blampert("train", *SHORT) == 0
    assert config(workspace)["agent"] == "Ada"


def test_an_unknown_algorithm_in_the_file_is_named(
    workspace: Workspace, blampert: Blampert, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace.config_path.write_text('{"agent": {"algo": "pppo"}}')
    assert blampert("train", *SHORT) == 2
    assert "agent_config.json: unknown agent.algo 'pppo': did you mean 'ppo'" in capsys.readouterr().err


def test_an_unknown_project_is_one_line(
    workspace: Workspace, blampert: Blampert, capsys: pytest.CaptureFixture[str]
) -> None:
    assert blampert("train", "--project", "calculater") == 2
    assert "did you mean 'calculator'" in capsys.readouterr().err


def test_a_moved_workspace_goes_on_with_its_runs(
    workspace: Workspace, blampert: Blampert, lend_venv: Callable[[Workspace], None], home: Path
) -> None:
    assert blampert("train", *SHORT) == 0
    strategies = Path(train_module.__file__).parent.parent / "configs" / "strategies.yaml"
    (workspace.data / "strategies.yaml").write_text(strategies.read_text())
    own = ("--strategies", workspace.data / "strategies.yaml")
    assert blampert("train", "-i", "models/thompson_1.zip", *SHORT, *own) == 0
    text = (workspace.logs / "thompson_2" / "config.json").read_text()
    assert str(home) not in text
    assert json.loads(text)["trained_agent"] == "models/thompson_1.zip"
    moved = Workspace(home / "moved")
    workspace.root.rename(moved.root)
    lend_venv(moved)
    # by path: the run's own workspace is found; by name: in the workspace that is named
    assert blampert("train", "--resume", moved.logs / "thompson_2", "--iterations", "2") == 0
    words = ("--workspace", moved.root, "--resume", "thompson_2", "--iterations", "3")
    assert blampert("train", *words) == 0
    state = json.loads((moved.logs / "thompson_2" / "state.json").read_text())
    assert state["iteration"] == 3
    assert str(home) not in (moved.logs / "thompson_2" / "config.json").read_text()


def test_a_run_is_resumed_by_name_or_path(
    workspace: Workspace, blampert: Blampert, capsys: pytest.CaptureFixture[str]
) -> None:
    assert blampert("train", *SHORT) == 0
    run = workspace.logs / "thompson_1"
    for number, named in enumerate(("thompson_1", "logs/thompson_1", "logs/thompson_1/", run), start=2):
        assert blampert("train", "--resume", named, "--iterations", number) == 0
    assert json.loads((run / "state.json").read_text())["iteration"] == 5
    capsys.readouterr()
    for named in ("none_1", "logs/none_1", workspace.logs / "none_1"):
        assert blampert("train", "--resume", named) == 2
        said = capsys.readouterr().err
        assert f"no run at {workspace.logs / 'none_1'}: " in said
        assert "runs beside it: thompson_1" in said
    assert blampert("train", "--resume", "elsewhere/thompson_1") == 2, "another folder was named"
    assert "no run at elsewhere/thompson_1" in capsys.readouterr().err


def test_without_a_workspace_a_run_is_resumed_by_name_too(home: Path, blampert: Blampert, tmp_path: Path) -> None:
    assert blampert("train", *SHORT) == 0
    assert blampert("train", "--resume", "thompson_1", "--iterations", "2") == 0
    assert json.loads((tmp_path / "here" / "logs" / "thompson_1" / "state.json").read_text())["iteration"] == 2


def test_a_run_is_not_resumed_twice_at_once(
    workspace: Workspace, blampert: Blampert, capsys: pytest.CaptureFixture[str]
) -> None:
    assert blampert("train", *SHORT) == 0
    with RunFolder(workspace.logs / "thompson_1").in_use():
        assert blampert("train", "--resume", "thompson_1", "--iterations", "2") == 2
    assert "in use by another process" in capsys.readouterr().err
