"""Several agents in one workspace at once: no record is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from blampert_env.telemetry import ActionStore
from blampert_env.workspace import Workspace, load_config
from blampert_env.workspace.config import KEYS
from blampert_env.workspace.runs import list_policies, list_runs

PROCESSES = 8

# a scripted LM (unit test only) that writes the reference solution
TRAIN = """
import sys
sys.path.insert(0, {tests!r})
import blampert_env.lm
from blampert_env.lm.scripted import ScriptedLM
from conftest import Solver
blampert_env.lm.resolve = lambda name, **_: ScriptedLM(Solver())
from blampert_env.cli import main
words = ["train", "--project", "calculator", "--iterations", "3", "--eval-episodes", "0", "--algo", "random"]
sys.exit(main(words + ["--seed", sys.argv[1]]))
"""

SET = """
import sys
from blampert_env.workspace import require_workspace
from blampert_env.workspace.settings import set_value
for value in range(1, 21):
    set_value(require_workspace(), sys.argv[1], value)
"""


def run_all(code: str, arguments: list[str]) -> None:
    """All at once; each must end well."""
    command = [sys.executable, "-c", code]
    running = [subprocess.Popen([*command, word], stderr=subprocess.PIPE, text=True) for word in arguments]
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * len(arguments), said


@pytest.mark.slow
def test_eight_agents_train_at_once_and_no_step_is_lost(workspace: Workspace) -> None:
    code = TRAIN.format(tests=str(Path(__file__).parent.parent))
    run_all(code, [str(seed) for seed in range(PROCESSES)])
    runs = list_runs(workspace)
    assert {run.name for run in runs} == {f"random_{number}" for number in range(1, PROCESSES + 1)}
    assert {path.stem for path in list_policies(workspace)} == {run.name for run in runs}
    seeds = {json.loads((run.path / "config.json").read_text())["seed"] for run in runs}
    assert seeds == set(range(PROCESSES)), "no run took another's folder"
    for run in runs:
        assert not run.in_use
        with ActionStore(run.path / "actions.db", readonly=True) as store:
            totals = store.totals(by="run_id", run_id=run.name)[run.name]
        assert (totals.episodes, totals.steps) == (3, run.timesteps)


@pytest.mark.slow
def test_eight_processes_change_settings_at_once_and_no_change_is_lost(workspace: Workspace) -> None:
    keys = [
        "agent.seed",
        "agent.n_envs",
        "agent.max_iterations",
        "agent.learning_rate",
        "streaming.port",
        "monitor.port",
        "grading.timeout_s",
        "agent.seed",
    ]
    assert len(keys) == PROCESSES
    assert set(keys) <= KEYS.keys()
    run_all(SET, keys)
    config = load_config(workspace).to_json()
    assert {config[section][name] for section, name in (key.split(".") for key in keys)} == {20}
