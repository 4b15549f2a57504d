"""Strategies that were found, as entries of a file: what is read is what was written, and what was there stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from blampert_env.coding import Strategy, load_strategies
from blampert_env.coding.strategy_file import add_strategy, check_strategy_file
from blampert_env.errors import ConfigError
from blampert_env.resources import data_dir

FOUND = {"by": "gepa", "score_before": 0.5, "score_after": 0.75}


ODD = ("one: line", "large", "ä\u2028\ttab")
DEMO = {"stub": "def f():\n    '''a\n\n    b '''\n", "tests": "t", "code": "def f():\n\treturn 1\n"}


@pytest.mark.parametrize(
    "strategy",
    [
        Strategy("plain"),
        Strategy("words", instructions="Write it: now.\n\n  # in 'two' lines {with} - marks\nno more"),
        Strategy("odd", "minimal", frozenset({"docstring", "tests"}), True, 0.4, 64, *ODD),
        Strategy("demos", demos=(DEMO,)),
    ],
    ids=lambda strategy: strategy.name,
)
def test_what_is_read_is_what_was_written(tmp_path: Path, strategy: Strategy) -> None:
    file = tmp_path / "found.yaml"
    assert add_strategy(file, strategy, FOUND) == strategy
    assert load_strategies(file) == (strategy,)


def test_an_entry_goes_behind_what_is_there_under_a_name_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    before = (data_dir("configs") / "strategies.yaml").read_bytes()
    file.write_bytes(before)
    check_strategy_file(file)
    names = [add_strategy(file, Strategy("direct", instructions="Write."), FOUND).name for _ in range(2)]
    assert names == ["direct-2", "direct-3"]
    assert file.read_bytes().startswith(before)
    assert load_strategies(file)[:-2] == load_strategies()


def test_a_file_that_cannot_be_added_to_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("strategies: {mine: {show: [tests]}}\n")
    with pytest.raises(ConfigError, match="name a new file"):
        add_strategy(file, Strategy("other"), FOUND)
    assert file.read_text() == "strategies: {mine: {show: [tests]}}\n"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "said"), [("notes.yaml", "expected a mapping"), ("no/such.yaml", "there is no folder")]
)
def test_a_place_that_will_not_do_is_named_before(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "notes.yaml").write_text("- a\n")
    with pytest.raises(ConfigError, match=said):
        check_strategy_file(tmp_path / name)
