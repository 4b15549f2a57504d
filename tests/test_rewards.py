from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blampert_env.errors import ConfigError
from blampert_env.rewards import TERMS, StepFacts, load_rewards


def facts(before: int = 0, after: int = 0, untouched: int = 0, total: int = 10, **rest: object) -> StepFacts:
    return StepFacts(before, after, untouched, total, **{"rejected": False, **rest})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("term", "what", "value"),
    [
        ("progress", facts(0, 5), 0.5),
        ("progress", facts(2, 10, untouched=2), 1.0),
        ("progress", facts(5, 0), -0.5),
        ("progress", facts(10, 10, untouched=10), 0.0),
        ("solved", facts(9, 10), 1.0),
        ("solved", facts(10, 10), 0.0),
        ("solved", facts(5, 9), 0.0),
        ("rejected", facts(rejected=True), 1.0),
        ("rejected", facts(), 0.0),
        ("attempt", facts(), 1.0),
        ("tokens", facts(completion_tokens=250), 2.5),
        ("code_quality", facts(0, 5, quality=0.5), 0.25),
        ("code_quality", facts(5, 5), 0.0),
        ("code_quality", facts(5, 0), -0.5),
    ],
)
def test_terms(term: str, what: StepFacts, value: float) -> None:
    assert TERMS[term](what) == value


def test_default_profile_gives_nothing_for_doing_nothing() -> None:
    spec = load_rewards()
    assert sum(spec.terms(facts()).values()) < 0
    assert sum(spec.terms(facts(10, 10)).values()) < 0, "a solved project pays once"


@given(st.lists(st.integers(0, 10), min_size=2, max_size=20))
def test_progress_sums_to_what_was_gained(path: list[int]) -> None:
    total = sum(TERMS["progress"](facts(a, b, untouched=path[0])) for a, b in itertools.pairwise(path))
    assert total == pytest.approx((path[-1] - path[0]) / max(1, 10 - path[0]))


@pytest.mark.parametrize(
    ("text", "profile", "said"),
    [
        ("default: {progress: 1}", "defualt", "did you mean 'default'"),
        ("default: {progres: 1}", "default", "did you mean 'progress'"),
        ("default: {progress: much}", "default", "finite number"),
        ("default: {progress: .inf}", "default", "finite number"),
        ("default: 1", "default", "must map terms"),
        ("[1]", "default", "mapping of profiles"),
        ("default: {", "default", "line"),
    ],
)
def test_bad_profiles(tmp_path: Path, text: str, profile: str, said: str) -> None:
    file = tmp_path / "rewards.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said) as error:
        load_rewards(profile, file)
    assert "\n" not in str(error.value)


def test_code_quality_is_asked_for_by_weight_only() -> None:
    assert not load_rewards().needs_quality
    assert not load_rewards({"code_quality": 0.0}).needs_quality
    assert load_rewards({"code_quality": 0.0}).terms(facts(0, 5)) == {"code_quality": 0.0}
    spec = load_rewards("quality")
    assert spec.needs_quality
    with pytest.raises(ConfigError, match="needs StepFacts"):
        spec.terms(facts(0, 5))


@given(st.lists(st.tuples(st.integers(0, 10), st.floats(0, 1)), min_size=2, max_size=20))
def test_quality_pays_no_cycle(path: list[tuple[int, float]]) -> None:
    """Breaking and mending the same test over and over earns nothing, however good the code is."""
    counts = [passed for passed, _ in path] + [path[0][0]]
    steps = zip(itertools.pairwise(counts), [quality for _, quality in path], strict=True)
    assert sum(TERMS["code_quality"](facts(a, b, quality=q)) for (a, b), q in steps) <= 1e-9
