"""What was recorded can be played again: the same answers, judged in the same way, without a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from asking import Asker, tasks
from headroom import ARMS, load_after, recorded
from learning import halves
from machine import RESULTS
from replay import ReplayEnv, Table
from repository import Options
from sources import pins

from blampert_env.coding import Coder, load_strategies

SAMPLES = Path(RESULTS).parent / "data" / "functions.jsonl.gz"
FIGURES = json.loads((RESULTS / "headroom.json").read_text())["figures"]


@pytest.mark.slow
def test_recorded_answers_give_the_recorded_table() -> None:
    table = Table.of(FIGURES)
    strategies = load_strategies(ARMS, table.arms)
    asker = Asker(Coder(recorded(SAMPLES)), strategies, load_after(ARMS, table.arms))
    refused: dict[str, str] = {}
    seen = 0
    for task in tasks([pins()["inflection"]], Options(seed=1, functions=6), refused):
        for answer in asker.ask(task):
            before = table.answers[answer.task, answer.arm]
            now = (answer.solved, answer.outcome, answer.failure, answer.cost)
            assert now == tuple(before[name] for name in ("solved", "outcome", "failure", "cost"))
            assert answer.seconds is None, "nobody was asked"
            seen += 1
    assert not refused
    assert seen >= 12


def test_the_recorded_table_is_whole() -> None:
    table = Table.of(FIGURES)
    assert len(table.tasks) >= 30
    firsts = [arm for arm in table.arms if arm not in table.after]
    assert all((task, arm) in table.answers for task in table.tasks for arm in firsts)
    for half in halves(table, 3):
        env = ReplayEnv(table, half.learning, 100.0)
        observation, _ = env.reset(seed=0)
        assert env.observation_space.contains(observation)
