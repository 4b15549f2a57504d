"""What was recorded can be played again: the same answers, judged in the same way, without a model."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

import pytest
from asking import HUMANEVAL, Asker, facts, humaneval_tasks, tasks
from headroom import ARMS, recorded
from learning import halves
from learning_report import digest
from machine import RESULTS
from replay import ReplayEnv, Table
from repository import Options
from sources import pins

from blampert_agents import load_agent
from blampert_env.coding import Coder, earlier_draws, load_strategies
from blampert_env.resources import data_dir
from blampert_env.training.campaigning import campaign_policy

SAMPLES = Path(RESULTS).parent / "data" / "functions.jsonl.gz"
FIGURES = json.loads((RESULTS / "headroom.json").read_text())["figures"]
SAME = ("solved", "outcome", "failure", "cost", "held_out", "passed", "own", "code")


@pytest.mark.slow
def test_recorded_answers_give_the_recorded_table() -> None:
    table = Table.of(FIGURES)
    strategies = load_strategies(ARMS, table.arms)
    asker = Asker(Coder(recorded(SAMPLES)), strategies, earlier_draws(strategies))
    refused: dict[str, str] = {}
    seen = 0
    some = chain(tasks([pins()["inflection"]], Options(seed=1, functions=6), refused), humaneval_tasks(8))
    for task in some:
        assert facts(task) == table.tasks[task.name]
        for answer in asker.ask(task):
            before = table.answers[answer.task, answer.arm]
            assert {name: getattr(answer, name) for name in SAME} == {name: before[name] for name in SAME}
            assert answer.seconds is None, "nobody was asked"
            seen += 1
    assert not refused
    assert seen >= 24


def test_the_recorded_table_is_whole() -> None:
    table = Table.of(FIGURES)
    assert len(table.tasks) >= 100
    assert table.after == earlier_draws(load_strategies(ARMS, table.arms))
    firsts = [arm for arm in table.arms if arm not in table.after]
    assert all((task, arm) in table.answers for task in table.tasks for arm in firsts)
    for half in halves(table, 3):
        env = ReplayEnv(table, half.learning, 100.0)
        observation, _ = env.reset(seed=0)
        assert env.observation_space.contains(observation)


def test_the_policy_that_ships_fits_the_strategies_that_ship_and_its_card_says_what_it_was_learnt_from() -> None:
    file, strategies = data_dir("configs") / "solve-policy.json", load_strategies(ARMS)
    agent = campaign_policy(file, strategies)
    assert agent is not None
    assert agent.spec.feature_names == ReplayEnv(Table.of(FIGURES), list(FIGURES["tasks"]), 1.0).feature_names
    assert load_agent(file).spec.algo == agent.name
    table, card = Table.of(FIGURES), " ".join(file.with_suffix(".md").read_text().split())
    problems = len(table.repositories[HUMANEVAL])
    assert f"{len(table.tasks) - problems} functions of {len(table.repositories) - 1} packages" in card
    assert f"{problems} problems of HumanEval" in card
    assert digest(ARMS) in card, "it was learnt over other strategies: learning.py --save"
    learning = json.loads((RESULTS / "learning.json").read_text())["figures"]
    for name, row in learning["all"].items():
        assert f"- {name}: {row['solve_rate']:.1%} solved, {row['per_solved']:.1f} s a solved task" in card
