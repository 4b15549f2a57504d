from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from blampert_agents import ALGOS
from blampert_env.envs import SuiteEnv
from blampert_env.errors import LMUnavailable
from blampert_env.evaluate import main as evaluate
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.telemetry import ActionStore
from blampert_env.training.flags import parse_hyperparams

Train = Callable[..., int]


def scalars(folder: Path) -> dict[str, list[float]]:
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return {tag: [event.value for event in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}


def test_a_run_leaves_everything_it_promises(train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--iterations", "2", "--seed", "3") == 0
    run = tmp_path / "logs" / "thompson_1"
    out = capsys.readouterr().out
    assert "training thompson on calculator, data_processor, math_operations" in out.splitlines()[0]
    for project in ("calculator", "data_processor", "math_operations"):
        assert project in out
        folder = run / "best" / project
        assert (folder / f"{project}.py").is_file()
        assert "TODO" not in (folder / f"{project}.py").read_text()
        assert (folder / "changes.diff").read_text().startswith(f"diff --git a/{project}.py")
    config = json.loads((run / "config.json").read_text())
    assert config["seed"] == 3
    assert config["resolved_model"] == "scripted"
    assert config["versions"]["gymnasium"]
    assert (tmp_path / "models" / "thompson_1.zip").is_file()
    with ActionStore(run / "actions.db", readonly=True) as store:
        totals = store.totals(by="project", run_id="thompson_1")
    # two training episodes and one evaluation episode, one step a target
    assert {name: (total.episodes, total.steps) for name, total in totals.items()} == {
        name: (3, 12) for name in ("calculator", "data_processor", "math_operations")
    }
    tags = scalars(run)
    assert tags["rollout/success_rate"] == [1.0, 1.0]
    assert tags["eval/success_rate"] == [1.0]
    for tag in ("rollout/ep_rew_mean", "time/fps", "eval/mean_reward", "reward/progress", "llm/completion_tokens"):
        assert tags[tag], tag


@pytest.mark.parametrize("algo", ALGOS)
def test_every_algorithm_trains_saves_and_evaluates(
    algo: str, train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("--algo", algo, "--iterations", "1", "--project", "calculator") == 0
    policy = tmp_path / "models" / f"{algo}_1.zip"
    assert evaluate([str(policy), "--project", "calculator"]) == 0
    assert "eval/success_rate: 1.000" in capsys.readouterr().out


def test_same_seed_same_run(train: Train, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        assert train("--algo", "random", "--iterations", "2", "--n-envs", "3", "-f", folder) == 0
    rows = []
    for folder in ("a", "b"):
        rows.append(rows_of(next((tmp_path / folder).glob("random_*"))))
    assert len(rows[0]) == 36
    assert rows[0] == rows[1]


def test_n_timesteps_ends_the_run(train: Train, tmp_path: Path) -> None:
    assert train("-n", "10", "--project", "calculator", "--eval-episodes", "0") == 0
    state = json.loads((tmp_path / "logs" / "thompson_1" / "state.json").read_text())
    assert 10 <= state["timesteps"] <= 13


def rows_of(run: Path) -> list[tuple[object, ...]]:
    with ActionStore(run / "actions.db", readonly=True) as store:
        events = [event for _, event in store.rows(run.name)]
    return sorted((e.episode, e.step, e.project, e.strategy, e.target, e.outcome, e.source) for e in events)


@pytest.mark.parametrize("algo", ["random", "thompson", "ppo"])
def test_resume_is_the_same_run(algo: str, train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ("--algo", algo, "--project", "calculator")
    assert train(*common, "--iterations", "3", "-f", "straight") == 0
    assert train(*common, "--iterations", "2", "-f", "stopped") == 0
    stopped = tmp_path / "stopped" / f"{algo}_2"
    assert train("--resume", str(stopped), "--iterations", "3") == 0
    assert "resumed after iteration 2" in capsys.readouterr().out
    straight = rows_of(tmp_path / "straight" / f"{algo}_1")
    assert rows_of(stopped) == straight
    state = json.loads((stopped / "state.json").read_text())
    assert (state["iteration"], state["timesteps"]) == (3, 12)


def test_resume_of_a_run_whose_settings_are_damaged(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "logs" / "damaged_1"
    run.mkdir(parents=True)
    (run / "config.json").write_text('{"algo": "random"}')
    assert train("--resume", str(run)) == 2
    assert "lacks a setting ('projects')" in capsys.readouterr().err


def test_resume_takes_no_other_settings(train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--iterations", "1", "--project", "calculator", "--eval-episodes", "0") == 0
    run = str(tmp_path / "logs" / "thompson_1")
    assert train("--resume", run, "--algo", "ppo") == 2
    assert "--algo cannot be changed with --resume" in capsys.readouterr().err
    assert train("--resume", run) == 0, "a finished run is shown again"
    assert "1 iterations, 4 steps" in capsys.readouterr().out


def test_no_run_overwrites_another_policy(train: Train, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        assert train("--iterations", "1", "--project", "calculator", "--eval-episodes", "0", "-f", folder) == 0
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["thompson_1.zip", "thompson_2.zip"]


def test_trained_agent_is_the_start_of_a_new_run(train: Train, tmp_path: Path) -> None:
    assert train("--iterations", "1", "--project", "calculator") == 0
    assert train("-i", "models/thompson_1.zip", "--iterations", "1", "--project", "math_operations") == 0
    run = tmp_path / "logs" / "thompson_2"
    assert (run / "best" / "math_operations").is_dir()
    assert json.loads((run / "config.json").read_text())["trained_agent"] == str(tmp_path / "models" / "thompson_1.zip")


def test_trained_agent_keeps_its_algorithm(train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--algo", "random", "--iterations", "1", "--project", "calculator") == 0
    assert train("-i", "models/random_1.zip", "--iterations", "1", "--project", "calculator") == 0
    assert json.loads((tmp_path / "logs" / "random_2" / "config.json").read_text())["algo"] == "random"
    assert train("-i", "models/random_1.zip", "--algo", "ppo") == 2
    assert "drop --algo" in capsys.readouterr().err


def test_ctrl_c_saves_and_exits_130(train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reset = SuiteEnv.reset
    resets = []

    def interrupt(self: SuiteEnv, **kwargs: object) -> object:
        resets.append(1)
        if len(resets) == 4:  # one checks the project, two are whole iterations
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(0.3)
        return reset(self, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(SuiteEnv, "reset", interrupt)
    assert train("--iterations", "50", "--project", "calculator") == 130
    state = json.loads((tmp_path / "logs" / "thompson_1" / "state.json").read_text())
    assert state["iteration"] == 2
    assert (tmp_path / "models" / "thompson_1.zip").is_file()


def test_a_dead_lm_saves_and_exits_1(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []
    complete = ScriptedLM.complete

    def die(self: ScriptedLM, *args: object, **kwargs: object) -> object:
        calls.append(1)
        if len(calls) > 5:
            raise LMUnavailable("the server is gone: start it again")
        return complete(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ScriptedLM, "complete", die)
    assert train("--iterations", "5", "--project", "calculator") == 1
    error = capsys.readouterr().err.strip()
    assert error == "python -m blampert_env.train: error: the server is gone: start it again"
    run = tmp_path / "logs" / "thompson_1"
    assert json.loads((run / "state.json").read_text())["iteration"] == 1
    assert "result = a + b" in (run / "best" / "calculator" / "calculator.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--project", "calculater"], "did you mean 'calculator'"),
        (["--algo", "pppo"], "did you mean 'ppo'"),
        (["--rewards", "spars"], "did you mean 'sparse'"),
        (["--strategies", "nowhere.yaml"], "cannot read nowhere.yaml"),
        (["-params", "lr"], "expected KEY:VALUE"),
        (["--algo", "ppo", "-params", "learning_rat:1"], "did you mean 'learning_rate'"),
        (["-i", "models/none.zip"], "models/none.zip"),
        (["--resume", "logs/none_1"], "no run at"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], said: str, train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(*arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("logs/*")), "nothing is left behind"


@pytest.mark.parametrize("arguments", [["--iterations", "0"], ["--seed", "-1"], ["--n-envs", "x"], ["--nonsense"]])
def test_bad_flags_exit_2(arguments: list[str], train: Train) -> None:
    with pytest.raises(SystemExit) as caught:
        train(*arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("no_tests", {"a.py": "def f():\n    # TODO: x\n    pass\n"}, "test"),
        ("no_todos", {"a.py": "def f():\n    return 1\n", "test_a.py": "def test_a():\n    pass\n"}, "TODO"),
    ],
)
def test_a_folder_that_is_no_project(
    name: str,
    text: dict[str, str],
    said: str,
    train: Train,
    make_project: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert train("--project", str(make_project(name, **text))) == 2
    assert said in capsys.readouterr().err


def test_hyperparams_are_never_evaluated() -> None:
    assert parse_hyperparams(["learning_rate:0.1", "policy:__import__('os')"]) == {
        "learning_rate": 0.1,
        "policy": "__import__('os')",
    }


def test_the_store_keeps_what_the_tests_said(train: Train, tmp_path: Path) -> None:
    assert train("--iterations", "1", "--project", "calculator", "--eval-episodes", "0") == 0
    run = tmp_path / "logs" / "thompson_1"
    with ActionStore(run / "actions.db", readonly=True) as store:
        events = [event for _, event in store.rows(run.name)]
    assert all(("failed" in event.test_output) == (event.tests_passed < event.tests_total) for event in events)
    assert "assert" in events[0].test_output
    assert all(len(event.test_output) <= 4_000 for event in events)


def test_metrics_are_served_while_a_run_trains(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = []
    complete = ScriptedLM.complete

    def ask_and_scrape(self: ScriptedLM, *args: object, **kwargs: object) -> object:
        status = json.loads((tmp_path / "logs" / "thompson_1" / "status.json").read_text())
        assert (status["state"], status["labels"]) == ("running", {"algo": "thompson", "model": "scripted"})
        url = capsys.readouterr().out.split("metrics at ")[1].split()[0] if not answers else answers[0][0]
        answers.append((url, httpx.get(url).json()))
        return complete(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ScriptedLM, "complete", ask_and_scrape)
    assert train("--iterations", "1", "--project", "calculator", "--eval-episodes", "0", "--metrics-port", "0") == 0
    assert answers[0][1]["rl"] == {"avg_reward": 0.0, "steps": 0}
    assert answers[-1][1]["rl"]["steps"] in range(4)
    status = json.loads((tmp_path / "logs" / "thompson_1" / "status.json").read_text())
    assert (status["state"], status["rl"]["steps"]) == ("finished", 4)
    with pytest.raises(httpx.ConnectError):
        httpx.get(answers[0][0])


def test_a_taken_metrics_port_leaves_nothing(train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert train("--iterations", "1", "--project", "calculator", "--metrics-port", port) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "choose another --metrics-port" in error
    assert not (tmp_path / "logs").exists()
