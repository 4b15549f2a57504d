"""What a workspace keeps of its runs: every step in data/, what was learnt, the bus in streaming/."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.cli import main
from blampert_env.telemetry import ActionStore
from blampert_env.telemetry.bus import LocalBus
from blampert_env.telemetry.learning_store import LearningStore
from blampert_env.workspace import Workspace

Train = Callable[..., int]
ARGUMENTS = ("--project", "calculator", "--algo", "round-robin", "--iterations", "1")


def rows(workspace: Workspace) -> dict[str, list[object]]:
    with ActionStore(workspace.data / "actions.db", readonly=True) as store:
        return {name: [event for _, event in store.rows(name)] for name in store.totals(by="run_id")}


def test_the_steps_of_every_run_lie_in_data_and_in_the_run(
    train: Train, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert train("--workspace", str(workspace.folder), *ARGUMENTS) == 0
    names = ["round-robin_1", "round-robin_2"]
    kept = rows(workspace)
    assert sorted(kept) == names
    for name in names:
        with ActionStore(workspace.logs / name / "actions.db", readonly=True) as store:
            assert [event for _, event in store.rows(name)] == kept[name]
    learning = LearningStore(workspace.data / "learning.json")
    assert [it["run_id"] for it in learning.read("runs")] == names
    assert learning.read("runs")[0]["algo"] == "round-robin"
    best = learning.best("calculator")
    assert best is not None
    assert (best["tests_passed"], best["tests_total"]) == (24, 24)
    assert best["files"]["calculator.py"] == (workspace.logs / names[0] / "best/calculator/calculator.py").read_text()
    assert {it["project"] for it in learning.read("examples")} == {"calculator"}
    with LocalBus(workspace.streaming / "bus.db") as bus:
        assert bus.depths().stored["agent.learning"] == 4  # two runs, each an episode of training and one of evaluation
    assert not (workspace.logs / names[0] / "bus.db").exists()
    capsys.readouterr()
    assert main(["runs", "list", "--by", "run", "--json", "--workspace", str(workspace.folder)]) == 0
    sums = json.loads(capsys.readouterr().out)
    assert {name: it["steps"] for name, it in sums.items()} == {name: len(kept[name]) for name in names}
    assert main(["dlq", "list", "--workspace", str(workspace.folder)]) == 0


def test_a_name_that_the_records_know_is_not_used_again(train: Train, workspace: Workspace) -> None:
    assert train("--workspace", str(workspace.folder), *ARGUMENTS) == 0
    before = rows(workspace)["round-robin_1"]
    shutil.rmtree(workspace.logs / "round-robin_1")
    (workspace.models / "round-robin_1.zip").unlink()
    assert train("--workspace", str(workspace.folder), *ARGUMENTS) == 0
    assert (workspace.logs / "round-robin_2").is_dir()
    assert rows(workspace)["round-robin_1"] == before


def test_a_run_without_a_workspace_keeps_what_it_learnt_beside_its_steps(train: Train, tmp_path: Path) -> None:
    assert train(*ARGUMENTS) == 0
    learning = LearningStore(tmp_path / "logs" / "round-robin_1" / "learning.json")
    assert [it["run_id"] for it in learning.read("runs")] == ["round-robin_1"]
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["round-robin_1"]
