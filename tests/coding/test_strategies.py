from pathlib import Path

import pytest

from blampert_env.coding import Strategy, load_strategies
from blampert_env.errors import ConfigError


def test_bundled_strategies_differ_in_what_they_show_how_they_ask_and_how_they_sample() -> None:
    strategies = load_strategies()
    assert len(strategies) >= 8
    assert len({strategy.name for strategy in strategies}) == len(strategies)
    settings = {(s.ask, s.show, s.prefill, s.temperature, s.max_tokens) for s in strategies}
    assert len(settings) == len(strategies), "two strategies ask the same thing"
    assert {s.ask for s in strategies} == {"direct", "plan", "repair", "minimal"}
    shown = frozenset().union(*(s.show for s in strategies))
    assert shown == {"docstring", "tests", "failing", "previous", "siblings", "examples"}
    assert all(strategy.description for strategy in strategies)


def test_at_least_one_strategy_is_allowed_on_an_untouched_project() -> None:
    assert any(s.allowed(has_previous=False, has_failing=False, has_examples=False) for s in load_strategies())


@pytest.mark.parametrize(
    ("show", "facts", "allowed"),
    [
        ({"docstring"}, (False, False, False), True),
        ({"previous"}, (False, True, True), False),
        ({"previous"}, (True, False, False), True),
        ({"failing"}, (True, False, True), False),
        ({"examples"}, (True, True, False), False),
        ({"examples", "failing"}, (False, True, True), True),
    ],
)
def test_allowed_needs_what_is_shown(show: set[str], facts: tuple[bool, bool, bool], allowed: bool) -> None:
    strategy = Strategy("x", show=frozenset(show))  # type: ignore[arg-type]
    assert strategy.allowed(has_previous=facts[0], has_failing=facts[1], has_examples=facts[2]) is allowed


def test_names_choose_and_order() -> None:
    names = [strategy.name for strategy in load_strategies()][:3][::-1]
    assert [strategy.name for strategy in load_strategies(names=names)] == names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("strategies: {a: {ask: drect}}", "did you mean 'direct'"),
        ("strategies: {a: {shows: [docstring]}}", "did you mean 'show'"),
        ("strategies: {a: {show: docstring}}", "must be a list"),
        ("strategies: {a: {show: [docstrng]}}", "did you mean 'docstring'"),
        ("strategies: {a: {temperature: hot}}", "temperature must be a number"),
        ("strategies: {a: {temperature: -1}}", "temperature must be a number"),
        ("strategies: {a: {max_tokens: 1}}", "max_tokens must be"),
        ("strategies: {a: {max_tokens: 20.5}}", "max_tokens must be"),
        ("strategies: {a: {prefill: maybe}}", "prefill must be"),
        ("strategies: {a: {ask: repair, show: [failing]}}", "add 'previous'"),
        ("strategies: {a: 3}", "expected a mapping"),
        ("strategies: {a: {show: [docstring, failing]}}", "only a repair"),
        ("strategies: {a: {instructions: 3}}", "instructions must be a text"),
        (f"strategies: {{a: {{instructions: {'x' * 2_001}}}}}", "at most 2,000 characters"),
        ("strategies: {a: {demos: {stub: a, code: b}}}", "demos must be a list"),
        ("strategies: {a: {demos: [{stub: a}]}}", "demos must be a list"),
        ("strategies: {a: {demos: [{stub: a, code: 1}]}}", "demos must be a list"),
        ("strategies: {a: {demos: [{stub: a, code: b, more: c}]}}", "demos must be a list"),
        ("strategies: {a: {ask: repair, show: [previous], demos: [{stub: a, code: b}]}}", "not demos"),
        ("strategies: {}", "at least one entry"),
        ("- a", "expected a mapping 'strategies:'"),
        ("strategies: {a: [", "line 1"),
    ],
)
def test_bad_yaml_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "strategies.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_strategies(file)
    assert said in str(error.value)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_new_strategy_is_yaml_only(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("strategies: {mine: {show: [tests], temperature: 1, max_tokens: 64, description: tests only}}")
    assert load_strategies(file) == (Strategy("mine", "direct", frozenset({"tests"}), False, 1.0, 64, "tests only"),)


def test_missing_file_and_unknown_name_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*nowhere\.yaml"):
        load_strategies(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="did you mean 'complete'"):
        load_strategies(names=["complet"])
